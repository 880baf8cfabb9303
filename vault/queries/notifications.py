"""Messages that wait to go out or that nobody took: their kinds and fates, never what they say."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Min

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.planning import of_tenant
from databunker.notify.models import Job, JobState

from ..events import NOTIFICATIONS_LISTED

__all__ = ["NotificationCount", "NotificationView", "count_notifications", "list_notifications"]


class NotificationView(NamedTuple):
    """A message. `next_attempt` is, of a dead one, when it died; `topic` what it tells of, in a word."""

    id: UUID
    kind: str
    topic: str
    created: int
    attempts: int
    next_attempt: int
    last_error: str


class NotificationCount(NamedTuple):
    """How many of a kind are in one state, and since when the oldest is there (Unix seconds)."""

    kind: str
    state: JobState
    number: int
    oldest: int


def list_notifications(actor: Actor, *, state: JobState, offset: int, limit: int) -> tuple[int, list[NotificationView]]:
    """How many are in this state, and some of them, the oldest first.

    Raises:
        AccessDenied: the actor may not see them.
    """
    require(actor, Permission.NOTIFICATION_MANAGE)
    trail.record(actor, NOTIFICATIONS_LISTED)
    found = of_tenant(Job.objects.filter(state=state), actor.tenant)
    rows = found.order_by("created", "id").values_list(*NotificationView._fields)[offset : offset + limit]
    return found.count(), [NotificationView(*row) for row in rows]


def count_notifications(actor: Actor) -> list[NotificationCount]:
    """Those that there are, by kind and state. It leaves no event: it is about nobody.

    Raises:
        AccessDenied: the actor may not see them.
    """
    require(actor, Permission.NOTIFICATION_MANAGE)
    found = Job.objects.filter(tenant=actor.tenant).values("kind", "state")
    rows = found.annotate(count=Count("id"), oldest=Min("created")).order_by("kind", "state")
    return [NotificationCount(row["kind"], JobState(row["state"]), row["count"], row["oldest"]) for row in rows]
