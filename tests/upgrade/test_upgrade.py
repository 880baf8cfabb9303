"""A database of the release before is taken up by this one, and this one's by the next, while both serve."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.databases import KIND, Database, scratch_database
from tests.support.load import Writers
from tests.support.vaults import Server, Vault

from .dumps import RELEASE, folder, restore

pytestmark = pytest.mark.slow

NEXT = {"DJANGO_SETTINGS_MODULE": "tests.upgrade.following.settings"}
STALE = "0001_initial was changed since: before the first release run `make upgrade-dumps`; after it, add a migration"


@dataclass
class Old:
    """A vault as the release before has left it, and what its callers read."""

    vault: Vault
    answers: dict[str, Any]
    events: list[str]
    rows: dict[str, int]


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    known = json.loads((folder() / f"{KIND}.json").read_text())
    with scratch_database(tmp_path) as database:
        restore(database, (folder() / f"{KIND}.sql").read_text())
        # Its outbox has waited since the dump was made, and there is no scheduler.
        settings = {"READY_OUTBOX_LAG_SECONDS": "0"}
        vault = Vault(database, tmp_path, known["master_key"], settings, known["root_token"])
        yield Old(vault, known["answers"], known["events"], known["rows"])


def shape(database: Database) -> set[tuple[str, str]]:
    """Every column of every table."""
    if database.kind == "sqlite":
        return {
            (table, column)
            for table in database.tables()
            for (column,) in database.rows("SELECT name FROM pragma_table_info(?)", [table])
        }
    name = "current_schema()" if database.kind == "postgresql" else "database()"
    found = database.rows(f"SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = {name}")
    return {(str(table), str(column)) for table, column in found}


def assert_all_is_there(old: Old, server: Server) -> None:
    with closing(server.client()) as caller:
        for path, expected in old.answers.items():
            answer = caller.call("GET", path)
            assert [answer.status, answer.json()] == expected, path
        for event in old.events:
            assert caller.call("GET", f"/v1/audit/get/{event}").status == 200


def assert_sound(vault: Vault) -> None:
    for command in (["verify"], ["audit", "seal"], ["audit", "verify"]):
        done = vault.manage(*command)
        assert done.code == 0, done.out + done.err


def test_the_release_before_is_known() -> None:
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    releases = re.findall(r"^## (?:\[)?(\d+\.\d+\.\d+)", changelog, re.MULTILINE)
    assert not releases or releases[0] == RELEASE, "a release was made: `make upgrade-dumps` with it"


def test_a_database_of_the_release_before_is_taken_up_whole(old: Old, tmp_path: Path) -> None:
    vault = old.vault
    done = vault.manage("init")
    assert (done.code, done.out.strip()) == (0, "The vault is up to date."), done.err
    (tmp_path / "new").mkdir()
    with scratch_database(tmp_path / "new") as new:
        fresh = Vault(new, tmp_path / "new")
        fresh.init()
        assert shape(vault.database) == shape(new), STALE
    found = {table: vault.database.value(f"SELECT count(*) FROM {table}") for table in old.rows}
    assert found == old.rows
    with Server(vault) as server:
        assert_all_is_there(old, server)
    assert_sound(vault)


def ready(server: Server) -> bool:
    with closing(server.client(token="")) as caller:
        return caller.call("GET", "/readyz").body == b"ok"


def test_the_next_release_migrates_while_this_one_serves(old: Old) -> None:
    """As docs/upgrading.md does it on several hosts: migrate, then one server after the other; and back again."""
    vault = old.vault
    assert vault.manage("init").code == 0
    with Server(vault) as before, Writers(before, 4) as writers:
        wait_for(writers, 20)
        done = vault.manage("init", **NEXT)
        assert done.code == 0, done.err
        assert ("vault_record", "rating") in shape(vault.database)
        assert ready(before), "what is not of its own it need not know"
        with Server(vault, **NEXT) as after, Writers(after, 4, name="next") as newer:
            assert ready(after)
            assert_all_is_there(old, after)
            wait_for(newer, 20)
            wait_for(writers, len(writers.stored) + 20)
        with Server(vault) as again:  # the way back: this release starts over what the next one has added
            assert ready(again)
            assert_all_is_there(old, again)
        after_migration = dict(newer.stored)
        assert (newer.unanswered, newer.refused) == ([], [])
        # And back, with this one still serving: nothing that it needs was taken away.
        assert vault.manage("migrate", "vault", "0001", **NEXT).code == 0
        assert ("vault_record", "rating") not in shape(vault.database)
        wait_for(writers, len(writers.stored) + 20)
    assert (writers.unanswered, writers.refused) == ([], [])
    with Server(vault) as server:
        assert_all_is_there(old, server)
        with closing(server.client()) as caller:
            for login, token in (writers.stored | after_migration).items():
                assert caller.call("GET", f"/v1/user/login/{login}").json()["token"] == token
    assert_sound(vault)


def wait_for(writers: Writers, number: int) -> None:
    deadline = time.monotonic() + 60
    while len(writers.stored) < number:
        assert time.monotonic() < deadline, (writers.unanswered, writers.refused)
        time.sleep(0.02)


def test_a_server_of_the_next_release_waits_for_its_migration(old: Old) -> None:
    vault = old.vault
    assert vault.manage("init").code == 0
    server = Server(vault, **NEXT)
    server.start()
    assert server.process is not None
    assert server.process.wait(30) != 0
    assert "1 database migrations are missing: run `manage.py init`" in server.log_text()
    server.kill()
