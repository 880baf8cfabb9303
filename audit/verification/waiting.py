"""Events that are in no tree: those that wait for the sealer, and those that it refuses."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple
from uuid import UUID

from databunker.crypto.errors import CryptoError
from databunker.ids import event_millis, first_event_id
from databunker.priority import rest

from .. import rows, trail
from ..models import Event
from .findings import Findings, Kind

__all__ = ["Waiting", "check_waiting", "stretches"]

_ROWS = 2048
_STRETCHES = 32
_START, _END = UUID(int=0), UUID(int=(1 << 128) - 1)


class Waiting(NamedTuple):
    """The events with ids after `after`, up to `upto`."""

    after: UUID
    upto: UUID


def stretches() -> list[Waiting]:
    """All ids, in stretches about as long in time."""
    ids = Event.objects.order_by("id").values_list("id", flat=True)
    first, last = ids.first(), ids.last()
    if first is None or last is None:
        return []
    start, end = event_millis(first), event_millis(last)
    step = max(end - start, 0) // _STRETCHES + 1
    inner = [first_event_id(start + step * number) for number in range(1, _STRETCHES)]
    # Whatever somebody has made up as an id lies between these.
    return [Waiting(*pair) for pair in pairwise([_START, *inner, _END])]


def check_waiting(stretch: Waiting) -> Findings:
    found = Findings()
    after = stretch.after
    while batch := rows.without_leaf(after, stretch.upto, _ROWS):
        for row in batch:
            try:
                trail.check_mac(row)
            except CryptoError:
                found.add(
                    Kind.ADDED,
                    row.tenant,
                    f"event {row.id} was added, or changed before it was sealed: it is in no tree",
                    event=row.id,
                )
                continue
            found.waiting += 1
            found.oldest_waiting = found.oldest_waiting or row.id
        after = batch[-1].id
        rest()
    return found
