"""What the operator sees of an import: numbers, reasons and files; nothing of a row."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from .progress import Counts
from .runner import Tally

__all__ = ["Bar", "Lines", "display", "summary"]

_REASONS = 20
_WHY_LEFT_OUT = {
    "xtokens": "access tokens: hashes that only Databunker can check. Keep the root token by DATABUNKER_ROOTTOKEN at "
    "`manage.py init`; persons sign in again",
}


class Bar:
    """A progress bar for a terminal, over the rows of all tables."""

    def __init__(self) -> None:
        self._started = time.monotonic()
        self._progress = Progress(
            TextColumn("{task.fields[rows]:,} rows"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[table]}"),
            TextColumn("left:"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self._task = self._progress.add_task("import", total=None, rows=0, table="")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def show(self, tally: Tally) -> None:
        table = next(reversed(tally.counts), "")
        self._progress.update(self._task, total=tally.total, completed=tally.read, rows=tally.read, table=table)


class Lines:
    """A line now and then, for logs."""

    EVERY_SECONDS = 10.0

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._shown = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def show(self, tally: Tally) -> None:
        now = time.monotonic()
        if now - self._shown >= self.EVERY_SECONDS:
            self._shown = now
            self._write(f"{tally.read:,} of {tally.total:,} rows, in {next(reversed(tally.counts), '')}")


def display(write: Callable[[str], None], *, terminal: bool) -> Bar | Lines:
    return Bar() if terminal else Lines(write)


def summary(tally: Tally, *, dry_run: bool) -> str:
    """A line for each table, why things were not taken over, and which tables were not."""
    lines = [
        _LINE.format("table", "read", "would store" if dry_run else "stored", "here", "expired", "refused", "part")
    ]
    lines += [_line(name, tally.counts[name]) for name in tally.rows if name in tally.counts]
    for reason, number in tally.reasons.most_common(_REASONS):
        lines.append(f"{number:>12,} {reason}")
    rest = tally.reasons.total() - sum(number for _, number in tally.reasons.most_common(_REASONS))
    if rest:
        lines.append(f"{rest:>12,} for other reasons")
    for table, rows in tally.left_out.items():
        lines.append(f"Not taken over: {table}, {rows:,} rows" + _why(table))
    if tally.report is not None and tally.report.exists():
        lines.append(f"What was not taken over stands in {tally.report}")
    if dry_run:
        lines.append("A dry run: nothing was written.")
    return "\n".join(lines)


_LINE = "{:<24}{:>10}{:>12}{:>10}{:>10}{:>10}{:>10}"


def _line(name: str, counts: Counts) -> str:
    numbers = (counts.read, counts.stored, counts.present, counts.skipped, counts.refused, counts.remarks)
    return _LINE.format(name, *(f"{number:,}" for number in numbers))


def _why(table: str) -> str:
    return f" ({_WHY_LEFT_OUT[table]})" if table in _WHY_LEFT_OUT else ""
