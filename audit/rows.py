"""Events as drivers give them, by the thousand: without the model's machinery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from databunker.db.statements import fetch_all

from .trail import EventRow

__all__ = ["EVENT_COLUMNS", "event_row", "to_uuid", "without_leaf"]

EVENT_COLUMNS = ", ".join(f"e.{name}" for name in EventRow._fields)
_WITHOUT_LEAF = (
    f"SELECT {EVENT_COLUMNS} FROM audit_event e WHERE e.id > %s AND e.id <= %s "  # noqa: S608 - our own SQL
    "AND NOT EXISTS (SELECT 1 FROM audit_leaf l WHERE l.event = e.id) ORDER BY e.id LIMIT %s"
)


def without_leaf(after: UUID, upto: UUID, number: int) -> list[EventRow]:
    """Events, `number` of them at the most, that are in no tree: those with ids after `after` and up to `upto`."""
    return [event_row(values) for values in fetch_all(_WITHOUT_LEAF, [after, upto, number])]


def event_row(values: Sequence[Any]) -> EventRow:
    """The columns of `EventRow`, in order."""
    (
        event, tenant, at, type_, outcome, actor_kind, actor_token, subject, request, detail, key_id, mac,
    ) = values  # fmt: skip
    return EventRow(
        to_uuid(event), tenant, at, type_, outcome, actor_kind, actor_token, _bytes(subject), to_uuid(request),
        _bytes(detail), key_id, bytes(mac),
    )  # fmt: skip


def to_uuid(value: Any) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _bytes(value: Any) -> bytes | None:
    return None if value is None else bytes(value)
