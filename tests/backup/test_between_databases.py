"""A vault moves from one kind of database to another and back, by the operator's commands alone."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.databases import Database, scratch_database
from tests.support.vaults import PROJECT, Vault

_PEOPLE = """
from databunker.access.actor import operator
from vault import actions
for number in range(40):
    who = {"mode": "login", "identity": f"ann{number}"}
    actions.create_record(operator(), profile={"login": f"ann{number}", "email": f"ann{number}@example.com", "n": number})
    actions.change_record(operator(), **who, change={"n": -number})
    actions.store_app_data(operator(), **who, app="shop_" if number % 2 else "shop", data={"basket": [number]})
    if number % 5 == 0:
        actions.forget_person(operator(), **who)
"""


def sqlite(folder: Path, name: str, master_key: str | None = None) -> Vault:
    vault = Vault(Database(f"sqlite:///{folder / name}"), folder)
    if master_key is not None:
        vault.master_key = master_key
    return vault


@pytest.fixture
def source(tmp_path: Path) -> Vault:
    """On SQLite, whatever the tests run on."""
    vault = sqlite(tmp_path, "source.sqlite3")
    vault.init()
    vault.script(_PEOPLE)
    return vault


@pytest.fixture
def target(tmp_path: Path, source: Vault) -> Iterator[Vault]:
    """An empty database of the kind that the tests run on."""
    with scratch_database(tmp_path) as database:
        vault = Vault(database, tmp_path, master_key=source.master_key)
        run(vault, "migrate")
        yield vault


def run(vault: Vault, *arguments: str) -> str:
    done = vault.manage(*arguments)
    assert done.code == 0, done.err
    return done.out


def rows(vault: Vault) -> dict[str, list[str]]:
    with closing(sqlite3.connect(vault.database.path)) as connection:
        names = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'django_migrations'"
        )
        return {name: sorted(map(repr, connection.execute(f'SELECT * FROM "{name}"'))) for (name,) in names.fetchall()}


@pytest.mark.slow
def test_there_and_back_again_nothing_has_changed(tmp_path: Path, source: Vault, target: Vault) -> None:
    there, back = tmp_path / "there.backup", tmp_path / "back.backup"
    assert "Backup of" in run(source, "backup", str(there))
    assert stat.S_IMODE(there.stat().st_mode) == 0o600
    told = run(target, "restore", str(there))
    assert "Opened and proved: 40 records, 64 identities" in told
    run(target, "backup", str(back))
    last = sqlite(tmp_path, "last.sqlite3", source.master_key)
    run(last, "migrate")
    run(last, "restore", str(back))

    before, after = rows(source), rows(last)
    events = before.pop("audit_event")
    more = after.pop("audit_event")
    assert len(more) == len(events) + 3, "restored, taken, restored"
    assert set(events) <= set(more)
    (end,), (marked,) = before.pop("erasure_journal"), after.pop("erasure_journal")
    assert end.startswith("(1, 8, "), "eight of the forty are forgotten"
    assert marked.startswith(end.removesuffix("None)")), "it goes on where it was, once a journal was replayed"
    assert marked != end
    assert after == before
    assert len(before["vault_record"]) == 40
    found = last.script(
        "from databunker.access.actor import operator\n"
        "from vault.queries import read_record\n"
        "print(read_record(operator(), mode='email', identity='ann7@example.com').profile_json.decode())"
    )
    assert found.strip() == '{"login":"ann7","email":"ann7@example.com","n":-7}'
    assert not list(tmp_path.glob(".*.partial"))


def test_through_a_pipe(source: Vault, target: Vault) -> None:
    command = [sys.executable, str(PROJECT / "manage.py")]
    with subprocess.Popen(
        [*command, "backup", "-"], env=source.environment(), cwd=source.folder, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as backup:  # fmt: skip
        restore = subprocess.run(
            [*command, "restore", "-"], env=target.environment(), cwd=target.folder, stdin=backup.stdout,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert restore.returncode == 0, restore.stderr
        assert backup.stderr is not None
        assert b"Backup of" in backup.stderr.read()
    assert "Restored" in restore.stdout
    assert target.database.value("SELECT count(*) FROM vault_record") == 40


def test_a_file_is_verified_without_any_database(tmp_path: Path, source: Vault) -> None:
    path = tmp_path / "vault.backup"
    run(source, "backup", str(path))
    nowhere = {"DATABASE_URL": "postgres://nobody@127.0.0.1:1/nothing"}
    good = source.manage("backup", "--verify", str(path), **nowhere)
    assert good.code == 0, good.err
    assert "The backup is whole" in good.out
    assert "            40  vault_record" in good.out
    other = source.manage("backup", "--verify", str(path), DATABUNKER_MASTERKEY="94a1" * 16, **nowhere)
    assert (other.code, other.out) == (1, "")
    assert "made under another master key" in other.err
    path.write_bytes(path.read_bytes()[:-100])
    cut = source.manage("backup", "--verify", str(path), **nowhere)
    assert cut.code == 1
    assert "ends too early" in cut.err
    assert "Traceback" not in good.err + other.err + cut.err


@pytest.mark.slow
def test_what_can_not_be_done_is_told_in_one_line(tmp_path: Path, source: Vault, target: Vault) -> None:
    path = tmp_path / "vault.backup"
    run(source, "backup", str(path))
    before = path.read_bytes()
    fresh = sqlite(tmp_path, "fresh.sqlite3", source.master_key)
    for vault, arguments, message in (
        (source, ("restore", str(path)), "this database is not empty"),
        (fresh, ("restore", str(path)), "this database lacks the migration"),
        (target, ("restore", str(tmp_path / "absent")), "the backup can't be read: No such file"),
        (target, ("restore", str(tmp_path / "source.sqlite3")), "this is not a backup of a vault"),
        (target, ("backup", str(path)), "run `manage.py init`"),
        (source, ("backup", str(tmp_path)), "is no file"),
        (source, ("backup", str(tmp_path / "absent" / "x")), "No such file"),
    ):
        done = vault.manage(*arguments)
        assert done.code == 1, arguments
        assert message in done.err, arguments
        assert "Traceback" not in done.err
        assert len(done.err.strip().splitlines()) == 1, done.err
    assert path.read_bytes() == before, "a backup that failed has not replaced the one before"
    assert not list(tmp_path.glob(".*.partial"))
