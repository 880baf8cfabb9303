"""Lists as CSV, sent while they are being read."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

__all__ = ["as_csv"]

# A spreadsheet takes a cell that begins so for a formula and runs it.
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class _Line:
    """What the writer writes is the line itself."""

    @staticmethod
    def write(text: str) -> str:
        return text


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULAS) and not _is_number(text) else text


def _is_number(text: str) -> bool:
    return text[1:].replace(".", "", 1).isdecimal() and text[0] in "+-"


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], *, filename: str) -> StreamingHttpResponse:
    """In UTF-8 with the mark by which spreadsheets know it. `filename` is code, never input."""

    def parts() -> Iterator[str]:
        writer = csv.writer(_Line)
        yield "\ufeff" + writer.writerow(list(header))
        for row in rows:
            yield writer.writerow([_cell(value) for value in row])

    return StreamingHttpResponse(
        parts(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
