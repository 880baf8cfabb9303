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

from ..events import SIGN_INS_LISTED

__all__ = ["SignInView", "list_sign_ins"]


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
    row = record.row
    trail.record(actor, SIGN_INS_LISTED, subject=row.subject, sealer=record.key, detail=lookup.trace())
    found = AccessToken.objects.filter(tenant=row.tenant, subject=row.subject, kind=TokenKind.PERSON, revoked=None)
    return [
        SignInView(token.pk, token.created, token.expires, token.pk == actor.token_id)
        for token in found.order_by("-id")
        if token.expires is None or token.expires > unix_now()
    ]
