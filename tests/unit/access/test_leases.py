"""Leases of limits: what they cost, and how much all processes together grant."""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext

from databunker.access import leases
from databunker.access.leases import LEASE_SECONDS, lease_size, take_leased
from databunker.access.throttle import Limit
from databunker.errors import Throttled

NOW = 1_900_000_000
LIMIT = Limit(100, 60)


class Process:
    """What a process has in hand, beside others of this test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._leases: dict = {}

    def granted(self, limit: Limit = LIMIT, who: bytes = b"ann") -> bool:
        self._monkeypatch.setattr(leases, "_leases", self._leases)
        try:
            take_leased(limit, tenant=1, what=b"test", who=who)
        except Throttled:
            return False
        return True


def granted_to_all(processes: list[Process], limit: Limit = LIMIT) -> int:
    """In turn, until each has been refused."""
    count, left = 0, list(processes)
    while left:
        for process in list(left):
            if process.granted(limit):
                count += 1
            else:
                left.remove(process)
    return count


@pytest.mark.parametrize(("tries", "size"), [(1, 1), (20, 1), (39, 1), (40, 2), (100, 5), (2000, 100), (999_999, 100)])
def test_a_lease_is_a_twentieth_of_the_limit(tries: int, size: int) -> None:
    assert lease_size(Limit(tries, 60)) == size


def test_most_tries_cost_no_statement(vault: None) -> None:
    costs = []
    for _ in range(15):
        with CaptureQueriesContext(connection) as captured:
            take_leased(LIMIT, tenant=1, what=b"test", who=b"ann")
        costs.append(len(captured))
    assert [cost > 0 for cost in costs] == [True, *[False] * 4] * 3
    assert costs[5] == 1


@pytest.mark.parametrize("count", [1, 3, 8])
@pytest.mark.parametrize("limit", [LIMIT, Limit(7, 60), Limit(333, 3600)])
def test_all_processes_together_grant_the_limit_and_no_more(
    vault: None, monkeypatch: pytest.MonkeyPatch, count: int, limit: Limit
) -> None:
    with time_machine.travel(NOW, tick=False):
        processes = [Process(monkeypatch) for _ in range(count)]
        assert granted_to_all(processes, limit) == limit.tries


def test_in_a_period_they_grant_at_most_their_leases_beside(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The worst case: each has just taken a lease when the bucket is full again."""
    with time_machine.travel(NOW, tick=False) as clock:
        processes = [Process(monkeypatch) for _ in range(4)]
        assert all(process.granted() for process in processes)
        clock.shift(LIMIT.seconds)
        granted = granted_to_all(processes)
    assert granted == LIMIT.tries + 4 * (lease_size(LIMIT) - 1)


def test_a_lease_that_is_not_used_is_lost_after_a_while(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    with time_machine.travel(NOW, tick=False):
        process = Process(monkeypatch)
        assert process.granted()
        later = time.monotonic() + LEASE_SECONDS
        monkeypatch.setattr(leases.time, "monotonic", lambda: later)
        assert granted_to_all([process]) == LIMIT.tries - lease_size(LIMIT)


def test_a_refusal_costs_nothing_until_it_may_be_tried_again(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit(2, 60)
    with time_machine.travel(NOW, tick=False) as clock:
        process = Process(monkeypatch)
        assert [process.granted(limit) for _ in range(3)] == [True, True, False]
        with CaptureQueriesContext(connection) as captured:
            assert [process.granted(limit) for _ in range(50)] == [False] * 50
        assert len(captured) == 0
        with pytest.raises(Throttled) as refused:
            take_leased(limit, tenant=1, what=b"test", who=b"ann")
        assert 29 <= refused.value.retry_after <= 30
        later = time.monotonic() + 31
        monkeypatch.setattr(leases.time, "monotonic", lambda: later)
        clock.shift(31)
        assert [process.granted(limit) for _ in range(2)] == [True, False]


def test_a_refusal_takes_from_what_another_thread_has_fetched(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    limit = Limit(40, 3600)
    fetch = leases._fetch
    with time_machine.travel(NOW, tick=False):
        process, others = Process(monkeypatch), Process(monkeypatch)

        def overtaken(*args: Any, **kwargs: Any) -> Any:
            """Meanwhile another thread has fetched the last, and nothing is left."""
            monkeypatch.setattr(leases, "_fetch", fetch)
            assert all(others.granted(limit) for _ in range(38))
            assert process.granted(limit)
            return fetch(*args, **kwargs)

        monkeypatch.setattr(leases, "_fetch", overtaken)
        assert [process.granted(limit) for _ in range(2)] == [True, False]


def test_what_is_limited_whom_it_is_about_and_other_limits_are_kept_apart(
    vault: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = Process(monkeypatch)
    assert granted_to_all([process], Limit(1, 60)) == 1
    assert process.granted(Limit(1, 60), who=b"ben")


def test_memory_is_bounded(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "_SIZE", 3)
    process = Process(monkeypatch)
    for number in range(10):
        assert process.granted(who=b"%d" % number)
    assert len(process._leases) <= 3
