"""The report: a line of JSON for each thing that was not taken over, without anything of what it held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from vault.actions import Fate

from .entries import Entry, Verdict

__all__ = ["Line", "lines_for", "written"]


class Line(NamedTuple):
    """`row` counts the table's rows in the order in which they are read, from 1."""

    table: str
    row: int
    reference: dict[str, str]
    taken: bool
    reason: str


def lines_for(table: str, first: int, entries: Sequence[Entry[Any]], verdicts: Sequence[Verdict | None]) -> list[Line]:
    """A line for each problem; `verdicts` has None where there was nothing to store."""
    lines = []
    for row, (entry, verdict) in enumerate(zip(entries, verdicts, strict=True), first):
        taken = verdict is not None and not refused(verdict)
        reasons = [*entry.problems, *_reasons(verdict)]
        lines += [Line(table, row, entry.reference, taken, reason) for reason in reasons]
    return lines


def _reasons(verdict: Verdict | None) -> list[str]:
    if verdict is None:
        return []
    if refused(verdict) and not verdict.remarks:
        return [verdict.fate.value]
    return list(verdict.remarks)


def refused(verdict: Verdict) -> bool:
    return verdict.fate not in (Fate.STORED, Fate.PRESENT)


def written(tag: str, lines: Sequence[Line]) -> bytes:
    """Each begins with the tag of its import, by which a later run knows its own file."""
    return b"".join(orjson.dumps({"load": tag, **line._asdict()}, option=orjson.OPT_APPEND_NEWLINE) for line in lines)
