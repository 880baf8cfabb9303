"""When a server has too many requests, and when it no longer has."""

from __future__ import annotations

from typing import Any

import pytest

from databunker import server_admission
from databunker.server_admission import Admission

_ANY_SOCKET: Any = None


class Line:
    """An admission at a clock of its own, whose requests have waited as long as is said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, milliseconds: int = 100) -> None:
        self.now, self.waited = 1000.0, 0
        monkeypatch.setattr(server_admission.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(server_admission, "milliseconds_waited", lambda _sock: self.waited)
        self.admission = Admission(milliseconds=milliseconds, threads=4)

    def turns(self, times: int, *, waited: int, seconds: float = 0.0) -> bool:
        """So many requests within so many seconds; whether there are too many then."""
        self.waited = waited
        for _ in range(times):
            self.now += seconds / times
            self.admission.look(_ANY_SOCKET)
        return self.admission.crowded


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


def test_few_are_never_too_many_and_of_more_fewer_may_wait(line: Line) -> None:
    admission = line.admission
    assert [admission.may_wait(others) for others in (0, 35)] == [True, True]
    assert not admission.may_wait(36)
    assert [admission.may_wait(others) for others in (15, 16)] == [True, False]
    admission.nobody_waits()
    assert admission.may_wait(35)


def test_a_burst_is_borne(line: Line) -> None:
    for _ in range(20):
        assert not line.turns(60, waited=900, seconds=0.05)
        assert not line.turns(60, waited=0, seconds=0.05)


def test_a_slow_database_allows_as_many_to_wait(line: Line) -> None:
    for _ in range(200):
        line.admission.took(0.5)
    assert not line.turns(500, waited=7_000, seconds=5)
    assert line.turns(500, waited=9_000, seconds=5)


def test_one_that_stays_for_ever_says_little_about_the_others(line: Line) -> None:
    line.admission.took(3600)
    assert line.turns(500, waited=1_100, seconds=5)


def test_nought_lets_everybody_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not Line(monkeypatch, milliseconds=0).turns(1000, waited=60_000, seconds=60)
