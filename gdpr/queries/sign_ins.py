"""Where a person is signed in: the access tokens that logins have given and that still let in."""

from __future__ import annotations

from typing import NamedTuple

from audit import trail
from databunker.access.actor import Actor
from databunker.access.models import AccessToken, TokenKind
from databunker.access.permissions import Permission
from databunker.ids import unix_now
from vault import lookups
from vault.queries import find
from vault.records import OpenRecord

from ..events import SIGN_INS_LISTED

__all__ = ["SignInView", "list_sign_ins", "sign_ins_of"]


class SignInView(NamedTuple):
    """`number` is the row of the access token; times in Unix seconds. `current`: by this one the caller has come in."""

    number: int
    created: int
    expires: int | None
    current: bool


def list_sign_ins(actor: Actor, *, mode: str, identity: str) -> list[SignInView]:
    """Newest first.

    Raises:
        BadRequest, AccessDenied, NotFound: see `vault.queries.find`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.SESSION_READ)
    trail.record(actor, SIGN_INS_LISTED, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    return sign_ins_of(actor, record)


def sign_ins_of(actor: Actor, record: OpenRecord) -> list[SignInView]:
    """Newest first; for whoever has been let in already, and leaves an event."""
    row, now = record.row, unix_now()
    found = AccessToken.objects.filter(tenant=row.tenant, subject=row.subject, kind=TokenKind.PERSON, revoked=None)
    return [
        SignInView(token.pk, token.created, token.expires, token.pk == actor.token_id)
        for token in found.order_by("-id")
        if token.expires is None or token.expires > now
    ]
