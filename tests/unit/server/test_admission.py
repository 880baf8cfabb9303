"""When a server has too many requests, and when it no longer has."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.server import admission
from databunker.server.admission import Admission

_ANY_SOCKET: Any = None
# More than nine for each of four threads.
MANY = 40


class Line:
    """An admission at a clock of its own, whose requests have waited as long as is said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, milliseconds: int = 100) -> None:
        self.now, self.waited = 1000.0, 0
        monkeypatch.setattr(admission.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(admission, "milliseconds_waited", lambda _sock: self.waited)
        self.admission = Admission(milliseconds=milliseconds, threads=4)

    def turns(self, times: int, *, waited: int, seconds: float = 0.0, others: int = MANY) -> bool:
        """So many requests within so many seconds, while so many others wait; whether these are too many then."""
        self.waited = waited
        for _ in range(times):
            self.now += seconds / times
            self.admission.look(_ANY_SOCKET)
            if self.admission.counts:
                self.admission.are_too_many(others)
        return self.admission.crowded

    def takes(self, seconds: float) -> None:
        """Each request does."""
        for _ in range(200):
            self.admission.took(seconds)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch)


def test_a_queue_in_which_nobody_waits_less_is_too_much(line: Line) -> None:
    assert not line.turns(100, waited=150, seconds=0.09)
    assert line.turns(100, waited=150, seconds=0.09)
    line.admission.nobody_waits()
    assert not line.admission.crowded
    assert not line.turns(100, waited=150, seconds=0.09), "it begins anew"


def test_one_late_request_has_the_next_ones_looked_at(line: Line) -> None:
    line.turns(8, waited=150)
    line.turns(2, waited=150)
    assert line.turns(1, waited=150, seconds=0.11), "not only one in eight"


def test_few_are_never_too_many(line: Line) -> None:
    assert not line.turns(1000, waited=900, seconds=5, others=36)
    assert line.turns(100, waited=900, seconds=0.2, others=37)


def test_of_too_many_few_may_wait_until_nobody_does(line: Line) -> None:
    admission = line.admission
    assert [admission.may_wait(others) for others in (0, 35)] == [True, True]
    assert not admission.may_wait(36)
    assert [admission.may_wait(others) for others in (7, 8)] == [True, False]
    admission.nobody_waits()
    assert admission.may_wait(35)
    line.turns(100, waited=150, seconds=0.2)
    assert admission.most_waiting == 8


def test_so_many_that_the_last_would_wait_for_long_are_told_at_once(line: Line) -> None:
    line.takes(0.01)
    assert not line.turns(8, waited=50, others=99), "the last waits for a quarter of a second"
    line.now += 0.1
    assert line.turns(8, waited=50, others=101)


def test_those_who_wait_are_counted_when_somebody_has_waited_and_not_too_often(line: Line) -> None:
    line.takes(0.01)
    assert not line.turns(800, waited=30, others=900), "a part of what is late, here 160 ms"
    line.turns(8, waited=50, others=37)
    assert not line.turns(80, waited=50, seconds=0.04, others=900)
    assert line.turns(16, waited=50, seconds=0.02, others=900)


def test_a_gap_between_two_waves_is_no_end(line: Line) -> None:
    line.turns(100, waited=150, seconds=0.2)
    line.admission.has_turned_away()
    line.admission.nobody_waits()
    assert line.admission.crowded
    assert line.admission.most_waiting == 36, "those of the next wave have nobody before them"
    line.now += 0.11
    line.admission.nobody_waits()
    assert not line.admission.crowded


def test_a_burst_is_borne(line: Line) -> None:
    for _ in range(20):
        assert not line.turns(60, waited=900, seconds=0.05)
        assert not line.turns(60, waited=0, seconds=0.05)


def test_a_slow_database_allows_as_many_to_wait(line: Line) -> None:
    line.takes(0.5)
    assert not line.turns(500, waited=7_000, seconds=5, others=64), "sixteen for each thread, of half a second each"
    assert line.turns(80, waited=7_000, seconds=0.1, others=65)


def test_a_slow_database_allows_nobody_to_wait_for_longer(line: Line) -> None:
    line.takes(0.5)
    assert line.turns(500, waited=9_000, seconds=5)


def test_one_that_stays_for_ever_says_little_about_the_others(line: Line) -> None:
    line.admission.took(3600)
    assert line.turns(500, waited=1_100, seconds=5)


def test_nought_lets_everybody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Line(monkeypatch, milliseconds=0).turns(1000, waited=60_000, seconds=60)
