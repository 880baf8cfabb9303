"""How long there is for the answer to each of the undecided requests, reckoned for many at once."""

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

__all__ = ["MOST_OPEN", "SOON_DAYS", "Urgencies", "Urgency", "urgencies"]

SOON_DAYS = 7
MOST_OPEN = 2_000
_DAY = 86_400


class Urgency(enum.StrEnum):
    OVERDUE = "overdue"
    SOON = "soon"  # within SOON_DAYS
    LATER = "later"
    STANDING = "standing"  # the clock stands still until the person has proved who it is


class Urgencies(NamedTuple):
    """The rows' numbers, each with its urgency; `more`: there are others, which nobody looked at."""

    of: dict[int, Urgency]
    more: bool


def urgencies(found: QuerySet[Request]) -> Urgencies:
    """Of the undecided among these, no more than `MOST_OPEN`."""
    undecided = found.filter(state__in=[state.value for state in UNDECIDED])
    # In no order: so they come from the index of the states, however many decided ones there are.
    rows = list(undecided.order_by().values_list("id", "created", "extended", "asked", "verified")[: MOST_OPEN + 1])
    now, days_off = unix_now(), holidays()
    due = cache(lambda clock: clock.due(days_off))
    return Urgencies(
        {number: _urgency(due(_by_day(*clock)), now) for number, *clock in rows[:MOST_OPEN]}, more=len(rows) > MOST_OPEN
    )


def _by_day(received: int, extended: int | None, asked: int | None, verified: int | None) -> Clock:
    """The clock of all that came on one day: the day counts, and whether there was an extension."""
    return Clock(received - received % _DAY, None if extended is None else 1, asked, verified)


def _urgency(due: int | None, now: int) -> Urgency:
    if due is None:
        return Urgency.STANDING
    if due < now:
        return Urgency.OVERDUE
    return Urgency.SOON if due < now + SOON_DAYS * _DAY else Urgency.LATER
