"""Lists as CSV, sent while they are being read."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

from django.http import StreamingHttpResponse

__all__ = ["as_csv"]

# A spreadsheet takes a cell that begins so for a formula and runs it, with a space or a quote in front, too. Where the
# decimal point is a comma it splits lines at semicolons, whatever is quoted, and pasted ones at tabs and line breaks:
# what follows those begins a cell as well.
_FORMULA = re.compile(r"""(?:^|(?<=[;\t\r\n]))(?=[ \xa0"]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^(?=[\t\r])""")

_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?", re.ASCII)


class _Line:
    """What the writer writes is the line itself."""

    @staticmethod
    def write(text: str) -> str:
        return text


def _cell(value: Any) -> str:
    text = "" if value is None else str(value)
    return text if _NUMBER.fullmatch(text) else _FORMULA.sub("'", text)


def as_csv(header: Sequence[str], rows: Iterable[Sequence[Any]], *, filename: str) -> StreamingHttpResponse:
    """In UTF-8 with the mark by which spreadsheets know it. `filename` is code, never input.

    The first row is made before the answer begins: what may not be read, or not be told of, is refused as any page is.
    """
    left = iter(rows)
    first = list(islice(left, 1))

    def parts() -> Iterator[str]:
        writer = csv.writer(_Line)
        yield "\ufeff" + writer.writerow(list(header))
        for row in chain(first, left):
            yield writer.writerow([_cell(value) for value in row])

    return StreamingHttpResponse(
        parts(),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{filename}"'},
    )
