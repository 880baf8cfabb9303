"""Who goes first where the processor is not enough for all."""

from __future__ import annotations

import os
from contextlib import suppress

__all__ = ["NICENESS", "give_way"]

# A tenth of what anybody else gets while all want the processor: what holds locks or a snapshot must not stand still.
NICENESS = 10


def give_way() -> None:
    """Let the server on the same machine go first from now on; as fast as ever where nobody else wants the processor.

    For what goes through all that a vault has. On Linux it holds for this thread, and for the threads and processes
    that it begins; elsewhere for this process.
    """
    # A sandbox may forbid even this.
    with suppress(OSError):
        before = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, max(before, NICENESS))
