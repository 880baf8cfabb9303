"""The loops of the scheduler: who waits for whom, and how long after a failure."""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import OperationalError

from databunker.management import scheduler as module
from databunker.management.scheduler import Scheduler
from databunker.priority import NICENESS
from gdpr import maintenance, task_runs
from gdpr.maintenance import Task

SECONDS = 20


@pytest.fixture(autouse=True)
def nothing_noted(monkeypatch: pytest.MonkeyPatch) -> None:
    """These loops have no database."""
    monkeypatch.setattr(task_runs, "note", lambda _: None)


@contextmanager
def running(monkeypatch: pytest.MonkeyPatch, *chosen: Task, every: float = 0.02) -> Iterator[Scheduler]:
    monkeypatch.setattr(maintenance, "_TASKS", list(chosen))
    monkeypatch.setattr(maintenance, "_deliveries", list)
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.02)
    scheduler = Scheduler(every=every)
    thread = threading.Thread(target=scheduler.run)
    thread.start()
    try:
        yield scheduler
    finally:
        scheduler.stop()
        thread.join(SECONDS)
        assert not thread.is_alive()


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def counting(calls: list[float], answer: Callable[[], int] = lambda: 0) -> Callable[[int, int], int]:
    def step(now: int, limit: int) -> int:
        calls.append(time.monotonic())
        return answer()

    return step


def test_what_is_prompt_does_not_wait_for_what_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    go_on = threading.Event()
    slow: list[float] = []
    prompt: list[float] = []
    other: list[float] = []

    def block() -> int:
        go_on.wait(SECONDS)
        return 0

    tasks = (
        Task("slow receiver", counting(slow, block), prompt=True),
        Task("mail", counting(prompt), prompt=True),
        Task("people", counting(other)),
    )
    with running(monkeypatch, *tasks):
        wait_for(lambda: len(prompt) > 3 and len(other) > 3)
        assert len(slow) == 1
        go_on.set()
        wait_for(lambda: len(slow) > 3)


def test_what_is_not_prompt_is_done_every_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    prompt: list[float] = []
    other: list[float] = []
    with running(monkeypatch, Task("mail", counting(prompt), prompt=True), Task("people", counting(other)), every=60):
        wait_for(lambda: len(prompt) > 10)
    assert len(other) == 1


def test_where_more_is_left_it_goes_on_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    left = [1] * 5 + [0]
    calls: list[float] = []
    run = maintenance.run
    # There is time for one batch in each pass.
    monkeypatch.setattr(maintenance, "run", lambda chosen, *, seconds, stopped: run(chosen, seconds=0, stopped=stopped))
    with running(monkeypatch, Task("people", counting(calls, lambda: left.pop(0))), every=60):
        wait_for(lambda: not left)


@pytest.mark.parametrize("error", [OperationalError("x"), ValueError("x")])
def test_after_failures_it_waits_longer_each_time(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    calls: list[float] = []

    def fail() -> Any:
        raise error

    with running(monkeypatch, Task("people", counting(calls, fail)), every=0.001):
        wait_for(lambda: len(calls) > 4)
    pauses = [after - before for before, after in itertools.pairwise(calls)]
    assert all(pause >= 0.02 * 2 ** (number + 1) for number, pause in enumerate(pauses[:4]))


def test_one_task_that_fails_puts_the_others_off_no_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[float] = []

    def fail() -> Any:
        raise ValueError

    tasks = (Task("bad", counting([], fail)), Task("good", counting(calls)))
    with running(monkeypatch, *tasks, every=0.01):
        wait_for(lambda: len(calls) > 20)
        assert calls[20] - calls[0] < SECONDS / 2


def test_the_scheduler_gives_way_but_for_what_is_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    found: dict[str, int] = {}

    def look(name: str) -> int:
        found[name] = os.getpriority(os.PRIO_PROCESS, 0)
        return 0

    prompt = Task("prompt", lambda *_: look("prompt"), prompt=True)
    with running(monkeypatch, prompt, Task("slow", lambda *_: look("slow"))):
        wait_for(lambda: len(found) == 2)
    assert found == {"prompt": usual, "slow": max(usual, NICENESS)}
