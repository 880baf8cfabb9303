"""The lines of an input, each of bounded size, whatever the input holds."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from typing import BinaryIO, NamedTuple

from .errors import LoadRefused

__all__ = ["Line", "LineReader"]

_CHUNK = 1 << 16


class Line(NamedTuple):
    """`number` counts from 1. `text` ends as it does in the input; it is None where the line is too long to keep."""

    number: int
    text: bytes | None


class LineReader:
    """Iterates over the lines of `stream`; of a line longer than `limit` never more than that is in memory."""

    def __init__(self, stream: BinaryIO, *, limit: int) -> None:
        self._stream = stream
        self._limit = limit
        self.bytes_read = 0

    def __iter__(self) -> Iterator[Line]:
        """
        Raises:
            LoadRefused: the input is in another encoding than UTF-8.
        """
        # Two more for the end of the line.
        readline, most = self._stream.readline, self._limit + 2
        number = 0
        while text := readline(most):
            number += 1
            self.bytes_read += len(text)
            if number == 1:
                text = _without_mark(text)
            yield Line(number, text if self._is_whole(text) else None)

    def _is_whole(self, text: bytes) -> bool:
        if text.endswith(b"\n"):
            return len(text.rstrip(b"\r\n")) <= self._limit
        rest = self._skip_line()
        return len(text) + rest <= self._limit

    def _skip_line(self) -> int:
        """Read on to the end of the line without keeping it; how many bytes that was."""
        skipped = 0
        while part := self._stream.readline(_CHUNK):
            skipped += len(part)
            if part.endswith(b"\n"):
                break
        self.bytes_read += skipped
        return skipped


def _without_mark(text: bytes) -> bytes:
    """The first line without the byte order mark that some programs put before UTF-8."""
    if text.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise LoadRefused("the input is UTF-16: convert it to UTF-8 first, for instance with iconv")
    return text.removeprefix(codecs.BOM_UTF8)
