"""Workers that share one listening socket take about as many connections each.

Whoever wakes first accepts, so that of 16 connections one worker may get 12; as the interpreter lock binds a worker to
one processor, another stands idle meanwhile, for as long as the clients keep their connections. Each worker
publishes how many it has in memory that all share, and one that has more than another lets that one go first.
"""

from __future__ import annotations

import mmap
import time

__all__ = ["Share", "forget"]

_WORKERS = 256
# One number a worker, by gunicorn's count of workers: connections + 1, or 0 where none takes any. Made when the
# arbiter loads the module, so that what it forks shares it.
_numbers = memoryview(mmap.mmap(-1, 4 * _WORKERS)).cast("I")

# A worker that is stuck keeps a connection waiting no longer than this.
_PATIENCE_SECONDS = 0.02
_PAUSE_SECONDS = 0.001
# Of many connections a worker may have some more than the others: in a rush there is no time to be exact.
_UNEVEN = 16


class Share:
    """One worker's share of the connections."""

    def __init__(self, age: int) -> None:
        self._age = age
        self._takes_more = True
        self._waiting_since: float | None = None
        self.publish(0)

    def publish(self, connections: int) -> None:
        """Tell the other workers how many connections this one has."""
        if self._takes_more:
            _numbers[self._age % _WORKERS] = connections + 1

    def withdraw(self) -> None:
        """Tell the other workers that this one takes no more connections."""
        self._takes_more = False
        forget(self._age)

    def leave_to_others(self) -> bool:
        """Whether to let a worker with fewer connections accept the next one; if so, it has had a moment for it."""
        now = time.monotonic()
        since = self._waiting_since or now
        own = _numbers[self._age % _WORKERS]
        if own - own // _UNEVEN <= min(filter(None, _numbers)) or now - since > _PATIENCE_SECONDS:
            self._waiting_since = None
            return False
        self._waiting_since = since
        time.sleep(_PAUSE_SECONDS)
        return True


def forget(age: int) -> None:
    """The worker of that count is gone."""
    _numbers[age % _WORKERS] = 0
