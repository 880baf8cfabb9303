"""The layout: what a reader makes of each part, and of what is none."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from databunker.backup.errors import BackupError
from databunker.backup.format import (
    MAGIC,
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
from databunker.backup.tables import Column, Kind, Table
from databunker.crypto.backup_keys import WrappedBackupKey

TABLE = Table("t", (Column("a", Kind.INTEGER), Column("b", Kind.TEXT)))
KEY = WrappedBackupKey(b"wrapped", b"sealed")
HEADER = Header(bytes(16), "0.1.0", 1_700_000_000, 1, (("vault", "0001_initial"),), (TABLE,), KEY)


@pytest.mark.parametrize("key", [KEY, WrappedBackupKey(b"wrapped", None)])
def test_a_header_is_read_as_it_was_written(key: WrappedBackupKey) -> None:
    header = HEADER._replace(key=key)
    data = header.to_bytes()
    assert parse_prefix(data[: PREFIX.size]) == len(data) - PREFIX.size
    assert parse_header(data[PREFIX.size :]) == header


@pytest.mark.parametrize(
    ("prefix", "message"),
    [
        (b"", "not a backup"),
        (b"PK\x03\x04", "not a backup"),
        (b"SQLite format 3\x00", "not a backup"),
        (PREFIX.pack(b"\x89DBK\n\x1a\n", 1, 10), "not a backup"),
        (PREFIX.pack(MAGIC, 2, 10), "newer release"),
        (PREFIX.pack(MAGIC, 1, 2**31), "changed or damaged"),
    ],
)
def test_what_is_no_backup_is_told(prefix: bytes, message: str) -> None:
    with pytest.raises(BackupError, match=message):
        parse_prefix(prefix)


@pytest.mark.parametrize(
    "change",
    [
        {"backup": "x"},
        {"tables": [{}]},
        {"tables": [{"name": "t", "columns": [["a", "float"]]}]},
        {"created": None},
        {"key_for_shares": "x"},
        {"key_for_shares": None},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(change: dict[str, Any]) -> None:
    fields = orjson.loads(HEADER.to_bytes()[PREFIX.size :])
    with pytest.raises(BackupError, match="header"):
        parse_header(orjson.dumps(fields | change))
    for content in (b"", b"[]", b"{}", b"{"):
        with pytest.raises(BackupError, match="header"):
            parse_header(content)


def test_what_a_later_release_adds_to_a_header_is_passed_over() -> None:
    fields = orjson.loads(HEADER.to_bytes()[PREFIX.size :])
    assert parse_header(orjson.dumps(fields | {"journal": 1})) == HEADER


@pytest.mark.parametrize("deflate", [False, True])
def test_frames_are_read_as_they_were_written(deflate: bool) -> None:
    rows = RowsFrame(3, 2, b"row row" * 100)
    assert parse_frame(rows.to_bytes(deflate=deflate)) == rows
    trailer = Trailer((TableEnd(2, bytes(32), None), TableEnd(0, bytes(32), 8)))
    assert parse_frame(trailer.to_bytes()) == trailer


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x03",
        b"\x01",
        b"\x02",
        b"\x02{}",
        RowsFrame(0, 1, b"x").to_bytes(deflate=False)[:7] + b"\x02x",
        RowsFrame(0, 1, b"x" * 99).to_bytes(deflate=True)[:-3],
    ],
)
def test_a_frame_of_no_known_form_is_refused(content: bytes) -> None:
    with pytest.raises(BackupError, match="newer release"):
        parse_frame(content)


def digest(*rows: bytes, key: bytes = bytes(32), table: str = "t") -> bytes:
    made = Digest(key, table)
    for row in rows:
        made.add(row)
    assert made.rows == len(rows)
    return made.value


def test_a_digest_is_of_the_rows_and_not_of_their_order() -> None:
    assert digest(b"a", b"b", b"c") == digest(b"c", b"a", b"b")
    others = [
        digest(),
        digest(b"a", b"b"),
        digest(b"a", b"b", b"c", b"c"),
        digest(b"a", b"b", b"d"),
        digest(b"ab", b"c"),
        digest(b"a", b"b", b"c", key=bytes(31) + b"\x01"),
        digest(b"a", b"b", b"c", table="u"),
    ]
    assert len({digest(b"a", b"b", b"c"), *others}) == len(others) + 1
