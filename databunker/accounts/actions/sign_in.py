"""Coming in: a password, then a second factor. Whoever is refused learns nothing about who has an account."""

from __future__ import annotations

import logging

from django.conf import settings

from audit import trail
from audit.events import EventType, Outcome
from databunker.access import tokens
from databunker.access.actor import Actor, ActorKind
from databunker.crypto import hashing
from databunker.db.statements import atomically
from databunker.errors import AccessDenied, BadRequest, VaultError
from databunker.ids import unix_now

from .. import limits, passwords, rows, second_factor
from ..events import BROKE_GLASS, PAGE_REFUSED, RECOVERY_CODE_USED, SECOND_FACTOR_REFUSED, SIGN_IN_REFUSED, SIGNED_IN
from ..rows import OpenAccount

__all__ = ["break_glass", "check_password", "check_second_factor", "refuse_page", "sign_in"]

_log = logging.getLogger("databunker.accounts")


def check_password(actor: Actor, *, name: str, password: str) -> OpenAccount:
    """The account with this name and password, which is not signed in by that yet.

    Raises:
        AccessDenied: no such account, another password, disabled, or one that signs in elsewhere. All look alike.
        Throttled: too many tries, for this name or from this address.
    """
    try:
        name = rows.tidy_name(name)
    except BadRequest:
        name = ""  # nobody's, and it takes as long
    account = rows.by_name(name, tenant=actor.tenant)
    who = rows.name_digest(name, tenant=actor.tenant)
    limits.count_try(actor, who=who, account=account.id if account else None)
    checked = passwords.check(password, account.private.password if account else "")
    if account is None or not checked.right or not account.usable:
        _refuse(actor, SIGN_IN_REFUSED, account, who)
        raise AccessDenied
    if checked.outdated:
        _renew_hash(account, password)
    return account


def _refuse(actor: Actor, event: EventType, account: OpenAccount | None, who: bytes) -> None:
    detail = {"account": account.id} if account else {"digest": who.hex()}
    trail.record(actor, event, detail=detail, outcome=Outcome.DENIED)


def _renew_hash(account: OpenAccount, password: str) -> None:
    with atomically():
        current = rows.by_id(account.id, tenant=account.row.tenant, lock=True)
        if hashing.same(current.private.password.encode(), account.private.password.encode()):  # not changed meanwhile
            rows.save(current, private=_with(current, password=passwords.hashed(password)))


def _with(account: OpenAccount, *, password: str) -> rows.Private:
    private = account.private
    return rows.Private(private.name, private.display_name, password, private.first, private.totp)


def check_second_factor(actor: Actor, *, account: OpenAccount, code: str) -> None:
    """Use up a code of the authenticator app, or a recovery code.

    Raises:
        AccessDenied: it is neither, or was used before.
        Throttled: too many tries.
    """
    who = b"factor" + account.row.digest
    limits.count_try(actor, who=who, account=account.id)
    with atomically():
        # The account's row is what two with the same code wait for.
        current = rows.by_id(account.id, tenant=actor.tenant, lock=True)
        used = _use(current, code)
        if used == "recovery":
            left = second_factor.count_recovery_codes(current.row)
            trail.record(current.actor(actor), RECOVERY_CODE_USED, detail={"left": left})
    if not used:
        _refuse(actor, SECOND_FACTOR_REFUSED, account, who)
        raise AccessDenied
    limits.forgive(actor, who=who)


def _use(account: OpenAccount, code: str) -> str:
    secret = bytes.fromhex(account.private.totp)
    step = second_factor.step_of(secret, code) if secret else None
    if step is not None:
        return "totp" if second_factor.use_step(account.row, step) else ""
    return "recovery" if second_factor.use_recovery_code(account.row, code) else ""


def sign_in(actor: Actor, *, account: OpenAccount, how: str) -> Actor:
    """Record that the account has come in; the actor that it is from now on. `how` it has proved who it is.

    Raises:
        AccessDenied: it has been disabled meanwhile.
    """
    with atomically():
        current = rows.by_id(account.id, tenant=actor.tenant, lock=True)
        if not current.usable:
            raise AccessDenied
        current.row.signed_in = unix_now()
        current.row.save(update_fields=["signed_in"])
        signed_in = current.actor(actor)
        trail.record(signed_in, SIGNED_IN, detail={"how": how})
        limits.forgive(actor, who=current.row.digest)
    return signed_in


def break_glass(actor: Actor, *, token: str) -> Actor:
    """For the day on which no account gets in: the holder of a root token, where CONSOLE_BREAK_GLASS allows it.

    Raises:
        AccessDenied: not allowed, or no valid root token.
        Throttled: too many tries.
    """
    who = b"break-glass"
    limits.count_try(actor, who=who, account=None)
    grant = tokens.lookup(token) if settings.CONSOLE_BREAK_GLASS and token else None
    if grant is None or grant.kind is not ActorKind.ROOT or grant.tenant != actor.tenant:
        _refuse(actor, SIGN_IN_REFUSED, None, who)
        raise AccessDenied
    root = Actor(ActorKind.ROOT, grant.tenant, grant.token_id, request_id=actor.request_id, address=actor.address)
    trail.record(root, BROKE_GLASS)
    _log.warning("somebody has signed in at the console with the root token")
    return root


def refuse_page(actor: Actor, error: VaultError) -> None:
    """The event of a page that the actor may not see."""
    trail.refuse(actor, PAGE_REFUSED, error)
