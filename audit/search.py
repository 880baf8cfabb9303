"""Find events in a trail of any length: each look goes through an index, and through no more rows than it says."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from databunker.access.actor import ActorKind
from databunker.access.models import Tenant
from databunker.ids import event_millis, first_event_id, unix_now

from . import trees
from .events import Outcome
from .models import Event
from .queries import in_order

__all__ = ["WINDOW", "Found", "SealState", "Search", "seal_state", "search", "unsealed_seconds"]

# Of what no index answers, a look goes through so many events: tens of milliseconds on each database.
WINDOW = 20_000


class Search(NamedTuple):
    """Which events are looked for; None: any.

    `since` and `until` are Unix seconds, the second not included; `subject` is a person's reference.
    """

    since: int | None = None
    until: int | None = None
    subject: bytes | None = None
    actor_kind: ActorKind | None = None
    actor_token: int | None = None
    type: int | None = None
    outcome: Outcome | None = None

    def conditions(self) -> dict[str, Any]:
        wanted = {
            "subject": self.subject,
            "actor_kind": self.actor_kind,
            "actor_token": self.actor_token,
            "type": self.type,
            "outcome": self.outcome,
        }
        return {name: value for name, value in wanted.items() if value is not None}

    def indexed(self) -> tuple[str, ...]:
        """Those of the conditions that one index answers, in the order of time; the most selective first."""
        found = self.conditions()
        return next((names for names in _INDEXES if all(name in found for name in names)), ())


# As the indexes of `models.Event` begin, behind the tenant.
_INDEXES: tuple[tuple[str, ...], ...] = (("subject",), ("actor_kind", "actor_token"), ("type",), ("outcome",))


class Found(NamedTuple):
    """Newest first. `older` is what to give as `before` to look further back; None: there is nothing further back."""

    events: list[Event]
    older: UUID | None


def search(wanted: Search, *, tenant: int, before: UUID | None = None, limit: int) -> Found:
    """At most `limit` events, those before the event `before`. Fewer may come while there are older ones: a look ends
    after WINDOW events. None is checked: see `queries.is_intact`."""
    within = _within(wanted, tenant=tenant, before=before)
    conditions = wanted.conditions()
    by_index = {name: conditions[name] for name in wanted.indexed()}
    floor = None
    if len(by_index) < len(conditions):
        floor = within.filter(**by_index).values_list("id", flat=True)[WINDOW : WINDOW + 1].first()
        if floor is not None:
            within = within.filter(id__gte=floor)
    events = list(within.filter(**conditions)[: limit + 1])
    if len(events) > limit:
        return Found(events[:limit], events[limit - 1].id)
    return Found(events, floor)


def _within(wanted: Search, *, tenant: int, before: UUID | None) -> QuerySet[Event]:
    """Ids sort by time: what is asked for of the time is a range of them."""
    found = (Event.objects.filter(tenant=tenant) if wanted.indexed() else in_order(tenant)).order_by("-id")
    if wanted.since is not None:
        found = found.filter(id__gte=first_event_id(wanted.since * 1000))
    ends = [end for end in (before, None if wanted.until is None else first_event_id(wanted.until * 1000)) if end]
    return found.filter(id__lt=min(ends)) if ends else found


class SealState(NamedTuple):
    """How far a tenant's trail is sealed: into how many leaves, and when (Unix seconds; 0: never).

    `waiting` is since when the oldest event waits that was written after that.
    """

    size: int
    at: int
    waiting: int | None


def seal_state(tenant: int) -> SealState:
    """Holds nothing personal, and writes no event: whoever shows it does."""
    head = trees.newest_head(tenant)
    at = head.at if head else 0
    later = in_order(tenant).filter(id__gt=first_event_id((at + 1) * 1000)).order_by("id")
    oldest = later.values_list("id", flat=True).first()
    return SealState(head.size if head else 0, at, None if oldest is None else event_millis(oldest) // 1000)


def unsealed_seconds() -> int:
    """For how long the event of any tenant that has waited longest waits to be sealed; 0: none does.

    Raises:
        DatabaseError: the database can't be asked.
    """
    now = unix_now()
    since = [seal_state(tenant).waiting for tenant in Tenant.objects.values_list("id", flat=True)]
    return max([0, *(now - oldest for oldest in since if oldest is not None)])
