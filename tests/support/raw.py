"""A database as a thief has it: every row, and the files that it is kept in."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from .databases import KIND, Database

__all__ = ["Raw"]

_CHUNK = 1 << 16
_PAGE = 8192  # of PostgreSQL's log


@dataclass
class Raw(AbstractContextManager["Raw"]):
    """What stands in the database, its files and its log of writes since the `with` block began.

    PostgreSQL's files are read by SQL. Those of MySQL only by whoever may read its folder, which is the superuser
    of the machine that it runs on.
    """

    database: Database
    _lsn: str = field(init=False, default="")
    _slot: Any = field(init=False, default=None)
    _redo: dict[tuple[str, int], bytes] = field(init=False, default_factory=dict)

    def __enter__(self) -> Raw:
        if KIND == "postgresql":
            self._keep_wal()
        elif KIND == "mysql":
            self._redo = {place: _hash(chunk) for place, chunk in self._redo_chunks()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._slot is not None:
            self._slot.close()

    def _keep_wal(self) -> None:
        """A checkpoint, also one that somebody else asks for, throws away what lies before it, unless a slot holds it.

        The slot is gone with its connection, whatever becomes of us.
        """
        self._slot = self.database.connect()
        with closing(self._slot.cursor()) as cursor:
            cursor.execute("SELECT pg_create_physical_replication_slot(%s, true, true)", [f"raw_{uuid.uuid4().hex}"])
            cursor.execute("SELECT pg_current_wal_lsn()::text")
            ((self._lsn,),) = cursor.fetchall()

    def sources(self) -> Iterator[tuple[str, bytes]]:
        """Each with its name."""
        yield "rows", b"\n".join(_written(value) for row in self._rows() for value in row)
        yield from {"sqlite": self._sqlite, "postgresql": self._postgresql, "mysql": self._mysql}[KIND]()

    def _rows(self) -> Iterator[tuple[Any, ...]]:
        for table in self.database.tables():
            yield from self.database.rows(f"SELECT * FROM {table}")

    def _sqlite(self) -> Iterator[tuple[str, bytes]]:
        for path in sorted(self.database.path.parent.glob(f"{self.database.path.name}*")):
            with suppress(FileNotFoundError):  # whoever closes the last connection removes what is beside the file
                yield path.suffix, path.read_bytes()

    def _postgresql(self) -> Iterator[tuple[str, bytes]]:
        self.database.rows("CHECKPOINT")
        folder = self.database.value("SELECT 'base/' || oid FROM pg_database WHERE datname = current_database()")
        files = self.database.rows(
            "SELECT pg_read_binary_file(%s || '/' || name, 0, (pg_stat_file(%s || '/' || name, true)).size, true) "
            "FROM pg_ls_dir(%s) AS name",
            [folder, folder, folder],
        )
        yield "heap", b"".join(bytes(content) for (content,) in files if content is not None)
        yield "log of writes", self._wal()

    def _wal(self) -> bytes:
        """From when this was made until now: of all databases of the server."""
        first, start = self._wal_place(self._lsn)
        last, end = self._wal_place(self.database.value("SELECT pg_current_wal_lsn()::text"))
        files = self.database.rows(
            "SELECT name, pg_read_binary_file('pg_wal/' || name, 0, size, true) "
            "FROM pg_ls_waldir() WHERE name BETWEEN %s AND %s ORDER BY name",
            [first, last],
        )
        parts = []
        for name, content in files:
            data = bytes(content)
            parts.append(_in_one_piece(data[: end if name == last else len(data)], start if name == first else 0))
        return b"".join(parts)

    def _wal_place(self, lsn: str) -> tuple[str, int]:
        """The file and the offset at which the next byte stands: at the edge of two files PostgreSQL names the first."""
        ((name, offset),) = self.database.rows("SELECT * FROM pg_walfile_name_offset(%s::pg_lsn + 1)", [lsn])
        return name, offset - 1

    def _mysql(self) -> Iterator[tuple[str, bytes]]:
        folder = Path(self.database.value("SELECT @@datadir"))
        with self._written_out():
            files = [path for path in _entries(folder / self.database.name) if path.suffix == ".ibd"]
            yield "tables", b"".join(path.read_bytes() for path in files)
        yield (
            "log of writes",
            b"".join(chunk for place, chunk in self._redo_chunks() if _hash(chunk) != self._redo.get(place)),
        )

    @contextmanager
    def _written_out(self) -> Iterator[None]:
        """All pages of the tables are in their files, and stay as they are."""
        with closing(self.database.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(f"FLUSH TABLES {', '.join(self.database.tables())} FOR EXPORT")
            try:
                yield
            finally:
                cursor.execute("UNLOCK TABLES")

    def _redo_chunks(self) -> Iterator[tuple[tuple[str, int], bytes]]:
        """The log is a ring: what hasn't changed is older than we are."""
        folder = Path(self.database.value("SELECT @@datadir"))
        for path in [*_entries(folder), *_entries(folder / "#innodb_redo")]:
            if path.name.startswith(("ib_logfile", "#ib_redo")):
                with path.open("rb") as file:
                    for number, chunk in enumerate(iter(lambda: file.read(_CHUNK), b"")):
                        yield (path.name, number), chunk


def _entries(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # it belongs to another machine, or to another user
        return []


def _in_one_piece(segment: bytes, start: int) -> bytes:
    """What stands in a file of PostgreSQL's log from `start` on, without the heads of pages that cut values in two."""
    pages = [segment[at : at + _PAGE] for at in range(start // _PAGE * _PAGE, len(segment), _PAGE)]
    return b"".join(page[40 if page[2:3] and page[2] & 2 else 24 :] for page in pages)


def _hash(chunk: bytes) -> bytes:
    return hashlib.blake2b(chunk, digest_size=16).digest()


def _written(value: Any) -> bytes:
    """UUIDs as the bytes that they are: their digits and hyphens would look like postcodes."""
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    text = str(value)
    return bytes.fromhex(text.replace("-", "")) if _UUID.fullmatch(text) else text.encode()


_UUID = re.compile("[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
