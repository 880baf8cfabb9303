"""Write a backup, a part at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import databunker
from databunker.crypto import backup_keys, store
from databunker.crypto.keyring import Purpose
from databunker.crypto.secret_stream import StreamSealer, new_stream_key
from databunker.ids import unix_now

from .errors import BackupError
from .format import LENGTH, MAX_FRAME_BYTES, Digest, Header, RowsFrame, TableEnd, Trailer
from .rows import encode_row
from .snapshot import Snapshot
from .tables import Table, tables

__all__ = ["Backup"]

_CHUNK_BYTES = 256 * 1024
# Sealed values don't shrink; where the rest of a row is too little to be worth it, zlib is not asked again.
_WORTH_DEFLATING = 0.9


def _nobody(_: int) -> None:
    pass


class Backup:
    """The bytes of a backup file, in parts; to be gone through once, and closed in any case.

    What it holds is the vault at the moment when this was made. `tell` is called with the number of
    rows written so far.
    """

    def __init__(self, backup: bytes, *, tell: Callable[[int], None] = _nobody) -> None:
        """
        Raises:
            DatabaseError: the database can't be reached.
            KeyringError, MasterKeyError: the keys can't be had.
        """
        self.tell = tell
        self._tables = tables()
        self._key = new_stream_key()
        wrapped = backup_keys.wrap(self._key, backup=backup)
        data_key = store.current_keyring().newest(Purpose.DATA).id
        self._snapshot = Snapshot()
        try:
            migrations = tuple(self._snapshot.migrations())
        except BaseException:
            self.close()
            raise
        self.header = Header(
            backup, databunker.__version__, unix_now(), data_key, migrations, tuple(self._tables), wrapped
        )

    def close(self) -> None:
        """End the transaction that it reads in."""
        self._snapshot.close()

    def count_rows(self) -> int:
        return sum(self._snapshot.count(table) for table in self._tables)

    def __iter__(self) -> Iterator[bytes]:
        """
        Raises:
            BackupError: a row is too large.
            DatabaseError: the database is gone.
        """
        try:
            preamble = self.header.to_bytes()
            sealer = StreamSealer(self._key, preamble=preamble)
            yield preamble + sealer.header
            for content, final in self._frames():
                sealed = sealer.seal(content, final=final)
                if len(sealed) > MAX_FRAME_BYTES:
                    raise BackupError("a row is too large for a backup")
                yield LENGTH.pack(len(sealed)) + sealed
        finally:
            self.close()

    def _frames(self) -> Iterator[tuple[bytes, bool]]:
        ends = []
        written = 0
        for place, table in enumerate(self._tables):
            counter = self._snapshot.next_number(table)
            digest = Digest(self._key, table.name)
            deflate = None
            for frame in _chunks(place, table, self._snapshot.rows(table), digest):
                if deflate is None:
                    deflate = len(frame.to_bytes(deflate=True)) < _WORTH_DEFLATING * len(frame.rows)
                yield frame.to_bytes(deflate=deflate), False
                self.tell(written + digest.rows)
            written += digest.rows
            ends.append(TableEnd(digest.rows, digest.value, counter))
        yield Trailer(tuple(ends)).to_bytes(), True


def _chunks(
    place: int, table: Table, batches: Iterable[Sequence[Sequence[Any]]], digest: Digest
) -> Iterator[RowsFrame]:
    """The rows, in frames of about the same size; a row is never cut."""
    kinds = table.kinds
    parts: list[bytes] = []
    size = 0
    for batch in batches:
        for row in batch:
            part = encode_row(row, kinds)
            digest.add(part)
            parts.append(part)
            size += len(part)
            if size >= _CHUNK_BYTES:
                yield RowsFrame(place, len(parts), b"".join(parts))
                parts, size = [], 0
    if parts:
        yield RowsFrame(place, len(parts), b"".join(parts))
