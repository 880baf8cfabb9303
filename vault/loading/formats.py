"""From lines to records: JSON Lines and CSV. A record that can't be read becomes a refusal, never an exception."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from databunker import jsontext
from databunker.errors import BadRequest

from ..actions import Candidate
from .errors import LoadRefused
from .lines import Line, LineReader

__all__ = ["FORMATS", "Entry", "Format"]

_TOO_LONG = "record is larger than MAX_BODY_BYTES"


class Entry(NamedTuple):
    """One record as it stands in the input, from `line` on. `raw` is None where it was too long to keep.

    `cells` are those of a CSV row, or a refusal where the row could not be told from its neighbours.
    """

    line: int
    raw: bytes | None
    cells: list[str] | BadRequest | None = None


class Format(Protocol):
    """How an input is cut into records, and what each one says. Cutting is cheap, as a resumed load does it again."""

    def entries(self) -> Iterator[Entry]: ...

    def candidate(self, entry: Entry) -> Candidate: ...


class JsonLines:
    """One JSON object a line; blank lines don't count."""

    def __init__(self, lines: LineReader, *, limit: int) -> None:  # noqa: ARG002 - the lines keep to the limit
        self._lines = lines

    def entries(self) -> Iterator[Entry]:
        for number, text in self._lines:
            if text is None:
                yield Entry(number, None)
            elif stripped := text.strip():
                yield Entry(number, stripped)

    def candidate(self, entry: Entry) -> Candidate:
        if entry.raw is None:
            return BadRequest(_TOO_LONG)
        try:
            value = jsontext.loads(entry.raw)
        except BadRequest as error:
            return error
        return value if isinstance(value, dict) else BadRequest("record must be a JSON object")


class CommaSeparated:
    """CSV (RFC 4180) with a header: each row is a person, each column a field.

    An empty cell is an absent field. A cell that is a JSON object or array becomes that; all else is text.
    """

    def __init__(self, lines: LineReader, *, limit: int) -> None:
        # A limit of the whole process. The feed below keeps a row, and so each cell, within `limit`.
        csv.field_size_limit(max(limit + 2, csv.field_size_limit()))
        self._feed = _RowFeed(lines, limit)
        self._header: list[str] = []

    def entries(self) -> Iterator[Entry]:
        """
        Raises:
            LoadRefused: there is no usable header.
        """
        rows = self._rows()
        self._header = _header(next(rows, None))
        yield from rows

    def _rows(self) -> Iterator[Entry]:
        reader = csv.reader(self._feed, strict=True)
        while True:
            self._feed.begin_row()
            cells: list[str] | BadRequest
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                cells = BadRequest("bad CSV")
            except BadRequest as error:
                cells = error
            if cells:  # a blank line has no cells
                yield self._feed.entry(cells)

    def candidate(self, entry: Entry) -> Candidate:
        cells = entry.cells
        if not isinstance(cells, list):
            return cells or BadRequest("bad CSV")
        if len(cells) != len(self._header):
            return BadRequest(f"row has {'more' if len(cells) > len(self._header) else 'fewer'} cells than the header")
        try:
            (entry.raw or b"").decode()
        except UnicodeDecodeError:
            return BadRequest("bad UTF-8")
        return {name: _cell(cell) for name, cell in zip(self._header, cells, strict=True) if cell}


class _RowFeed:
    """Hands lines to the CSV reader and remembers those of the row at hand: a quoted cell may span several.

    After a row that it refuses, or that the reader does, the next line begins a new one.
    """

    def __init__(self, lines: LineReader, limit: int) -> None:
        self._lines = iter(lines)
        self._limit = limit
        self._taken: list[Line] = []
        self._size = 0

    def begin_row(self) -> None:
        self._taken.clear()
        self._size = 0

    def entry(self, cells: list[str] | BadRequest) -> Entry:
        texts = [line.text for line in self._taken]
        kept = [text for text in texts if text is not None]
        raw = b"".join(kept).rstrip(b"\r\n") if len(kept) == len(texts) else None
        return Entry(self._taken[0].number, raw, cells)

    def __iter__(self) -> _RowFeed:
        return self

    def __next__(self) -> str:
        """
        Raises:
            BadRequest: the row is too long. Passes through the reader to the one who asked for the row.
        """
        line = next(self._lines)
        self._taken.append(line)
        if line.text is not None:
            self._size += len(line.text)
        if line.text is None or self._size > self._limit + 2:
            self._taken[:] = [Line(self._taken[0].number, None)]
            raise BadRequest(_TOO_LONG)
        # Bytes that are no UTF-8 pass for now, so that they don't hide where the row ends.
        return line.text.decode("utf-8", "surrogateescape")


def _header(entry: Entry | None) -> list[str]:
    if entry is None or not isinstance(entry.cells, list):
        raise LoadRefused("the CSV has no header line with the names of the fields")
    names = entry.cells
    try:
        (entry.raw or b"").decode()
    except UnicodeDecodeError:
        raise LoadRefused("the header of the CSV is not UTF-8") from None
    if len(names) == 1 and any(sign in names[0] for sign in ";\t|"):
        raise LoadRefused("the columns of the CSV must be separated by commas")
    if "" in names:
        raise LoadRefused(f"column {names.index('') + 1} of the CSV has no name")
    if len(set(names)) != len(names):
        raise LoadRefused("two columns of the CSV have the same name")
    return names


def _cell(text: str) -> Any:
    if text.startswith(("{", "[")):
        try:
            return jsontext.loads(text.encode())
        except BadRequest:
            return text
    return text


FORMATS: dict[str, type[JsonLines | CommaSeparated]] = {"jsonl": JsonLines, "csv": CommaSeparated}
