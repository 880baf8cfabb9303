"""What a family of processes takes in memory, and how to end it."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

__all__ = ["Watched", "family", "free_port", "pss_megabytes", "stop", "watch"]

PSS = re.compile(r"^Pss:\s+(\d+) kB", re.MULTILINE)
SAMPLE_SECONDS = 0.5


def family(pid: int) -> Iterator[int]:
    """The process and all its descendants that are alive."""
    yield pid
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with contextlib.suppress(OSError):
                for child in (task / "children").read_text().split():
                    yield from family(int(child))


def pss_megabytes(pid: int) -> tuple[int, float]:
    """How many processes the family of `pid` has, and their memory: pages shared by n processes count as 1/n each."""
    count, kilobytes = 0, 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            found = PSS.search(Path(f"/proc/{member}/smaps_rollup").read_text())
            if found:
                count += 1
                kilobytes += int(found.group(1))
    return count, kilobytes * 1024 / 1e6


class Watched:
    """How long a command took, how it ended, and the most memory its family had."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.megabytes = 0.0
        self.status = 0


def watch(process: subprocess.Popen[bytes]) -> Watched:
    """Wait for `process`, looking at its memory now and then."""
    watched, started = Watched(), time.monotonic()
    while True:
        try:
            watched.status = process.wait(SAMPLE_SECONDS)
        except subprocess.TimeoutExpired:
            watched.megabytes = max(watched.megabytes, pss_megabytes(process.pid)[1])
        else:
            watched.seconds = time.monotonic() - started
            return watched


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stop(process: subprocess.Popen[bytes], *, seconds: float = 15) -> None:
    """End a process that leads a group of its own, and its children: politely first."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
