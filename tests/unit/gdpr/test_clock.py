"""The clock of a request: calendar months, ends of months, days off, extension and pause."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gdpr.clock import Clock, months_later, parse_holidays, working_day

DAY = 86_400
NONE: frozenset[date] = frozenset()


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


def due(clock: Clock, holidays: frozenset[date] = NONE) -> str | None:
    end = clock.due(holidays)
    return None if end is None else datetime.fromtimestamp(end, tz=UTC).isoformat(sep=" ")[:19]


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-11-24 12:00", "2026-12-24"),
        ("2026-11-24 00:00", "2026-12-24"),
        ("2026-11-24 23:59:59", "2026-12-24"),
        # Where the next month has no such date: its last day.
        ("2025-01-31 09:00", "2025-02-28"),
        ("2025-01-29 09:00", "2025-02-28"),
        ("2024-01-31 09:00", "2024-02-29"),
        ("2028-01-31 09:00", "2028-02-29"),
        ("2027-08-31 09:00", "2027-09-30"),
        # From the end of a short month to the same date, not to the end of the next.
        ("2028-02-29 09:00", "2028-03-29"),
        ("2025-04-30 09:00", "2025-05-30"),
        ("2026-12-15 09:00", "2027-01-15"),
        # A Saturday and a Sunday end on Monday.
        ("2026-10-14 09:00", "2026-11-16"),
        ("2026-10-15 09:00", "2026-11-16"),
        ("2026-10-16 09:00", "2026-11-16"),
        # The last day of February on a Saturday runs into March.
        ("2026-01-31 09:00", "2026-03-02"),
    ],
)
def test_a_month_ends_on_the_same_date_or_the_next_working_day(received: str, last: str) -> None:
    assert due(Clock(at(received))) == f"{last} 23:59:59"


@pytest.mark.parametrize(
    ("received", "last"),
    [
        ("2026-11-24 12:00", "2027-02-24"),
        # From receipt, not from the end of the first month: three months after 30 November is the end of February.
        ("2026-11-30 12:00", "2027-03-01"),
        ("2025-11-30 12:00", "2026-03-02"),
        ("2024-11-29 12:00", "2025-02-28"),
        ("2025-01-31 12:00", "2025-04-30"),
    ],
)
def test_an_extension_adds_two_months_to_the_first(received: str, last: str) -> None:
    assert due(Clock(at(received), extended=at(received) + DAY)) == f"{last} 23:59:59"


def test_holidays_and_weekends_follow_each_other() -> None:
    # Good Friday to Easter Monday of 2027.
    easter = parse_holidays(["2027-03-26", " 2027-03-29"])
    assert due(Clock(at("2027-02-26 10:00")), easter) == "2027-03-30 23:59:59"
    assert due(Clock(at("2027-02-25 10:00")), easter) == "2027-03-25 23:59:59"
    assert due(Clock(at("2027-02-26 10:00"))) == "2027-03-26 23:59:59"
    # A day off in the middle moves nothing.
    assert due(Clock(at("2027-03-10 10:00")), easter) == "2027-04-12 23:59:59"


@pytest.mark.parametrize("text", ["2027-02-29", "1 May 2027", "", "2027-13-01"])
def test_a_holiday_is_a_date(text: str) -> None:
    with pytest.raises(ValueError):
        parse_holidays([text])


# --- pause -----------------------------------------------------------------------------------------------------------

RECEIVED = at("2026-11-24 12:00")


def test_the_clock_stands_still_until_the_proof_is_there() -> None:
    waiting = Clock(RECEIVED, asked=at("2026-11-26 09:00"))
    assert waiting.paused
    assert due(waiting) is None
    assert waiting.unpaused_due(NONE) == at("2026-12-24 23:59:59")


@pytest.mark.parametrize(
    ("verified", "last"),
    [
        # Ten whole days from 24 December: 3 January is a Sunday.
        ("2026-12-06 09:00", "2027-01-04"),
        ("2026-12-11 09:00", "2027-01-08"),
        ("2026-12-11 08:59", "2027-01-07"),
        # A day that is not whole counts for the person.
        ("2026-11-26 09:00", "2026-12-24"),
        ("2026-11-27 08:59", "2026-12-24"),
        ("2026-11-27 09:00", "2026-12-25"),
    ],
)
def test_the_days_of_the_pause_are_added(verified: str, last: str) -> None:
    clock = Clock(RECEIVED, asked=at("2026-11-26 09:00"), verified=at(verified))
    assert not clock.paused
    assert due(clock) == f"{last} 23:59:59"
    assert clock.unpaused_due(NONE) == at("2026-12-24 23:59:59"), "both dates are kept"


def test_a_pause_and_an_extension_add_up() -> None:
    clock = Clock(RECEIVED, extended=RECEIVED + DAY, asked=RECEIVED, verified=RECEIVED + 5 * DAY)
    assert due(clock) == "2027-03-01 23:59:59"
    assert clock.unpaused_due(NONE) == at("2027-02-24 23:59:59")


def test_an_extension_must_be_told_in_the_first_month() -> None:
    end = at("2026-12-24 23:59:59")
    assert Clock(RECEIVED).may_extend(end, NONE)
    assert not Clock(RECEIVED).may_extend(end + 1, NONE)
    assert Clock(RECEIVED).may_extend(end + 1, frozenset({date(2026, 12, 24)}))
    paused = Clock(RECEIVED, asked=RECEIVED, verified=RECEIVED + 4 * DAY)
    assert paused.may_extend(at("2026-12-28 23:59:59"), NONE)
    assert not paused.may_extend(at("2026-12-29 00:00"), NONE)
    assert Clock(RECEIVED, asked=RECEIVED).may_extend(end + 99 * DAY, NONE), (
        "while it stands still the month is not over"
    )


def test_proof_can_be_asked_for_while_the_clock_runs() -> None:
    end = at("2026-12-24 23:59:59")
    assert Clock(RECEIVED).may_ask(end, NONE)
    assert not Clock(RECEIVED).may_ask(end + 1, NONE)
    extended = Clock(RECEIVED, extended=RECEIVED)
    assert extended.may_ask(at("2027-02-24 23:59:59"), NONE)
    assert not extended.may_ask(at("2027-02-25 00:00"), NONE)


# --- properties ------------------------------------------------------------------------------------------------------

DAYS = st.dates(min_value=date(1971, 1, 1), max_value=date(2100, 12, 31))


@given(DAYS, st.integers(0, 40))
def test_months_later_keeps_the_date_or_takes_the_last(day: date, months: int) -> None:
    later = months_later(day, months)
    assert (later.year - day.year) * 12 + later.month - day.month == months
    assert later.day == day.day or (later.day < day.day and (later + timedelta(days=1)).day == 1)


@given(DAYS, st.sets(DAYS, max_size=5))
def test_a_working_day_is_the_next_one(day: date, holidays: set[date]) -> None:
    found = working_day(day, holidays)
    assert found >= day
    assert found.weekday() < 5
    assert found not in holidays
    between = [day + timedelta(days=number) for number in range((found - day).days)]
    assert all(one.weekday() >= 5 or one in holidays for one in between)


@given(st.integers(40_000_000, 4_000_000_000), st.integers(0, 40 * DAY), st.integers(0, 400 * DAY), st.booleans())
def test_a_pause_never_shortens_and_never_gives_more_than_it_lasted(
    received: int, until_asked: int, lasted: int, extended: bool
) -> None:
    asked = received + until_asked
    clock = Clock(received, extended=received if extended else None, asked=asked, verified=asked + lasted)
    end, plain = clock.due(NONE), clock.unpaused_due(NONE)
    assert end is not None
    assert plain <= end <= plain + lasted + 2 * DAY, "two days at most come from a weekend"
    assert end % DAY == DAY - 1
    assert end - received >= 28 * DAY - DAY
