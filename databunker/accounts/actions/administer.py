"""What administrators do with accounts."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from django.db import IntegrityError
from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.access.roles import PERMISSIONS_OF
from databunker.db.statements import atomically
from databunker.errors import BadRequest, Conflict
from databunker.ids import unix_now

from .. import passwords, rows, second_factor, sessions
from ..events import (
    ACCOUNT_CREATED,
    ACCOUNT_DISABLED,
    ACCOUNT_ENABLED,
    PASSWORD_RESET,
    ROLE_CHANGED,
    SECOND_FACTOR_RESET,
)
from ..rows import OpenAccount, Private

__all__ = ["NewAccount", "create_account", "disable_account", "enable_account", "reset_account", "set_role"]


class NewAccount(NamedTuple):
    """`password` is the first one, shown this once; empty where it was given."""

    id: int
    password: str


def create_account(
    actor: Actor, *, name: str, role: str, display_name: str = "", password: str | None = None
) -> NewAccount:
    """An account that signs in with `password`, or with a first one that is made and has to be changed then.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: no name, or no such role.
        WeakPassword: `password` will not do.
        Conflict: the name is taken.
    """
    require(actor, Permission.ACCOUNT_MANAGE)
    name, display_name = rows.tidy_name(name), display_name.strip()
    _require_role(role)
    if len(display_name) > rows.MAX_NAME:
        raise BadRequest(f"a name has at most {rows.MAX_NAME} characters")
    if password is not None:
        passwords.require_good(password, names=(name, display_name))
    made = passwords.new_first_password() if password is None else ""
    private = Private(name, display_name, passwords.hashed(made or password or ""), first=bool(made))
    with atomically():
        try:
            account = rows.add(private, tenant=actor.tenant, role=role)
        except IntegrityError:
            raise Conflict(gettext_noop("an account has this name already")) from None
        trail.record(actor, ACCOUNT_CREATED, detail={"account": account.id, "role": role})
    return NewAccount(account.id, made)


def _require_role(role: str) -> None:
    if role not in rows.ACCOUNT_ROLES:
        raise BadRequest(f"a role is one of {', '.join(rows.ACCOUNT_ROLES)}")


def set_role(actor: Actor, *, account: int, role: str) -> None:
    """Its sessions end, so that it comes in anew with what it may do now.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: no such role.
        NotFound: no such account.
        Conflict: it is the own account, or the last that could manage accounts.
    """
    require(actor, Permission.ACCOUNT_MANAGE)
    _require_role(role)
    with atomically():
        found = _of_others(actor, account)
        if found.role == role:
            return
        changed = rows.save(found, role=role)
        _require_manager_left(actor)
        sessions.end_sessions_of(changed.id, tenant=actor.tenant)
        trail.record(actor, ROLE_CHANGED, detail={"account": account, "role": role})


def _of_others(actor: Actor, account: int) -> OpenAccount:
    """Locked, with all other accounts: two administrators can't take each other's rights at the same moment."""
    rows.accounts(tenant=actor.tenant, lock=True)
    if actor.kind is ActorKind.ACCOUNT and actor.token_id == account:
        raise Conflict(gettext_noop("this is your own account: somebody else has to do it"))
    return rows.by_id(account, tenant=actor.tenant)


def _require_manager_left(actor: Actor) -> None:
    """The command line could always make another; but whoever works at the console should not need it."""
    managers = (
        found
        for found in rows.accounts(tenant=actor.tenant)
        if found.usable and Permission.ACCOUNT_MANAGE in PERMISSIONS_OF[found.role]
    )
    if next(managers, None) is None:
        raise Conflict(gettext_noop("this is the last account that can manage accounts"))


def disable_account(actor: Actor, *, account: int) -> None:
    """It can't come in any more, and its sessions end.

    Raises:
        AccessDenied, NotFound, Conflict: see `set_role`.
    """
    require(actor, Permission.ACCOUNT_MANAGE)
    with atomically():
        found = _of_others(actor, account)
        if not found.usable:
            return
        rows.save(found, disabled=unix_now())
        _require_manager_left(actor)
        sessions.end_sessions_of(account, tenant=actor.tenant)
        trail.record(actor, ACCOUNT_DISABLED, detail={"account": account})


def enable_account(actor: Actor, *, account: int) -> None:
    """
    Raises:
        AccessDenied, NotFound, Conflict: see `set_role`.
    """
    require(actor, Permission.ACCOUNT_MANAGE)
    with atomically():
        found = _of_others(actor, account)
        if found.usable:
            return
        rows.save(found, disabled=None)
        trail.record(actor, ACCOUNT_ENABLED, detail={"account": account})


def reset_account(actor: Actor, *, account: int, password: bool = True, factor: bool = True) -> str:
    """For somebody who can't come in: a new first password, which is returned, no second factor, or both.

    Raises:
        AccessDenied, NotFound, Conflict: see `set_role`.
    """
    require(actor, Permission.ACCOUNT_MANAGE)
    made = passwords.new_first_password() if password else ""
    hashed = passwords.hashed(made) if password else ""
    with atomically():
        found = _of_others(actor, account)
        private = found.private
        if password:
            private = replace(private, password=hashed, first=True)
            trail.record(actor, PASSWORD_RESET, detail={"account": account})
        if factor:
            private = replace(private, totp="")
            second_factor.delete_recovery_codes(found.row)
            trail.record(actor, SECOND_FACTOR_RESET, detail={"account": account})
        rows.save(found, private=private)
        sessions.end_sessions_of(account, tenant=actor.tenant)
    return made
