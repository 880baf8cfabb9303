"""Count, from the trail, how many different people each token and account reads, by the hour and by the day."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from audit.events import Outcome
from audit.models import Event
from databunker.access.actor import ActorKind
from databunker.db.statements import atomically
from databunker.ids import CLOCK_SKEW_SECONDS
from vault.events import RECORD_ADOPTED, RECORD_CREATED

from . import sketch
from .models import Progress, Reading

__all__ = ["DAY", "HOUR", "PERIODS", "count_readings", "first_id"]

HOUR, DAY = 3600, 86_400
PERIODS = (HOUR, DAY)
EVENTS_AT_ONCE = 5_000
# What is being written meanwhile may get an earlier id than what is read here.
_LAG_SECONDS = 10
_ROW = 1
# Whoever brings people in has not read them.
_NO_READING = frozenset({RECORD_CREATED.number, RECORD_ADOPTED.number})
_COUNTED = frozenset({ActorKind.ADMIN.value, ActorKind.ROOT.value, ActorKind.ACCOUNT.value})
_MILLIS = 1_000


class _Key(NamedTuple):
    tenant: int
    actor_kind: int
    token_id: int
    seconds: int
    start: int


def first_id(seconds: int) -> UUID:
    """The least id that an event of this moment (Unix seconds) can have."""
    return UUID(int=seconds * _MILLIS << 80)


def count_readings(now: int) -> list[Reading] | None:
    """Count some of the events that were not counted yet; the periods that they are of, None where there are no more.

    In the caller's transaction, in which no other host counts.
    """
    with atomically():
        progress = _locked_progress(now)
        found = Event.objects.filter(id__gt=progress.position, id__lt=first_id(now - _LAG_SECONDS)).order_by("id")
        events = list(
            found.values_list("id", "tenant", "at", "type", "outcome", "actor_kind", "actor_token", "subject")[
                :EVENTS_AT_ONCE
            ]
        )
        if not events:
            return None
        Progress.objects.filter(pk=_ROW).update(position=events[-1][0])
        return _store(_by_period(events))


def _locked_progress(now: int) -> Progress:
    """It begins an hour ago: what was before is nobody's usual."""
    beginning = first_id(now - HOUR)
    locked = Progress.objects.select_for_update()
    progress = locked.filter(pk=_ROW).first()
    if progress is None:
        Progress.objects.bulk_create([Progress(id=_ROW, position=beginning)], ignore_conflicts=True)
        progress = locked.get(pk=_ROW)
    if progress.position > first_id(now + CLOCK_SKEW_SECONDS):
        progress.position = beginning  # the clock was set back since; what is counted again makes no difference
    return progress


_Row = tuple[UUID, int, int, int, int, int, int | None, Any]


def _by_period(events: Iterable[_Row]) -> dict[_Key, set[bytes]]:
    found: dict[_Key, set[bytes]] = defaultdict(set)
    for _, tenant, at, type_, outcome, kind, token_id, subject in events:
        if subject is None or token_id is None or kind not in _COUNTED:
            continue
        if outcome != Outcome.OK or type_ in _NO_READING:
            continue
        second = at // 1_000_000
        for seconds in PERIODS:
            found[_Key(tenant, kind, token_id, seconds, second - second % seconds)].add(bytes(subject))
    return found


def _store(found: dict[_Key, set[bytes]]) -> list[Reading]:
    rows = []
    for key, subjects in sorted(found.items()):
        row = Reading.objects.filter(**key._asdict()).first()
        fresh = row is None
        row = row or Reading(**key._asdict(), people=0, sketch=sketch.EMPTY)
        row.sketch = sketch.with_values(bytes(row.sketch), subjects)
        row.people = sketch.count(row.sketch)
        if fresh:
            row.save(force_insert=True)
        else:
            Reading.objects.filter(**key._asdict()).update(sketch=row.sketch, people=row.people)
        rows.append(row)
    return rows
