"""Access tokens of applications, as those see them who decide about them."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import OuterRef, Q, QuerySet, Subquery

from audit import trail
from audit.models import Event
from databunker.access import scopes
from databunker.access.actor import Actor
from databunker.access.models import AccessToken, TokenKind
from databunker.access.permissions import Permission, require
from databunker.access.scopes import Scope
from databunker.errors import NotFound
from databunker.ids import event_millis, unix_now

from ..events import TOKENS_LISTED

__all__ = ["TokenView", "list_tokens", "page_of_tokens", "read_token"]


class TokenView(NamedTuple):
    """A token without its text, which nobody knows any more. Times are Unix seconds; `scope` None: not narrowed.

    `last_used` is when the latest event was that the token has left, as every call leaves one: None where there is
    none, or none any more.
    """

    number: int
    kind: str
    label: str
    created: int
    expires: int | None
    revoked: int | None
    scope: Scope | None
    last_used: int | None

    @property
    def expired(self) -> bool:
        return self.expires is not None and self.expires <= unix_now()

    @property
    def usable(self) -> bool:
        return self.revoked is None and not self.expired


def list_tokens(actor: Actor) -> list[TokenView]:
    """Every token but those of people, which come and go by themselves; oldest first.

    Raises:
        AccessDenied: the actor may not see them.
    """
    require(actor, Permission.TOKEN_MANAGE)
    trail.record(actor, TOKENS_LISTED)
    return [_view(row) for row in _tokens(actor).order_by("id")]


def page_of_tokens(actor: Actor, *, usable: bool, offset: int, limit: int) -> tuple[int, list[TokenView]]:
    """How many there are, and some of them, newest first; only those that are good still where `usable` says so.

    Raises:
        AccessDenied: the actor may not see them.
    """
    require(actor, Permission.TOKEN_MANAGE)
    trail.record(actor, TOKENS_LISTED)
    found = _tokens(actor)
    if usable:
        found = found.filter(Q(expires=None) | Q(expires__gt=unix_now()), revoked=None)
    return found.count(), [_view(row) for row in found.order_by("-id")[offset : offset + limit]]


def read_token(actor: Actor, *, row: int) -> TokenView:
    """
    Raises:
        AccessDenied: the actor may not see it.
        NotFound: no such token, or a person's.
    """
    require(actor, Permission.TOKEN_MANAGE)
    found = _tokens(actor).filter(pk=row).first()
    if found is None:
        raise NotFound("no such access token")
    trail.record(actor, TOKENS_LISTED, detail={"row": row})
    return _view(found)


def _tokens(actor: Actor) -> QuerySet[AccessToken]:
    """With the latest event of each: one look at the end of an index, and nothing that a call has to write."""
    latest = Event.objects.filter(tenant=OuterRef("tenant"), actor_kind=OuterRef("kind"), actor_token=OuterRef("pk"))
    rows = AccessToken.objects.filter(tenant=actor.tenant).exclude(kind=TokenKind.PERSON)
    return rows.annotate(latest=Subquery(latest.order_by("-id").values("id")[:1]))


def _view(row: AccessToken) -> TokenView:
    latest = getattr(row, "latest", None)
    return TokenView(
        number=row.pk,
        kind=row.get_kind_display(),
        label=row.label,
        created=row.created,
        expires=row.expires,
        revoked=row.revoked,
        scope=scopes.from_text(row.scope) if row.scope else None,
        last_used=event_millis(latest) // _MILLIS if latest else None,
    )


_MILLIS = 1000
