"""Guarded reads of accounts."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from audit import trail
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.access.roles import PERMISSIONS_OF
from databunker.errors import NotFound

from . import rows, second_factor, sessions
from .events import ACCOUNTS_LISTED
from .models import Account
from .rows import OpenAccount
from .sessions import SessionView

__all__ = [
    "AccountView",
    "accounts_that_may",
    "find_account",
    "list_accounts",
    "names_of",
    "own_codes_left",
    "own_sessions",
    "read_account",
]


class AccountView(NamedTuple):
    """One account as administrators see it."""

    id: int
    name: str
    display_name: str
    role: str
    disabled: bool
    second_factor: bool
    created: int
    signed_in: int | None


def _view(account: OpenAccount) -> AccountView:
    row, private = account.row, account.private
    return AccountView(
        account.id, private.name, private.display_name, row.role, row.disabled is not None,
        account.has_second_factor, row.created, row.signed_in,
    )  # fmt: skip


def list_accounts(actor: Actor) -> list[AccountView]:
    """
    Raises:
        AccessDenied: the actor may not.
    """
    require(actor, Permission.ACCOUNT_READ)
    trail.record(actor, ACCOUNTS_LISTED)
    return [_view(account) for account in rows.accounts(tenant=actor.tenant)]


def read_account(actor: Actor, *, account: int) -> AccountView:
    """
    Raises:
        AccessDenied: the actor may not.
        NotFound: no such account.
    """
    require(actor, Permission.ACCOUNT_READ)
    found = rows.by_id(account, tenant=actor.tenant)
    trail.record(actor, ACCOUNTS_LISTED, detail={"account": account})
    return _view(found)


def find_account(actor: Actor, *, name: str) -> AccountView:
    """The account that signs in with `name`.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: it is no name.
        NotFound: no such account.
    """
    require(actor, Permission.ACCOUNT_READ)
    found = rows.by_name(rows.tidy_name(name), tenant=actor.tenant)
    if found is None:
        raise NotFound("account not found")
    trail.record(actor, ACCOUNTS_LISTED, detail={"account": found.id})
    return _view(found)


def names_of(numbers: Collection[int], *, tenant: int) -> dict[int, str]:
    """The names that pages show in the place of the numbers that events and rows hold; who is gone is left out."""
    found = Account.objects.filter(tenant=tenant, pk__in=set(numbers))
    return {row.pk: rows.opened(row).shown_name for row in found}


def accounts_that_may(permission: Permission, *, tenant: int) -> dict[int, str]:
    """The accounts in use whose role lets them do this: their numbers and names, for pages to choose from."""
    found = rows.accounts(tenant=tenant)
    return {one.id: one.shown_name for one in found if one.usable and permission in PERMISSIONS_OF[one.role]}


def own_sessions(actor: Actor) -> list[SessionView]:
    """The sessions of the account that acts."""
    if actor.kind is not ActorKind.ACCOUNT or actor.token_id is None:
        return []
    return sessions.list_sessions(actor.token_id, tenant=actor.tenant)


def own_codes_left(account: OpenAccount) -> int:
    """How many recovery codes the account has not used."""
    return second_factor.count_recovery_codes(account.row)
