"""What has to happen in time, as named tasks: on as many hosts at once as there are, each thing happens once.

A task works in small batches, each in transactions of its own that claim their rows, so a host that dies in the
middle leaves nothing half done and nothing locked.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from django.conf import settings
from django.db import InterfaceError, OperationalError

from audit import sealing, witness
from databunker.accounts.sessions import purge_sessions
from databunker.crypto.ageing import warn_of_old_keys
from databunker.db.connections import replace_broken
from databunker.erasure import outside
from databunker.ids import unix_now
from databunker.notify import delivery
from databunker.watch.anomalies import watch_readings
from databunker.watch.canaries import watch_canaries

from . import purging, task_runs
from .actions import (
    Tampered,
    bind_pending,
    carry_out_erasures,
    drop_pending,
    expire_agreements,
    expire_people,
    purge_login,
)
from .task_runs import Run

__all__ = ["BATCH", "OUTBOX", "Outcome", "Task", "failing", "run", "tasks"]

BATCH = 500
_log = logging.getLogger(__name__)


# How the names of the tasks begin that send messages; then comes of which kind.
OUTBOX = "outbox: "


class Task(NamedTuple):
    """`step(now, limit)` does at most `limit` things that were due at `now` (Unix seconds) and says how many.

    The scheduler looks after what is `prompt` every second, after all else every MAINTENANCE_SECONDS. What is `quiet`
    has something to do all the time, so that nobody wants to read of it.
    """

    name: str
    step: Callable[[int, int], int]
    prompt: bool = False
    quiet: bool = False


class Outcome(NamedTuple):
    """What a task did in one pass; `failure` is the type of the error that ended it, or empty.

    `complete` says that nothing was left, as far as the task could see; `unreachable` that the database was away.
    """

    name: str
    done: int
    failure: str = ""
    complete: bool = True
    unreachable: bool = False
    quiet: bool = False


_TASKS = [
    Task("audit: seal", lambda now, _: sealing.seal_due(now), prompt=True, quiet=True),
    Task("people", expire_people),
    Task("erasures", carry_out_erasures),
    Task("agreements", expire_agreements),
    Task("agreements of people to come", lambda _, limit: bind_pending(limit)),
    Task("agreements of people who never came", drop_pending),
    Task("sessions", purging.delete_sessions),
    Task("shared records", purging.delete_shares),
    Task("tokens of people", purging.delete_tokens),
    Task("unlocks", purging.delete_unlocks),
    Task("logins", lambda now, _: purge_login(now)),
    Task("sessions of pages", lambda now, _: purge_sessions(now)),
    Task("audit events", purging.delete_events),
    Task("anomalies", watch_readings),
    Task("canaries", watch_canaries, prompt=True),
    Task("warnings of old keys", lambda now, _: warn_of_old_keys(now)),
]


def tasks(*, prompt: bool | None = None) -> list[Task]:
    """All of them, or those that are prompt, or those that are not."""
    return [
        task for task in [*_deliveries(), *_TASKS, *_witness(), *_journal()] if prompt is None or task.prompt == prompt
    ]


def _witness() -> list[Task]:
    """The newest heads of the trail, where a file is to be written at all."""
    if not settings.AUDIT_WITNESS_FILE:
        return []
    return [Task("audit: witness file", lambda *_: witness.flush(), prompt=True, quiet=True)]


def _journal() -> list[Task]:
    """What whoever forgot somebody could not write, where a file is to be written at all."""
    return [Task("erasure journal", lambda *_: outside.flush())] if settings.ERASURE_JOURNAL_FILE else []


def _deliveries() -> list[Task]:
    """One task for each kind of what goes out, so that none waits for the receivers of another."""
    return [Task(OUTBOX + kind, partial(_deliver, kind), prompt=True) for kind in delivery.kinds()]


def _deliver(kind: str, now: int, limit: int) -> int:  # noqa: ARG001 - what is due is due by its own clock
    return delivery.deliver_due(limit, only=[kind])


def run(chosen: Iterable[Task], *, seconds: float, stopped: Callable[[], bool] = lambda: False) -> list[Outcome]:
    """One pass: each task until nothing is left for it, it fails, or its share of `seconds` is used.

    A task that fails keeps no other from its turn; the log says where it failed, and nothing of any value.
    """
    chosen = list(chosen)
    return [_run(task, seconds / len(chosen), stopped) for task in chosen if not stopped()]


def failing() -> dict[str, bool]:
    """For each task, also those that only other hosts have, whether its latest run failed.

    Of what has not run lately nobody knows: it is not failing.

    Raises:
        DatabaseError: the database can't be asked.
    """
    return dict.fromkeys((task.name for task in tasks()), False) | task_runs.failing()


def _run(task: Task, seconds: float, stopped: Callable[[], bool]) -> Outcome:
    replace_broken()
    started = unix_now()
    outcome = _carry_out(task, seconds, stopped)
    if not outcome.unreachable:
        task_runs.note(Run(task.name, started, unix_now(), outcome.done, outcome.complete, outcome.failure))
    return outcome


def _carry_out(task: Task, seconds: float, stopped: Callable[[], bool]) -> Outcome:
    deadline = time.monotonic() + seconds
    done, failure = 0, ""
    while not stopped():
        try:
            step = task.step(unix_now(), BATCH)
        except Tampered as error:
            failure, step = _failed(task, error), error.done
        except Exception as error:  # noqa: BLE001 - the other tasks have their turn, whatever this one met with
            lost = isinstance(error, OperationalError | InterfaceError)
            return Outcome(task.name, done, _failed(task, error), complete=False, unreachable=lost)
        done += step
        if not step:
            return Outcome(task.name, done, failure, quiet=task.quiet)
        if time.monotonic() >= deadline:
            break
    return Outcome(task.name, done, failure, complete=False, quiet=task.quiet)


def _failed(task: Task, error: Exception) -> str:
    _log.error("a task of maintenance failed", exc_info=error, extra={"task": task.name, "error": type(error).__name__})
    return type(error).__name__
