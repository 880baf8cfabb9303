"""Accounts that sign in at an OpenID provider: each is linked with one identity there, by issuer and subject."""

from __future__ import annotations

from django.db import IntegrityError
from django.utils.translation import gettext_noop

from audit import trail
from audit.events import Outcome
from databunker.access.actor import Actor
from databunker.crypto import hashing
from databunker.db.statements import atomically
from databunker.errors import AccessDenied, Conflict

from .. import rows
from ..events import CONFIRMED, IDENTITY_LINKED, SIGN_IN_REFUSED
from ..oidc import Identity
from ..rows import OpenAccount
from .own import own_account

__all__ = ["confirm_by_identity", "find_by_identity", "link_identity"]


def _digest(actor: Actor, identity: Identity) -> bytes:
    return rows.identity_digest(identity.issuer, identity.subject, tenant=actor.tenant)


def find_by_identity(actor: Actor, *, identity: Identity) -> OpenAccount:
    """The account of whom the provider has proved to be this one.

    Raises:
        AccessDenied: no account is linked with it, or it is disabled.
    """
    digest = _digest(actor, identity)
    account = rows.by_identity(digest, tenant=actor.tenant)
    if account is None or not account.usable:
        detail = {"account": account.id} if account else {"identity": digest.hex()}
        trail.record(actor, SIGN_IN_REFUSED, detail=detail, outcome=Outcome.DENIED)
        raise AccessDenied
    return account


def link_identity(actor: Actor, *, identity: Identity) -> None:
    """Let the own account sign in there from now on; instead of by another identity, if it had one.

    Raises:
        Conflict: another account is linked with it.
    """
    try:
        with atomically():
            account = own_account(actor, lock=True)
            rows.save(account, identity=_digest(actor, identity))
            trail.record(actor, IDENTITY_LINKED)
    except IntegrityError:
        raise Conflict(gettext_noop("another account signs in by this identity")) from None


def confirm_by_identity(actor: Actor, *, identity: Identity) -> None:
    """It is still the same one, as the provider has just asked.

    Raises:
        AccessDenied: it is somebody else.
    """
    account = own_account(actor)
    if account.row.identity is None or not hashing.same(account.row.identity, _digest(actor, identity)):
        raise AccessDenied
    trail.record(actor, CONFIRMED)
