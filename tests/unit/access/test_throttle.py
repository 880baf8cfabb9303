"""Limits: how they are written, whom they are about, and what they grant."""

from __future__ import annotations

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from databunker.access.models import Throttle
from databunker.access.throttle import Limit, address_key, parse_limit, purge_throttles, take
from databunker.errors import Throttled

NOW = 1_900_000_000


def granted(limit: Limit, who: bytes = b"ann", what: bytes = b"test") -> bool:
    try:
        take(limit, tenant=1, what=what, who=who)
    except Throttled:
        return False
    return True


@pytest.mark.parametrize(
    ("text", "limit"), [("5/1h", (5, 3600)), (" 20/600 ", (20, 600)), ("1/1d", (1, 86_400)), ("3/1h 30s", (3, 3630))]
)
def test_a_limit_is_a_number_and_a_period(text: str, limit: tuple[int, int]) -> None:
    assert parse_limit(text) == limit


@pytest.mark.parametrize(
    "text", ["", "5", "5/", "/1h", "0/1h", "-1/1h", "5/0s", "5/soon", "x/1h", "1.5/1h", "9999999/1h"]
)
def test_what_is_no_limit_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="such as 5/1h"):
        parse_limit(text)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("10.0.0.1", "::ffff:10.0.0.1", True),
        ("2001:db8::1", "2001:db8::ffff:1", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("", "10.0.0.1", False),
        ("unix:", "unix:", True),
        ("unix:a", "unix:b", False),
    ],
)
def test_clients_are_told_apart_by_address_or_network(left: str, right: str, same: bool) -> None:
    assert (address_key(left) == address_key(right)) is same


def test_tries_come_back_evenly(vault: None) -> None:
    limit = Limit(3, 60)
    with time_machine.travel(NOW, tick=False) as clock:
        assert [granted(limit) for _ in range(5)] == [True] * 3 + [False] * 2
        clock.shift(19)
        assert not granted(limit)
        clock.shift(1)
        assert [granted(limit) for _ in range(2)] == [True, False]
        clock.shift(600)
        assert [granted(limit) for _ in range(4)] == [True] * 3 + [False]


def test_a_refusal_says_when_to_come_back(vault: None) -> None:
    with time_machine.travel(NOW, tick=False) as clock:
        take(Limit(1, 90), tenant=1, what=b"test", who=b"ann")
        clock.shift(30.5)
        with pytest.raises(Throttled) as refused:
            take(Limit(1, 90), tenant=1, what=b"test", who=b"ann")
        assert refused.value.retry_after == 60
        clock.shift(60)
        assert granted(Limit(1, 90))


def test_refusals_push_nothing_back(vault: None) -> None:
    limit = Limit(1, 60)
    with time_machine.travel(NOW, tick=False) as clock:
        assert granted(limit)
        for _ in range(59):
            clock.shift(1)
            assert not granted(limit)
        clock.shift(1)
        assert granted(limit)


@pytest.mark.parametrize("hours", [1, 24])
def test_a_clock_that_was_ahead_and_is_set_back_locks_nobody_out(vault: None, hours: int) -> None:
    limit = Limit(2, 600)
    with time_machine.travel(NOW + hours * 3600, tick=False) as clock:
        assert [granted(limit) for _ in range(3)] == [True, True, False]
        clock.move_to(NOW)
        assert [granted(limit) for _ in range(3)] == [True, True, False]
        clock.move_to(NOW + hours * 3600)
        assert granted(limit)


def test_a_clock_that_is_a_little_behind_grants_nothing_more(vault: None) -> None:
    """Hosts' clocks differ."""
    limit = Limit(2, 600)
    with time_machine.travel(NOW, tick=False) as clock:
        assert [granted(limit) for _ in range(3)] == [True, True, False]
        clock.move_to(NOW - 30)
        assert not granted(limit)


def test_what_is_limited_and_whom_it_is_about_are_kept_apart(vault: None) -> None:
    limit = Limit(1, 60)
    assert granted(limit)
    assert not granted(limit)
    assert granted(limit, who=b"ben")
    assert granted(limit, what=b"other")
    take(limit, tenant=2, what=b"test", who=b"ann")
    assert len(set(Throttle.objects.values_list("digest", flat=True))) == 4


def test_what_holds_nobody_back_is_cleared_away(vault: None) -> None:
    with time_machine.travel(NOW, tick=False):
        for who in (b"ann", b"ben"):
            assert granted(Limit(2, 60), who)
        assert granted(Limit(2, 60))
    assert purge_throttles(NOW + 30) == 0
    assert purge_throttles(NOW + 31) == 1
    assert purge_throttles(NOW + 61) == 1


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(1, 5), st.integers(1, 100), st.lists(st.integers(0, 40), max_size=25))
def test_in_no_period_are_more_granted_than_twice_the_number(
    vault: None, count: int, seconds: int, waits: list[int]
) -> None:
    """All at once, and as many as come back meanwhile: no less than one is always granted after a whole period."""
    Throttle.objects.all().delete()
    limit, times, at = Limit(count, seconds), [], 0
    with time_machine.travel(NOW, tick=False) as clock:
        for wait in waits:
            clock.shift(wait)
            at += wait
            if granted(limit):
                times.append(at)
    for start in times:
        assert sum(start <= time < start + seconds for time in times) <= 2 * count
