"""Backups of the first release stay readable for ever, and what was refused stays refused."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from typing import Any

import pytest

from databunker.backup import BackupError
from databunker.backup.reading import Reader
from databunker.crypto.errors import MasterKeyError

Vectors = Callable[[str], dict[str, Any]]


def plain(value: Any) -> Any:
    return value.hex() if isinstance(value, bytes) else str(value) if isinstance(value, uuid.UUID) else value


def test_vectors(vectors: Vectors, settings: Any) -> None:
    for case in vectors("backup_v1")["positive"]:
        settings.DATABUNKER_MASTERKEY = case["master"]
        reader = Reader(io.BytesIO(bytes.fromhex(case["file"])))
        found: dict[str, list[Any]] = {table.name: [] for table in reader.header.tables}
        for table, rows in reader:
            found[table.name] += [[plain(value) for value in row] for row in rows]
        assert found == case["rows"], case["name"]
        assert (reader.header.backup.hex(), reader.header.created) == (case["backup"], case["created"])
        assert [end.counter for end in reader.ends] == case["counters"]


def test_vectors_that_are_refused(vectors: Vectors, settings: Any) -> None:
    for case in vectors("backup_v1")["negative"]:
        settings.DATABUNKER_MASTERKEY = case["master"]
        with pytest.raises((BackupError, MasterKeyError)) as refused:
            for _ in Reader(io.BytesIO(bytes.fromhex(case["file"]))):
                pass
        assert case["message"] in refused.value.message, case["name"]
