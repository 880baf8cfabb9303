"""End what a login of a person has begun."""

from __future__ import annotations

from audit import trail
from databunker.access import tokens
from databunker.access.actor import Actor
from databunker.access.models import AccessToken, TokenKind
from databunker.access.permissions import Permission
from databunker.db.statements import atomically, retrying
from databunker.errors import NotFound
from vault import lookups
from vault.queries import find

from ..events import SIGN_IN_ENDED

__all__ = ["end_sign_in"]


def end_sign_in(actor: Actor, *, mode: str, identity: str, number: int) -> None:
    """Refuse the access token of a login from now on; other processes follow within AUTH_CACHE_SECONDS.

    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied: the actor may not end this person's sessions.
        NotFound: no such person, or no such sign-in of the person, or it has ended.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> None:
        with atomically():
            record = find(actor, lookup, Permission.SESSION_END, lock=True)
            row = record.row
            own = AccessToken.objects.filter(pk=number, tenant=row.tenant, subject=row.subject, kind=TokenKind.PERSON)
            if not (own.exists() and tokens.revoke_token(number, tenant=row.tenant)):
                raise NotFound("not found", subject=row.subject)
            detail = {**lookup.trace(), "row": number}
            trail.record(actor, SIGN_IN_ENDED, subject=row.subject, sealer=record.key, detail=detail)

    retrying(attempt)
