"""The loops of `manage.py scheduler`."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Sequence

from django.db import connections

from databunker.priority import give_way
from gdpr import maintenance
from gdpr.maintenance import Outcome, Task

__all__ = ["Scheduler"]

_IDLE_SECONDS = 1.0
_LONGEST_PAUSE = 60.0
_log = logging.getLogger(__name__)


class Scheduler:
    """Each prompt task in a thread of its own, every second; all others one after the other, every `every` seconds.

    Until `stop` is called or `parent` is gone. While the database is away it waits, longer each time, up to a minute.
    """

    def __init__(self, *, every: float, parent: int | None = None) -> None:
        self._every = every
        self._parent = parent
        self._stopped = threading.Event()

    def stop(self) -> None:
        """End after the batches at hand."""
        self._stopped.set()

    def over(self) -> bool:
        return self._stopped.is_set() or (self._parent is not None and os.getppid() != self._parent)

    def run(self) -> None:
        # What waits for somebody's server must not keep others waiting.
        threads = [
            threading.Thread(target=self._loop, args=([task], _IDLE_SECONDS), name=task.name)
            for task in maintenance.tasks(prompt=True)
        ]
        for thread in threads:
            thread.start()
        give_way()
        self._loop(maintenance.tasks(prompt=False), self._every)
        for thread in threads:
            thread.join()

    def _loop(self, chosen: Sequence[Task], every: float) -> None:
        lost_passes = 0
        while not self.over():
            began = time.monotonic()
            outcomes = maintenance.run(chosen, seconds=max(every, _LONGEST_PAUSE), stopped=self.over)
            _tell(outcomes, seconds=time.monotonic() - began)
            if any(outcome.unreachable for outcome in outcomes) or all(outcome.failure for outcome in outcomes):
                lost_passes += 1
                self._wait(min(_IDLE_SECONDS * (1 << min(lost_passes, 10)), _LONGEST_PAUSE))
            else:
                lost_passes = 0
                more_is_left = any(not (outcome.complete or outcome.failure) for outcome in outcomes)
                self._wait(0 if more_is_left else every)
        connections.close_all()

    def _wait(self, seconds: float) -> None:
        """In short steps, as nobody tells of the parent's end."""
        deadline = time.monotonic() + seconds
        while not self.over() and (left := deadline - time.monotonic()) > 0:
            self._stopped.wait(min(left, _IDLE_SECONDS))


def _tell(outcomes: Sequence[Outcome], *, seconds: float) -> None:
    """One line of log for a pass that did something; failures have lines of their own."""
    done = {outcome.name: outcome.done for outcome in outcomes if outcome.done and not outcome.quiet}
    if done:
        _log.info("maintenance", extra={"done": done, "seconds": round(seconds, 3)})
