"""One row as bytes, the same whichever database it was read from.

Each value is its length plus one, as a LEB128 number, and its bytes; a lone 0 stands for NULL. Integers are two's
complement, big-endian, in as few bytes as they need; booleans one byte; UUIDs 16 bytes; text UTF-8.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from .tables import Kind

__all__ = ["Row", "decode_row", "encode_row"]

Row = tuple[Any, ...]


def _integer(value: int) -> bytes:
    return value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


def _uuid(value: Any) -> bytes:
    """SQLite and MySQL have text, with or without hyphens."""
    return value.bytes if isinstance(value, UUID) else UUID(value).bytes


_WRITE: dict[Kind, Callable[[Any], bytes]] = {
    Kind.INTEGER: _integer,
    Kind.BOOLEAN: lambda value: b"\x01" if value else b"\x00",
    Kind.BYTES: bytes,
    Kind.UUID: _uuid,
    Kind.TEXT: str.encode,
}
_READ: dict[Kind, Callable[[bytes], Any]] = {
    Kind.INTEGER: lambda value: int.from_bytes(value, "big", signed=True),
    Kind.BOOLEAN: lambda value: value == b"\x01",
    Kind.BYTES: lambda value: value,
    Kind.UUID: lambda value: UUID(bytes=value),
    Kind.TEXT: bytes.decode,
}
_MORE = 0x80
_SHORT = [bytes([number]) for number in range(_MORE)]


def _length(number: int) -> bytes:
    if number < _MORE:
        return _SHORT[number]
    parts = bytearray()
    while number >= _MORE:
        parts.append(number & 0x7F | _MORE)
        number >>= 7
    parts.append(number)
    return bytes(parts)


def encode_row(row: Sequence[Any], kinds: Sequence[Kind]) -> bytes:
    """The values as a driver gives them."""
    parts: list[bytes] = []
    for value, kind in zip(row, kinds, strict=True):
        if value is None:
            parts.append(b"\x00")
        else:
            data = _WRITE[kind](value)
            parts += (_length(len(data) + 1), data)
    return b"".join(parts)


def decode_row(data: bytes, start: int, kinds: Sequence[Kind]) -> tuple[Row, int]:
    """The row that begins at `start`, and where the next one does.

    Raises:
        ValueError, IndexError: there is no such row.
    """
    values: list[Any] = []
    at = start
    for kind in kinds:
        length, shift = 0, 0
        while True:
            byte = data[at]
            at += 1
            length |= (byte & 0x7F) << shift
            if byte < _MORE:
                break
            shift += 7
        if not length:
            values.append(None)
            continue
        end = at + length - 1
        if end > len(data):
            raise ValueError("the row ends too early")
        values.append(_READ[kind](data[at:end]))
        at = end
    return tuple(values), at
