"""Access tokens of applications: issued, narrowed and revoked, each with its event."""

from __future__ import annotations

from typing import Any

from audit import trail
from databunker.access import tokens
from databunker.access.actor import Actor
from databunker.access.models import AccessToken, TokenKind
from databunker.access.permissions import Permission, require
from databunker.access.scopes import Scope
from databunker.db.statements import atomically
from databunker.errors import AccessDenied, BadRequest, NotFound
from databunker.ids import new_token

from ..events import TOKEN_ISSUED, TOKEN_NARROWED, TOKEN_REVOKED

__all__ = ["issue_token", "narrow_token", "revoke_token"]


def issue_token(
    actor: Actor, *, kind: TokenKind, label: str = "", expires: int | None = None, token: str | None = None,
    scope: Scope | None = None,
) -> tuple[str, AccessToken]:  # fmt: skip
    """A new access token, shown this once, and its row. `expires` is in Unix seconds; `token` sets its text.

    Raises:
        AccessDenied: the actor may not issue tokens.
        BadRequest: a root token is to be narrowed.
        IntegrityError: the same token exists already.
    """
    _require(actor)
    if scope is not None and kind is TokenKind.ROOT:
        raise BadRequest("a root token has no scope")
    text = token or str(new_token())
    with atomically():
        row = tokens.add_token(token=text, kind=kind, tenant=actor.tenant, label=label, expires=expires, scope=scope)
        detail = {"row": row.pk, "kind": row.get_kind_display(), "label": label, **_scope(scope)}
        trail.record(actor, TOKEN_ISSUED, detail=detail)
    return text, row


def narrow_token(actor: Actor, *, row: int, scope: Scope | None) -> None:
    """Give the token another scope, narrower or wider; other processes follow within AUTH_CACHE_SECONDS.

    Raises:
        AccessDenied: the actor may not decide about tokens.
        NotFound: no such token of an application, or revoked already.
    """
    _require(actor)
    with atomically():
        found = AccessToken.objects.filter(pk=row, tenant=actor.tenant, kind=TokenKind.ADMIN).exists()
        if not (found and tokens.rescope_token(row, tenant=actor.tenant, scope=scope)):
            raise NotFound("no such access token")
        trail.record(actor, TOKEN_NARROWED, detail={"row": row, **_scope(scope)})


def revoke_token(actor: Actor, *, row: int) -> None:
    """Refuse the token from now on; other processes follow within AUTH_CACHE_SECONDS.

    Raises:
        AccessDenied: the actor may not revoke tokens.
        NotFound: no such token, or revoked already.
    """
    _require(actor)
    with atomically():
        if not tokens.revoke_token(row, tenant=actor.tenant):
            raise NotFound("no such access token")
        trail.record(actor, TOKEN_REVOKED, detail={"row": row})


def _require(actor: Actor) -> None:
    """
    Raises:
        AccessDenied: the actor may not decide about tokens; who is narrowed may not, as it could issue wider ones.
    """
    require(actor, Permission.TOKEN_MANAGE)
    if actor.scope is not None and actor.scope.narrows:
        raise AccessDenied


def _scope(scope: Scope | None) -> dict[str, Any]:
    return {"scope": scope.text} if scope else {}
