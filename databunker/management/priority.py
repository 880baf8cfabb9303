"""Who goes first where the processor is not enough for all."""

from __future__ import annotations

import os
from contextlib import suppress

from django.core.management.base import BaseCommand

__all__ = ["NICENESS", "give_way", "run_behind"]

# A tenth of what anybody else gets while all want the processor: what holds locks or a snapshot must not stand still.
NICENESS = 10


def give_way() -> None:
    """Let the server on the same machine go first from now on; as fast as ever where nobody else wants the processor.

    On Linux it holds for this thread, and for the threads and processes that it begins; elsewhere for this process.
    """
    # A sandbox may forbid even this.
    with suppress(OSError):
        before = os.getpriority(os.PRIO_PROCESS, 0)
        os.setpriority(os.PRIO_PROCESS, 0, max(before, NICENESS))


def run_behind(command: BaseCommand) -> None:
    """`give_way`, for a command that goes through all that a vault has. The priority of a program that calls it by
    Django's `call_command` is that program's affair.
    """
    if getattr(command, "_called_from_command_line", False):
        give_way()
