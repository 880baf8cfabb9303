"""Read a backup and believe none of it before it has proved itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from databunker.crypto import backup_keys, hashing
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.recovery import RecoverySecret
from databunker.crypto.secret_stream import FRAME_OVERHEAD, STREAM_HEADER_BYTES, StreamOpener

from .errors import BackupError
from .format import (
    LENGTH,
    MAX_FRAME_BYTES,
    PREFIX,
    Digest,
    Header,
    RowsFrame,
    TableEnd,
    Trailer,
    parse_frame,
    parse_header,
    parse_prefix,
)
from .rows import Row, decode_row
from .tables import Table

__all__ = ["Reader", "TableRows", "Verified", "verify_backup"]

_PIECE = 1 << 20
_UNREADABLE = "a row of the backup can't be read: a newer release made it"


class TableRows(NamedTuple):
    """Some rows of one table."""

    table: Table
    rows: list[Row]


class Reader:
    """The rows of a backup, in order. Each is proved when it is given out; that none is missing, at the end.

    With `shares` they open it, and no master key is needed.

    Raises, as all of its methods do:
        BackupError: it is no backup, or was changed, damaged or cut; the message says where.
        MasterKeyError: it was made under another master key, or none is configured.
        RecoveryError: the shares don't open it.
    """

    def __init__(self, source: BinaryIO, *, shares: RecoverySecret | None = None) -> None:
        self._source = source
        self.position = 0
        prefix = self._up_to(PREFIX.size)
        content = self._exactly(parse_prefix(prefix))
        self.header: Header = parse_header(content)
        try:
            self.key = _key_of(self.header, shares)
        except IntegrityFailure:
            raise BackupError("the header of the backup was changed or damaged") from None
        self._opener = StreamOpener(self.key, header=self._exactly(STREAM_HEADER_BYTES), preamble=prefix + content)
        self._digests = [Digest(self.key, table.name) for table in self.header.tables]
        self.ends: tuple[TableEnd, ...] = ()

    def __iter__(self) -> Iterator[TableRows]:
        """All rows; then `ends` is set, and they are all there."""
        while True:
            frame, final = self._frame()
            if isinstance(frame, Trailer):
                if not final:
                    raise BackupError(f"the backup was changed or damaged before byte {self.position}")
                break
            yield self._rows(frame)
        if self._up_to(1):
            raise BackupError("something follows the end of the backup")
        self._check(frame)
        self.ends = frame.tables

    def _frame(self) -> tuple[RowsFrame | Trailer, bool]:
        start = self.position
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        if not FRAME_OVERHEAD <= length <= MAX_FRAME_BYTES:
            raise BackupError(f"the backup was changed or damaged at byte {start}")
        try:
            content, final = self._opener.open(self._exactly(length))
        except IntegrityFailure:
            raise BackupError(f"the backup was changed or damaged between bytes {start} and {self.position}") from None
        return parse_frame(content), final

    def _rows(self, frame: RowsFrame) -> TableRows:
        rows: list[Row] = []
        at = 0
        try:
            table, digest = self.header.tables[frame.table], self._digests[frame.table]
            kinds = table.kinds
            for _ in range(frame.number):
                row, end = decode_row(frame.rows, at, kinds)
                digest.add(frame.rows[at:end])
                rows.append(row)
                at = end
        except (ValueError, IndexError):
            raise BackupError(_UNREADABLE) from None
        if at != len(frame.rows):
            raise BackupError(_UNREADABLE)
        return TableRows(table, rows)

    def _check(self, trailer: Trailer) -> None:
        whole = len(trailer.tables) == len(self._digests) and all(
            digest.rows == end.rows and hashing.same(digest.value, end.digest)
            for digest, end in zip(self._digests, trailer.tables, strict=True)
        )
        if not whole:
            raise BackupError("the backup does not hold the rows that it says it does")

    def _exactly(self, number: int) -> bytes:
        data = self._up_to(number)
        if len(data) < number:
            raise BackupError(f"the backup ends too early, at byte {self.position}: it is not complete")
        return data

    def _up_to(self, number: int) -> bytes:
        """A damaged length costs no more memory than there is to read."""
        parts = bytearray()
        while len(parts) < number:
            part = self._source.read(min(number - len(parts), _PIECE))
            if not part:
                break
            parts += part
        self.position += len(parts)
        return bytes(parts)


def _key_of(header: Header, shares: RecoverySecret | None) -> bytes:
    if shares is None:
        return backup_keys.open_with_master_key(header.key.by_master_key, backup=header.backup)
    return backup_keys.open_with_shares(header.key.for_shares, backup=header.backup, shares=shares)


class Verified(NamedTuple):
    """A backup that is whole: what it says of itself, and how many rows each table has."""

    header: Header
    rows: dict[str, int]


def verify_backup(
    source: BinaryIO, *, shares: RecoverySecret | None = None, tell: Callable[[int], None] | None = None
) -> Verified:
    """Read a whole backup and prove it, with the master key or recovery shares and without any database.

    `tell` is called with the number of bytes read so far.

    Raises:
        BackupError, MasterKeyError, RecoveryError: see `Reader`.
    """
    reader = Reader(source, shares=shares)
    for _ in reader:
        if tell is not None:
            tell(reader.position)
    rows = {table.name: end.rows for table, end in zip(reader.header.tables, reader.ends, strict=True)}
    return Verified(reader.header, rows)
