"""Access tokens of applications, as those see them who decide about them."""

from __future__ import annotations

from typing import NamedTuple

from audit import trail
from databunker.access import scopes
from databunker.access.actor import Actor
from databunker.access.models import AccessToken, TokenKind
from databunker.access.permissions import Permission, require
from databunker.access.scopes import Scope

from ..events import TOKENS_LISTED

__all__ = ["TokenView", "list_tokens"]


class TokenView(NamedTuple):
    """A token without its text, which nobody knows any more. Times are Unix seconds; `scope` None: not narrowed."""

    number: int
    kind: str
    label: str
    created: int
    expires: int | None
    revoked: int | None
    scope: Scope | None


def list_tokens(actor: Actor) -> list[TokenView]:
    """Every token but those of people, which come and go by themselves; oldest first.

    Raises:
        AccessDenied: the actor may not see them.
    """
    require(actor, Permission.TOKEN_MANAGE)
    trail.record(actor, TOKENS_LISTED)
    rows = AccessToken.objects.filter(tenant=actor.tenant).exclude(kind=TokenKind.PERSON).order_by("id")
    return [
        TokenView(
            number=row.pk,
            kind=row.get_kind_display(),
            label=row.label,
            created=row.created,
            expires=row.expires,
            revoked=row.revoked,
            scope=scopes.from_text(row.scope) if row.scope else None,
        )
        for row in rows
    ]
