"""By when undecided requests must be answered, reckoned for many at once."""

from __future__ import annotations

import enum
from functools import cache
from typing import NamedTuple

from django.db.models import QuerySet

from databunker.ids import unix_now

from ..clock import Clock
from ..models import Request
from ..requests import holidays
from ..states import UNDECIDED

__all__ = ["MOST_OPEN", "SOON_DAYS", "Deadlines", "Urgency", "deadlines_of"]

SOON_DAYS = 7
MOST_OPEN = 2_000
_DAY = 86_400


class Urgency(enum.StrEnum):
    OVERDUE = "overdue"
    SOON = "soon"  # within SOON_DAYS
    LATER = "later"
    STANDING = "standing"  # the clock stands still until the person has proved who it is


class Deadlines(NamedTuple):
    """The numbers of requests with the last second for an answer, what is due first coming first; None, where the
    clock stands still, comes last. `more`: there are others, younger ones, which nobody looked at.
    """

    due: dict[int, int | None]
    more: bool

    def urgencies(self) -> dict[int, Urgency]:
        now = unix_now()
        return {number: _urgency(due, now) for number, due in self.due.items()}


def deadlines_of(found: QuerySet[Request]) -> Deadlines:
    """Of the undecided among these, of no more than the oldest `MOST_OPEN`."""
    undecided = found.filter(state__in=[state.value for state in UNDECIDED]).order_by("id")
    rows = list(undecided.values_list("id", "created", "extended", "asked", "verified")[: MOST_OPEN + 1])
    days_off = holidays()
    due = cache(lambda clock: clock.due(days_off))
    ends = [
        (number, due(_by_day(received, extended, asked, verified)))
        for number, received, extended, asked, verified in rows[:MOST_OPEN]
    ]
    ends.sort(key=lambda end: (end[1] is None, end[1] or 0, end[0]))
    return Deadlines(dict(ends), more=len(rows) > MOST_OPEN)


def _by_day(received: int, extended: int | None, asked: int | None, verified: int | None) -> Clock:
    """The clock of all that came on one day: the day counts, and whether there was an extension."""
    return Clock(received - received % _DAY, None if extended is None else 1, asked, verified)


def _urgency(due: int | None, now: int) -> Urgency:
    if due is None:
        return Urgency.STANDING
    if due < now:
        return Urgency.OVERDUE
    return Urgency.SOON if due < now + SOON_DAYS * _DAY else Urgency.LATER
