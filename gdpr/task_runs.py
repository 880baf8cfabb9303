"""What the scheduler has done: the latest run of each task, written now and then, for whoever wants to know it runs."""

from __future__ import annotations

import logging
import threading
import time
from typing import NamedTuple

from django.conf import settings
from django.db import Error as DatabaseError

from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, retrying
from databunker.ids import unix_now

from .models import TaskRun

__all__ = ["Run", "failing", "list_runs", "note"]

_log = logging.getLogger(__name__)
# Tasks that run each second don't write each second.
_EVERY_SECONDS = 60.0
_MAX_FAILURE = 64
# Of what has not run for so long, or for so many of its turns, nobody knows whether it would fail.
_KNOWN_SECONDS, _KNOWN_TURNS = 900, 3


class Run(NamedTuple):
    """`failure` is the type of the error that ended it, or empty; times are Unix seconds."""

    name: str
    started: int
    ended: int
    done: int
    complete: bool
    failure: str


_lock = threading.Lock()
# By task: when it was written by this process, whether as a failure, and what was done and not written since.
_written: dict[str, tuple[float, bool]] = {}
_unwritten: dict[str, int] = {}


def note(run: Run) -> None:
    """Keep how a task went, if that is news: a failure after a success or the other way round, or a minute has passed.

    It keeps nobody from anything: where it can't be written, the log says so.
    """
    now = time.monotonic()
    with _lock:
        last = _written.get(run.name)
        done = _unwritten.get(run.name, 0) + run.done
        if last is not None and last[1] == bool(run.failure) and now - last[0] < _EVERY_SECONDS:
            _unwritten[run.name] = done
            return
        _written[run.name], _unwritten[run.name] = (now, bool(run.failure)), 0
    try:
        retrying(lambda: _write(run._replace(done=done)))
    except DatabaseError as error:
        _log.warning("a run of maintenance could not be noted", extra={"error": type(error).__name__})


def _write(run: Run) -> None:
    values = {
        "started": run.started,
        "ended": run.ended,
        "done": run.done,
        "complete": run.complete,
        "outcome": run.failure[:_MAX_FAILURE],
    }
    if run.failure:
        values["failed"] = run.ended
    with atomically():
        if not TaskRun.objects.filter(pk=run.name).update(**values):
            TaskRun.objects.bulk_create([TaskRun(name=run.name, **values)], ignore_conflicts=True)


def list_runs(actor: Actor) -> dict[str, TaskRun]:
    """The latest run of each task that has run yet, by its name. It leaves no event: it is about nobody.

    Raises:
        AccessDenied: the actor may not.
    """
    require(actor, Permission.CONFIGURATION_READ)
    return {run.name: run for run in TaskRun.objects.all()}


def failing() -> dict[str, bool]:
    """For each task that has run lately, on whichever host, whether its latest run failed.

    Raises:
        DatabaseError: the database can't be asked.
    """
    since = unix_now() - max(_KNOWN_SECONDS, _KNOWN_TURNS * settings.MAINTENANCE_SECONDS)
    runs = TaskRun.objects.filter(ended__gte=since).values_list("name", "outcome")
    return {name: bool(outcome) for name, outcome in runs}
