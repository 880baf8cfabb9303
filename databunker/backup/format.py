"""The layout of a backup file; docs/backup.md describes it for readers in other languages."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from databunker.crypto import hashing
from databunker.crypto.backup_keys import WrappedBackupKey
from databunker.crypto.encoding import pack

from .errors import BackupError
from .tables import Table, described, from_description

__all__ = [
    "FORMAT_VERSION",
    "LENGTH",
    "MAX_FRAME_BYTES",
    "PREFIX",
    "Digest",
    "Header",
    "RowsFrame",
    "TableEnd",
    "Trailer",
    "parse_frame",
    "parse_header",
    "parse_prefix",
]

# As in PNG: a transfer as text or over seven bits breaks it visibly.
MAGIC = b"\x89DBK\r\n\x1a\n"
FORMAT_VERSION = 1
PREFIX = struct.Struct(">8sBI")
LENGTH = struct.Struct(">I")
MAX_HEADER_BYTES = 16 * 1024 * 1024
# What a damaged length can make a reader take into memory; far more than the largest row.
MAX_FRAME_BYTES = 128 * 1024 * 1024

_ROWS = struct.Struct(">BHIB")
_ROWS_TYPE, _TRAILER_TYPE = 1, 2
_PLAIN, _DEFLATED = 0, 1
_DIGEST_BYTES = 32
_NEWER = "a newer release made this backup: restore it with that release"


class Header(NamedTuple):
    """What stands in clear at the beginning. Nothing in it is secret, and nothing of it can be changed."""

    backup: bytes
    product: str
    created: int
    data_key: int
    migrations: tuple[tuple[str, str], ...]
    tables: tuple[Table, ...]
    key: WrappedBackupKey

    def to_bytes(self) -> bytes:
        """Magic, version, length and the header itself."""
        fields = {
            "backup": self.backup.hex(),
            "product": self.product,
            "created": self.created,
            "data_key": self.data_key,
            "migrations": self.migrations,
            "tables": described(list(self.tables)),
            "key": self.key.by_master_key.hex(),
        }
        if self.key.for_shares is not None:
            fields["key_for_shares"] = self.key.for_shares.hex()
        content = orjson.dumps(fields)
        return PREFIX.pack(MAGIC, FORMAT_VERSION, len(content)) + content


def parse_prefix(prefix: bytes) -> int:
    """The length of the header that follows.

    Raises:
        BackupError: this is no backup, or one of a newer format.
    """
    magic, version, length = PREFIX.unpack(prefix) if len(prefix) == PREFIX.size else (b"", 0, 0)
    if magic != MAGIC:
        raise BackupError("this is not a backup of a vault")
    if version != FORMAT_VERSION:
        raise BackupError(_NEWER)
    if length > MAX_HEADER_BYTES:
        raise BackupError("the header of the backup was changed or damaged")
    return int(length)


def parse_header(content: bytes) -> Header:
    """Not to be trusted before the first frame has opened behind it.

    Raises:
        BackupError: it can't be read.
    """
    try:
        fields: dict[str, Any] = orjson.loads(content)
        return Header(
            backup=bytes.fromhex(fields["backup"]),
            product=str(fields["product"]),
            created=int(fields["created"]),
            data_key=int(fields["data_key"]),
            migrations=tuple((str(app), str(name)) for app, name in fields["migrations"]),
            tables=tuple(from_description(table) for table in fields["tables"]),
            key=WrappedBackupKey(
                bytes.fromhex(fields["key"]),
                bytes.fromhex(fields["key_for_shares"]) if "key_for_shares" in fields else None,
            ),
        )
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BackupError("the header of the backup was changed or damaged") from None


class RowsFrame(NamedTuple):
    """Some rows of one table, which is named by its place in the header."""

    table: int
    number: int
    rows: bytes

    def to_bytes(self, *, deflate: bool) -> bytes:
        body = zlib.compress(self.rows, 1) if deflate else self.rows
        return _ROWS.pack(_ROWS_TYPE, self.table, self.number, _DEFLATED if deflate else _PLAIN) + body


class TableEnd(NamedTuple):
    """How many rows a table has, their digest, and the number that its counter would give next."""

    rows: int
    digest: bytes
    counter: int | None


class Trailer(NamedTuple):
    """The last frame: an entry for each table of the header."""

    tables: tuple[TableEnd, ...]

    def to_bytes(self) -> bytes:
        ends = [{"rows": end.rows, "digest": end.digest.hex(), "counter": end.counter} for end in self.tables]
        return bytes([_TRAILER_TYPE]) + orjson.dumps({"tables": ends})


def parse_frame(content: bytes) -> RowsFrame | Trailer:
    """What an opened frame holds.

    Raises:
        BackupError: nothing that this release knows.
    """
    try:
        if content[0] == _ROWS_TYPE:
            return _parse_rows(content)
        if content[0] == _TRAILER_TYPE:
            return _parse_trailer(orjson.loads(content[1:])["tables"])
    except (ValueError, KeyError, IndexError, TypeError, struct.error, zlib.error):
        pass
    raise BackupError(_NEWER)


def _parse_rows(content: bytes) -> RowsFrame:
    _, table, number, packing = _ROWS.unpack_from(content)
    body = content[_ROWS.size :]
    if packing == _DEFLATED:
        inflater = zlib.decompressobj()
        body = inflater.decompress(body, MAX_FRAME_BYTES)
        if not inflater.eof:
            raise ValueError("larger than a frame may be")
    elif packing != _PLAIN:
        raise ValueError("an unknown packing")
    return RowsFrame(table, number, body)


def _parse_trailer(ends: Sequence[dict[str, Any]]) -> Trailer:
    return Trailer(tuple(TableEnd(int(end["rows"]), bytes.fromhex(end["digest"]), end["counter"]) for end in ends))


class Digest:
    """Of the rows of one table, in whatever order they come.

    The sum of their MACs modulo 2^256: without the key nobody finds other rows with the same sum (MSet-Add-Hash of
    Clarke, Devadas and others, 2003). Databases order text and UUIDs each in their own way.
    """

    __slots__ = ("_key", "_sum", "rows")

    def __init__(self, backup_key: bytes, table: str) -> None:
        self._key = hashing.mac(pack([b"rows", table.encode()]), key=backup_key)
        self._sum = 0
        self.rows = 0

    def add(self, row: bytes) -> None:
        self._sum += int.from_bytes(hashing.mac(row, key=self._key), "big")
        self.rows += 1

    @property
    def value(self) -> bytes:
        return (self._sum % (1 << 8 * _DIGEST_BYTES)).to_bytes(_DIGEST_BYTES, "big")
