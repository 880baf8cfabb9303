"""Who goes first where the processor is not enough for all.

Priority alone decides who is next, not how much is taken of what is free: on two processors a command that works
without a break takes a third of what a busy server could serve, as it slows whatever runs beside it. So it also rests,
as PostgreSQL's vacuum does by what it costs, but only while others use the processors.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["NICENESS", "give_way", "rest"]

# A tenth of what anybody else gets while all want the processor: what holds locks or a snapshot must not stand still.
NICENESS = 10
# Others are busy when they use this share of all processors; then a fifth of the time is worked. Among others is the
# database, which may use a whole one of two for the command itself.
_BUSY, _RESTS = 0.6, 4
# So long is worked before a rest, and others are looked at so often; the kernel counts in hundredths of a second.
_WORK_SECONDS, _LOOK_SECONDS = 0.01, 0.5
# What is counted as one piece of work at most: a statement that waited for a minute is not followed by a rest of four.
_LONGEST_SECONDS = 0.25
_STAT = Path("/proc/stat")


def give_way() -> None:
    """Let the server on the same machine go first from now on; as fast as ever where nobody else wants the processor.

    On Linux it holds for this thread, and for the threads and processes that it begins; elsewhere for this process.
    """
    # A sandbox may forbid even this.
    with suppress(OSError):
        before = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, max(before, NICENESS))


def rest() -> None:
    """Between two pieces of work, where no lock is held: sleep while others are busy, if this thread gives way."""
    if os.getpriority(os.PRIO_PROCESS, 0) < NICENESS:
        return
    if _pace.since is not None:
        worked = time.monotonic() - _pace.since
        if worked < _WORK_SECONDS:
            return
        if _pace.others_are_busy():
            time.sleep(min(worked, _LONGEST_SECONDS) * _RESTS)
    _pace.since = time.monotonic()


class _Pace(threading.local):
    """A thread's last rest, and its last look at the processors."""

    def __init__(self) -> None:
        self.since: float | None = None
        self._looked = time.monotonic()
        self._others, self._all = _ticks()
        self._busy = False

    def others_are_busy(self) -> bool:
        """Whether they were between the last two looks."""
        if time.monotonic() - self._looked > _LOOK_SECONDS:
            self._looked = time.monotonic()
            others, all_of_them = _ticks()
            self._busy = others - self._others > (all_of_them - self._all) * _BUSY
            self._others, self._all = others, all_of_them
        return self._busy


def _ticks() -> tuple[int, int]:
    """Of all processors since the machine started: used by whoever doesn't give way, and all, see proc_stat(5)."""
    try:
        with _STAT.open(encoding="ascii") as stat:
            user, nice, system, idle, iowait, irq, softirq, steal = map(int, stat.readline().split()[1:9])
    except (OSError, ValueError):
        return 0, 0
    others = user + system + irq + softirq + steal
    return others, others + nice + idle + iowait


_pace = _Pace()
