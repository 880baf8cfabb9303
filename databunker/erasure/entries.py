"""One line of the erasure journal: its values, its MAC, and how it looks in a file.

The key of the MACs comes from the reference key, which is never rotated: a journal is proved by the keyring of a backup
of whatever age. It is the key that references are made with, too, so that who can't make one can't make the other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

import orjson

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.keyring import Purpose

from .errors import JournalError

__all__ = ["GENESIS", "Entry", "as_line", "header_line", "parse_line", "read_lines", "sealed"]

# What the first entry of a chain follows.
GENESIS = bytes(hashing.MAC_BYTES)
_FORMAT, _VERSION = "databunker erasure journal", 1
# Far longer than any line of ours.
_MAX_LINE = 4096


class Entry(NamedTuple):
    """The columns of one forgetting, in order."""

    sequence: int
    tenant: int
    at: int
    subject: bytes
    generation: int
    previous: bytes
    mac: bytes


_BINARY = frozenset({"subject", "previous", "mac"})


def _key() -> bytes:
    return hashing.derive_key(store.current_keyring().secret(Purpose.REFERENCE), b"erasure-journal")


def _mac(entry: Entry) -> bytes:
    values = [value if isinstance(value, bytes) else b"%d" % value for value in entry[:-1]]
    return hashing.mac(pack([b"%d" % _VERSION, *values]), key=_key())


def sealed(*, sequence: int, tenant: int, at: int, subject: bytes, generation: int, previous: bytes) -> Entry:
    """An entry with its MAC."""
    entry = Entry(sequence, tenant, at, subject, generation, previous, b"")
    return entry._replace(mac=_mac(entry))


def is_authentic(entry: Entry) -> bool:
    """Whether this vault wrote the entry, as it is."""
    return hashing.same(entry.mac, _mac(entry))


def _vault() -> str:
    """By what a journal of another vault is told from a changed one."""
    return hashing.digest(b"vault", key=_key()).hex()


def header_line() -> bytes:
    """The first line of a journal."""
    return orjson.dumps({"format": _FORMAT, "version": _VERSION, "vault": _vault()}) + b"\n"


def as_line(entry: Entry) -> bytes:
    values = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in zip(Entry._fields, entry, strict=True)
    }
    return orjson.dumps(values) + b"\n"


def read_lines(lines: Iterable[bytes]) -> Iterator[Entry]:
    """The entries of a journal, in whatever order they stand there; each proved before it is given out.

    Headers and empty lines may stand between them, as they do where files were put together.

    Raises:
        JournalError: it is no journal, or another vault's, or a line was changed or cut.
    """
    for number, line in enumerate(lines, start=1):
        entry = parse_line(line, number=number)
        if entry is not None:
            yield entry


def parse_line(line: bytes, *, number: int) -> Entry | None:
    """The entry of this line; None for a header of this vault's journal and an empty line.

    Raises:
        JournalError: see `read_lines`.
    """
    if not line.strip():
        return None
    fields = _fields(line, number)
    if "format" in fields:
        _check_header(fields)
        return None
    try:
        values = [bytes.fromhex(fields[name]) if name in _BINARY else _whole(fields[name]) for name in Entry._fields]
        entry = Entry._make(values)
    except (KeyError, TypeError, ValueError):
        raise JournalError(f"line {number} of the journal can't be read: it was changed or cut") from None
    if not is_authentic(entry):
        raise JournalError(f"line {number} of the journal is not as this vault wrote it")
    return entry


def _fields(line: bytes, number: int) -> dict[str, Any]:
    try:
        fields = orjson.loads(line) if len(line) <= _MAX_LINE else None
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        what = "this is not an erasure journal" if number == 1 else f"line {number} of the journal was changed or cut"
        raise JournalError(what)
    return fields


def _check_header(fields: dict[str, Any]) -> None:
    if fields["format"] != _FORMAT:
        raise JournalError("this is not an erasure journal")
    if fields.get("version") != _VERSION:
        raise JournalError("a newer release made this journal: use that release")
    if fields.get("vault") != _vault():
        raise JournalError("this journal is another vault's, or the keyring is")


def _whole(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 1 << 63:
        raise ValueError("no whole number")
    return value
