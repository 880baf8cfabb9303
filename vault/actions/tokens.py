"""Access tokens of applications: issued and revoked, each with its event."""

from __future__ import annotations

from audit import trail
from databunker.access import tokens
from databunker.access.actor import Actor
from databunker.access.models import AccessToken, TokenKind
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically
from databunker.errors import NotFound
from databunker.ids import new_token

from ..events import TOKEN_ISSUED, TOKEN_REVOKED

__all__ = ["issue_token", "revoke_token"]


def issue_token(
    actor: Actor, *, kind: TokenKind, label: str = "", expires: int | None = None, token: str | None = None
) -> tuple[str, AccessToken]:
    """A new access token, shown this once, and its row. `expires` is in Unix seconds; `token` sets its text.

    Raises:
        AccessDenied: the actor may not issue tokens.
        IntegrityError: the same token exists already.
    """
    require(actor, Permission.TOKEN_MANAGE)
    text = token or str(new_token())
    with atomically():
        row = tokens.add_token(token=text, kind=kind, tenant=actor.tenant, label=label, expires=expires)
        trail.record(actor, TOKEN_ISSUED, detail={"row": row.pk, "kind": row.get_kind_display(), "label": label})
    return text, row


def revoke_token(actor: Actor, *, row: int) -> None:
    """Refuse the token from now on; other processes follow within AUTH_CACHE_SECONDS.

    Raises:
        AccessDenied: the actor may not revoke tokens.
        NotFound: no such token, or revoked already.
    """
    require(actor, Permission.TOKEN_MANAGE)
    with atomically():
        if not tokens.revoke_token(row, tenant=actor.tenant):
            raise NotFound("no such access token")
        trail.record(actor, TOKEN_REVOKED, detail={"row": row})
