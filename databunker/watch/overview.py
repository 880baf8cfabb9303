"""How much is read, and what of that was unusual, for a first look. Names no person, and leaves no event."""

from __future__ import annotations

from typing import NamedTuple

from django.db.models import Sum

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.ids import unix_now

from .models import Incident, IncidentKind, Reading
from .readings import DAY

__all__ = ["Unusual", "Volume", "access_volume", "unusual_access"]


class Unusual(NamedTuple):
    """One incident, by its number; `token_id` is the row of the access token or account. Times are Unix seconds."""

    number: int
    kind: IncidentKind
    actor_kind: ActorKind
    token_id: int | None
    start: int
    last: int
    people: int


class Volume(NamedTuple):
    """The days (their beginnings in Unix seconds, UTC), and how many people callers of each kind have read in each.

    Somebody whom two callers have read counts twice.
    """

    days: list[int]
    read: dict[ActorKind, list[int]]


def access_volume(actor: Actor, *, days: int) -> Volume:
    """
    Raises:
        AccessDenied: the actor may not see everybody's events.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    today = unix_now() // DAY * DAY
    starts = [today - (days - 1 - number) * DAY for number in range(days)]
    found = Reading.objects.filter(tenant=actor.tenant, seconds=DAY, start__gte=starts[0], start__lte=today)
    volume = Volume(starts, {kind: [0] * days for kind in (ActorKind.ADMIN, ActorKind.ACCOUNT, ActorKind.ROOT)})
    for kind, start, people in found.values_list("actor_kind", "start").annotate(Sum("people")).order_by():
        volume.read[ActorKind(kind)][(start - starts[0]) // DAY] += people
    return volume


def unusual_access(actor: Actor, *, days: int, limit: int) -> list[Unusual]:
    """The newest incidents of the last days.

    Raises:
        AccessDenied: the actor may not see everybody's events.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    found = Incident.objects.filter(tenant=actor.tenant, last__gte=unix_now() - days * DAY).order_by("-last", "-id")
    return [_unusual(row) for row in found[:limit]]


def _unusual(row: Incident) -> Unusual:
    kind, caller = IncidentKind(row.kind), ActorKind(row.actor_kind)
    return Unusual(row.pk, kind, caller, row.token_id or None, row.start, row.last, row.people)
