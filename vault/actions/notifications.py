"""Messages that nobody took: put back into their turn, or thrown away, each time with an event."""

from __future__ import annotations

from collections.abc import Callable, Collection
from uuid import UUID

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically
from databunker.errors import NotFound
from databunker.notify import jobs

from ..events import NOTIFICATIONS_DROPPED, NOTIFICATIONS_REPLAYED

__all__ = ["drop_notifications", "replay_notifications"]


def replay_notifications(actor: Actor, *, ids: Collection[UUID] | None) -> int:
    """Try these dead letters anew, or all where `ids` is None, with all their attempts before them; how many.

    Raises:
        AccessDenied: the actor may not.
        NotFound: none of them is a dead letter of this tenant.
    """
    return _settle(actor, ids, jobs.revive, NOTIFICATIONS_REPLAYED)


def drop_notifications(actor: Actor, *, ids: Collection[UUID] | None) -> int:
    """Delete these dead letters, or all where `ids` is None; how many.

    Raises:
        AccessDenied: the actor may not.
        NotFound: none of them is a dead letter of this tenant.
    """
    return _settle(actor, ids, jobs.drop, NOTIFICATIONS_DROPPED)


def _settle(actor: Actor, ids: Collection[UUID] | None, act: Callable[..., int], event: EventType) -> int:
    require(actor, Permission.NOTIFICATION_MANAGE)
    with atomically():
        count = act(ids, tenant=actor.tenant)
        if not count:
            raise NotFound("no such dead letter")
        trail.record(actor, event, detail={"messages": count})
    return count
