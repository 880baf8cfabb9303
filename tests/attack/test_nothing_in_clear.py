"""Nobody with the database, its files, its log of writes and our logs reads a value, a token or a code."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.helpers import routes
from tests.support.databases import KIND, Database, scratch_database
from tests.support.raw import Raw
from tests.support.search import Needles, leaks
from tests.support.vaults import PROJECT, Server, Vault

from .pages_at_work import work_at_pages
from .people_at_work import SETTINGS, PeopleAtWork


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    with scratch_database(tmp_path) as made:
        yield made


@pytest.fixture
def raw(database: Database) -> Iterator[Raw]:
    """From before there are keys."""
    with Raw(database) as watching:
        yield watching


@pytest.fixture
def vault(database: Database, raw: Raw, tmp_path: Path) -> Vault:
    made = Vault(database, tmp_path, settings=SETTINGS)
    made.init()
    return made


def product_text() -> Iterator[bytes]:
    """Words that stand in our own code may stand in a log line or a table's definition."""
    for package in ("databunker", "gdpr", "vault", "audit"):
        yield from (path.read_bytes() for path in (PROJECT / package).rglob("*.py"))


def log_of(server: Server) -> tuple[str, bytes]:
    return "our log", server.log.read_bytes()


def assert_nothing_in_clear(needles: Needles, sources: Iterator[tuple[str, bytes]] | list[tuple[str, bytes]]) -> None:
    found = {name: leaks(needles, data)[:10] for name, data in sources}
    assert {name: leaked for name, leaked in found.items() if leaked} == {}


@pytest.mark.slow
def test_no_value_and_no_secret_is_in_clear_anywhere(vault: Vault, raw: Raw) -> None:
    with Server(vault) as server:
        known = [*product_text(), log_of(server)[1], *(data for name, data in raw.sources() if name != "log of writes")]
        people = PeopleAtWork(server)
        people.work()
        work_at_pages(people)
        needles = Needles(people.needles(), known=known)
        # What is left out are words such as "light" and "Administrator", never the identity or secret of anybody.
        assert len(needles.left_out) < len(people.values) / 100, needles.left_out
        assert all(len(value) < 14 for value in needles.left_out), needles.left_out
        assert len(people.values) > 8_000
        assert len(people.secrets) > 1_000
        assert len(people.backup) > 1_000_000
        sources = [*raw.sources(), log_of(server), ("backup", people.backup)]
        assert {name for name, _ in sources} == {"rows", "our log", "backup", *FILES[KIND]}
        assert_nothing_in_clear(needles, sources)
    # What the end of the processes wrote, and what SQLite moved from its log to its file.
    assert_nothing_in_clear(needles, [*raw.sources(), log_of(server)])
    every = {route for route, _ in routes()}
    assert people.routes == every, "each route must have its chance to leak: call it in people_at_work.py"


FILES = {
    "sqlite": {".sqlite3", ".sqlite3-shm", ".sqlite3-wal", ".lock"},
    "postgresql": {"heap", "log of writes"},
    "mysql": {"tables", "log of writes"},
}


@pytest.mark.parametrize("spelling", [str, lambda canary: canary.encode().hex(), lambda canary: f"x{canary}y"])
def test_a_value_in_clear_would_be_found(vault: Vault, raw: Raw, spelling: object) -> None:
    """In every source that is looked through: rows, files and the log of writes."""
    canary = f"canary {uuid.uuid4().hex[:20]}"
    assert callable(spelling)
    vault.database.rows(f"UPDATE access_tenant SET name = '{spelling(canary)}'")
    found = {name for name, data in raw.sources() if leaks(Needles([canary]), data)}
    assert {"rows", *FILES[KIND] & {".sqlite3", "heap", "tables", "log of writes"}} - found == set()


def test_keys_are_in_no_file_and_no_log(vault: Vault, raw: Raw) -> None:
    """Neither the master key nor what it wraps, in the database, its files or beside them."""
    with Server(vault) as server:
        caller = server.client()
        caller.create(login="ann")
        caller.close()
        unwrapped = vault.script(
            "from databunker.crypto import store\n"
            "print(*(key.secret.hex() for key in store.current_keyring()._by_id.values()))"
        ).split()
        assert len(unwrapped) == 6
        needles = Needles([vault.master_key, *map(bytes.fromhex, [vault.master_key, *unwrapped])])
        assert_nothing_in_clear(needles, [*raw.sources(), log_of(server)])
    for path in vault.folder.rglob("*"):
        if path.is_file():
            assert leaks(needles, path.read_bytes()) == [], path
