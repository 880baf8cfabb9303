"""What the operator sees of a load: numbers, reasons and files; nothing of a record."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from .loader import Options, Tally

__all__ = ["display", "summary"]

_REASONS = 20


class Bar:
    """A progress bar for a terminal; it only counts where the size of the input isn't known."""

    def __init__(self, size: int | None) -> None:
        self._started = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.fields[records]:,} records"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[rate]:,.0f}/s"),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("load", total=size, records=0, rate=0.0)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, tally: Tally) -> None:
        rate = tally.read / max(time.monotonic() - self._started, 1e-3)
        self._progress.update(self._task, completed=tally.bytes_read, records=tally.skipped + tally.read, rate=rate)


class Lines:
    """A line now and then, for logs."""

    EVERY_SECONDS = 10.0

    def __init__(self, write: Callable[[str], None], size: int | None) -> None:
        self._write = write
        self._size = size
        self._started = self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, tally: Tally) -> None:
        now = time.monotonic()
        if now - self._shown < self.EVERY_SECONDS:
            return
        self._shown = now
        self._write(_line(tally, seconds=now - self._started, size=self._size))


def _line(tally: Tally, *, seconds: float, size: int | None) -> str:
    text = f"{tally.skipped + tally.read:,} records, {tally.read / seconds:,.0f}/s"
    done = tally.bytes_read - tally.bytes_skipped
    if size is None or done <= 0:
        return text
    left = (size - tally.bytes_read) * seconds / done
    return f"{text}, {100 * tally.bytes_read // size} %, about {left:,.0f} s left"


def summary(tally: Tally, options: Options, *, label: str, seconds: float) -> str:
    """What was done, why records were rejected, and where the files are."""
    if tally.complete and tally.skipped and not tally.read:
        lines = [f"All {tally.skipped:,} records of {label} were loaded by an earlier run: nothing to do."]
    else:
        lines = _counts(tally, seconds)
    if tally.has_rejects:
        lines.append(f"Rejected records: {options.rejects}")
    if options.tokens is not None and tally.created:
        lines.append(f"Tokens:           {options.tokens}")
    if not tally.recorded:
        lines.append("This load can't be resumed, as standard input had no --name.")
    return "\n".join(lines)


def _counts(tally: Tally, seconds: float) -> list[str]:
    lines = [f"Skipped:  {tally.skipped:>12,} records that an earlier run loaded"] if tally.skipped else []
    lines += [
        f"Read:     {tally.read:>12,} records in {seconds:,.1f} s: {tally.read / max(seconds, 1e-3):,.0f} a second",
        f"Created:  {tally.created:>12,}",
        f"Rejected: {tally.rejected:>12,}",
    ]
    common = tally.reasons.most_common(_REASONS)
    lines += [f"          {number:>12,} {reason}" for reason, number in common]
    rest = tally.rejected - sum(number for _, number in common)
    return [*lines, f"          {rest:>12,} for other reasons"] if rest else lines


def display(write: Callable[[str], None], *, terminal: bool, size: int | None) -> Bar | Lines:
    return Bar(size) if terminal else Lines(write, size)
