"""A backup and its restore take as much memory for a large vault as for a small one."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.databases import scratch_database
from tests.support.vaults import PROJECT, Vault, ended, new_vault

pytestmark = pytest.mark.slow

ROWS, BYTES = 200_000, 300
MAY_GROW = 48 * 1024 * 1024

_FILL = f"""
import os
from databunker.db.statements import Insert, atomically, insert_many
columns = ("tenant", "digest", "generation", "sealed_id", "data", "stored", "expires")
for start in range(0, {ROWS}, 10_000):
    rows = [(1, os.urandom(16), 0, os.urandom(80), os.urandom({BYTES}), 1, 2) for _ in range(10_000)]
    with atomically():
        insert_many(Insert("vault_session", columns, rows))
"""
# Peak memory before and after, in kilobytes.
_MEASURE = """
import resource
from django.core.management import call_command
from django.db import connection
connection.ensure_connection()
def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
before = peak()
call_command({arguments}, stdout=open("/dev/null", "w"))
print(before, peak())
"""


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as made:
        run(made, _FILL)
        yield made


def run(vault: Vault, script: str) -> str:
    path = vault.folder / "script.py"
    path.write_text(f"import django\ndjango.setup()\n{script}")

    done = subprocess.run(
        [sys.executable, str(path)], cwd=PROJECT, env=vault.environment(), capture_output=True, text=True, timeout=240,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def growth(vault: Vault, *arguments: str) -> int:
    before, after = map(int, run(vault, _MEASURE.format(arguments=", ".join(map(repr, arguments)))).split())
    return (after - before) * 1024


def test_memory_does_not_grow_with_the_vault(vault: Vault, tmp_path: Path) -> None:
    path = tmp_path / "vault.backup"
    assert growth(vault, "backup", str(path)) < MAY_GROW
    assert path.stat().st_size > ROWS * BYTES > MAY_GROW
    folder = tmp_path / "target"
    folder.mkdir()
    with scratch_database(folder) as database:
        target = Vault(database, folder, master_key=vault.master_key)
        assert ended(target.start_manage("migrate")).code == 0
        assert growth(target, "restore", str(path)) < MAY_GROW
        assert database.value("SELECT count(*) FROM vault_session") == ROWS
