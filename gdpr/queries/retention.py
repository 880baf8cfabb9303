"""When people are to be forgotten: of one person, and beside each of a list."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from audit import trail
from databunker import periods
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, allowed
from databunker.db.statements import execute
from databunker.ids import unix_now
from vault import lookups
from vault.queries import find, find_subjects
from vault.records import OpenRecord

from ..events import ENDS_LISTED, EXPIRATION_READ
from ..expirations import open_link, upon
from ..models import Expiration, ExpirationStatus

__all__ = ["EndingPage", "ExpirationView", "ending", "expirations_of", "list_ending", "read_expiration"]


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


class EndingPage(NamedTuple):
    """Whose time is over next, each with the end in Unix seconds; `more`: there are others behind them."""

    people: list[tuple[OpenRecord, int]]
    more: bool


def list_ending(actor: Actor, *, days: int, offset: int, limit: int) -> EndingPage:
    """The people whose time is over within so many days, the next one first, with an event for each.

    Raises:
        AccessDenied: the actor may not read everybody's.
    """
    found = list(ending(actor.tenant, days=days)[offset : offset + limit + 1])
    records = find_subjects(actor, {bytes(one.subject) for one in found[:limit]}, Permission.RETENTION_READ)
    shown = [(records[one.subject], one.endtime) for one in found[:limit] if one.subject in records]
    events = [
        trail.build(actor, ENDS_LISTED, subject=record.row.subject, sealer=record.key) for record, _ in shown
    ] or [trail.build(actor, ENDS_LISTED)]
    execute(*trail.insert(*events).statement())
    return EndingPage(shown, len(found) > limit)


def ending(tenant: int, *, days: int) -> QuerySet[Expiration]:
    """The expirations that end within so many days, the next one first."""
    until = unix_now() + days * periods.DAY
    found = Expiration.objects.filter(tenant=tenant, status=ExpirationStatus.WAIT, endtime__lt=until)
    return found.order_by("endtime", "tenant", "subject")


def _view(stored: Expiration, link: UUID | None) -> ExpirationView:
    return ExpirationView(stored.endtime, ExpirationStatus(stored.status).label, link)
