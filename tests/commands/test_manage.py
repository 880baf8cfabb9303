"""What an operator reads where a command meets a database that is not ready."""

from __future__ import annotations

from pathlib import Path

from tests.support.databases import scratch_database
from tests.support.vaults import Vault


def test_a_database_without_tables_is_one_line(tmp_path: Path) -> None:
    with scratch_database(tmp_path) as database:
        done = Vault(database, tmp_path).manage("access_token", "list")
    assert done.code == 1
    (line,) = done.err.splitlines()
    assert line.startswith("databunker: the database refuses: ")
    assert "manage.py init" in line


def test_who_asks_for_it_sees_where_it_failed(tmp_path: Path) -> None:
    with scratch_database(tmp_path) as database:
        done = Vault(database, tmp_path).manage("access_token", "--traceback", "list")
    assert done.code == 1
    assert done.err.startswith("Traceback")
