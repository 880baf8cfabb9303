"""What happened to a request, as the trail tells it: who did what, and what those who decide said about it."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from audit.events import EventType, by_number
from audit.models import Event
from databunker.access.actor import Actor, ActorKind
from databunker.ids import unix_now
from vault import visible
from vault.history import opened_events

from ..events import (
    REQUEST_APPROVED,
    REQUEST_ASSIGNED,
    REQUEST_CANCELED,
    REQUEST_COMMENTED,
    REQUEST_EXTENDED,
    REQUEST_IDENTITY,
    REQUEST_OPENED,
)
from ..requests import OpenRequest, looking
from ..states import Step

__all__ = ["CASE_EVENTS", "CaseEvent", "case_events"]

CASE_EVENTS = (
    REQUEST_OPENED, REQUEST_APPROVED, REQUEST_CANCELED, REQUEST_EXTENDED, REQUEST_IDENTITY, REQUEST_ASSIGNED,
    REQUEST_COMMENTED,
)  # fmt: skip


class CaseEvent(NamedTuple):
    """One event of a request. `at` is in Unix seconds; `kind` and `number` are the caller's: its kind, and the row of
    its access token or account. `step` is what was done about the clock, `account` whom the request was given to.
    """

    id: UUID
    at: int
    type: EventType
    kind: ActorKind
    number: int | None
    step: Step | None = None
    comment: str = ""
    account: int | None = None

    @property
    def is_account(self) -> bool:
        """Whether `number` is that of an account."""
        return self.kind is ActorKind.ACCOUNT


def case_events(actor: Actor, request: OpenRequest) -> list[CaseEvent]:
    """Newest first; none once the person was forgotten, as nobody can read any more which of them tell of this request.

    Writes no event: for whoever has been let in already.
    """
    found = opened_events(request.holder, CASE_EVENTS, since=request.stored.created, until=unix_now())
    return [_case_event(actor, event, detail) for event, detail in found if detail.get("request") == request.stored.pk]


def _case_event(actor: Actor, event: Event, detail: dict[str, Any]) -> CaseEvent:
    return CaseEvent(
        event.id,
        event.at // _MICROS,
        by_number(event.type),
        ActorKind(event.actor_kind),
        event.actor_token,
        Step(detail["step"]) if "step" in detail else None,
        visible.words(looking(actor), detail.get("comment", "")),
        detail.get("account"),
    )


_MICROS = 1_000_000
