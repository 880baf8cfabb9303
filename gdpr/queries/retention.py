"""When people are to be forgotten: of one person, and beside each of a list."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, allowed
from vault import lookups
from vault.queries import find

from ..events import EXPIRATION_READ
from ..expirations import open_link, upon
from ..models import Expiration, ExpirationStatus

__all__ = ["ExpirationView", "expirations_of", "read_expiration"]


class ExpirationView(NamedTuple):
    """`endtime` is in Unix seconds, 0 where there is none; `status` is empty where nothing was started.

    `link` is the token of the link, for those who may start expirations and while it can be used.
    """

    endtime: int = 0
    status: str = ""
    link: UUID | None = None


def read_expiration(actor: Actor, *, mode: str, identity: str) -> ExpirationView:
    """The person's expiration; that of somebody forgotten is `expired`.

    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied, NotFound: see `vault.queries.find`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.RETENTION_READ)
    trail.record(actor, EXPIRATION_READ, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    stored = upon(record)
    if stored is None:
        return ExpirationView()
    link = open_link(stored, record) if allowed(actor, Permission.RETENTION_MANAGE) else None
    return _view(stored, link)


def expirations_of(actor: Actor, subjects: Collection[bytes]) -> dict[bytes, ExpirationView]:
    """Of those among these people who have one. Whoever lists people has checked and told of it already."""
    found = Expiration.objects.filter(tenant=actor.tenant, subject__in=list(subjects))
    return {stored.subject: _view(stored, None) for stored in found} if subjects else {}


def _view(stored: Expiration, link: UUID | None) -> ExpirationView:
    return ExpirationView(stored.endtime, ExpirationStatus(stored.status).label, link)
