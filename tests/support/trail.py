"""Events and trees in the hands of tests."""

from __future__ import annotations

from uuid import UUID

from audit import sealing, trail
from audit.events import EventType
from databunker.access.actor import Actor, ActorKind
from databunker.access.models import DEFAULT_TENANT

__all__ = ["SOMETHING", "sealed", "written"]

SOMETHING = EventType(65, "test.event", "tested")


def written(number: int, *, tenant: int = DEFAULT_TENANT) -> list[UUID]:
    """So many events, oldest first."""
    actor = Actor(ActorKind.ADMIN, tenant=tenant, token_id=7)
    return [trail.record(actor, SOMETHING, detail={"message": f"event {at}"}) for at in range(number)]


def sealed() -> int:
    """Seal whatever is there; how many events that were."""
    done = sealing.seal_everything(tell=lambda _: None)
    assert done.refused == []
    return done.number
