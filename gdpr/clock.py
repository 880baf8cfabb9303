"""The statutory clock of a request: GDPR Art. 12(3), (4) and (6), counted as Regulation (EEC) 1182/71 counts.

One calendar month from receipt, not 30 days: it ends with the last second of the same date next month, or of the
month's last day where there is no such date; where that is a Saturday, a Sunday or a public holiday, of the next
working day. Two further months may be added. While proof of identity is awaited the clock stands still. Days are
those of UTC. Nothing here knows a database or a setting.
"""

from __future__ import annotations

import calendar
from collections.abc import Collection
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

__all__ = ["Clock", "months_later", "parse_holidays", "working_day"]

_MONTHS = 1
_FURTHER_MONTHS = 2
_SATURDAY = 5
_DAY = 24 * 60 * 60
_MONTHS_A_YEAR = 12


def months_later(day: date, months: int) -> date:
    """The same date so many months later, or the last day of that month where there is none."""
    year, month = divmod(day.year * _MONTHS_A_YEAR + day.month - 1 + months, _MONTHS_A_YEAR)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def working_day(day: date, holidays: Collection[date]) -> date:
    """`day` itself, or the next one that is no Saturday, Sunday or public holiday."""
    while day.weekday() >= _SATURDAY or day in holidays:
        day += timedelta(days=1)
    return day


def parse_holidays(days: Collection[str]) -> frozenset[date]:
    """
    Raises:
        ValueError: one of them is no date such as 2027-01-01.
    """
    return frozenset(date.fromisoformat(day.strip()) for day in days)


class Clock(NamedTuple):
    """What the law counts of one request, in Unix seconds.

    `extended` is when two further months were taken, `asked` when proof of identity was asked for and `verified`
    when it was given.
    """

    received: int
    extended: int | None = None
    asked: int | None = None
    verified: int | None = None

    @property
    def paused(self) -> bool:
        """Whether the clock stands still: proof of identity was asked for and not given yet."""
        return self.asked is not None and self.verified is None

    @property
    def paused_days(self) -> int:
        """How many whole days the clock has stood still; those begun count for the person."""
        if self.asked is None or self.verified is None:
            return 0
        return max(self.verified - self.asked, 0) // _DAY

    def due(self, holidays: Collection[date]) -> int | None:
        """The last second for an answer; None while the clock stands still."""
        return None if self.paused else self._end(self._months, self.paused_days, holidays)

    def unpaused_due(self, holidays: Collection[date]) -> int:
        """The last second for an answer, had nobody ever asked for proof of identity."""
        return self._end(self._months, 0, holidays)

    def may_extend(self, now: int, holidays: Collection[date]) -> bool:
        """Whether the first month still runs, in which the person must hear of an extension and its reasons."""
        return self.paused or now <= self._end(_MONTHS, self.paused_days, holidays)

    def may_ask(self, now: int, holidays: Collection[date]) -> bool:
        """Whether proof of identity can still stop the clock: it has not run out."""
        return now <= self._end(self._months, self.paused_days, holidays)

    @property
    def _months(self) -> int:
        return _MONTHS if self.extended is None else _MONTHS + _FURTHER_MONTHS

    def _end(self, months: int, paused_days: int, holidays: Collection[date]) -> int:
        """Art. 3(1), (2)(c) and (4) of the regulation: the day of receipt does not count, the last day counts whole."""
        received = datetime.fromtimestamp(self.received, tz=UTC).date()
        last = working_day(months_later(received, months) + timedelta(days=paused_days), holidays)
        return int(datetime.combine(last, time(), tzinfo=UTC).timestamp()) + _DAY - 1
