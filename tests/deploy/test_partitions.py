"""deploy/postgresql/partition.sql: the same vault, in partitions."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.databases import KIND, Database, scratch_database
from tests.support.vaults import Server, Vault, new_vault

from .conftest import DEPLOY

pytestmark = [pytest.mark.slow, pytest.mark.skipif(KIND != "postgresql", reason="PostgreSQL's partitions")]
TABLES = (
    "audit_event",
    "vault_record",
    "vault_record_version",
    "vault_app_record",
    "vault_app_version",
    "vault_identity",
)


def partition(database: Database) -> None:
    file = DEPLOY / "postgresql" / "partition.sql"
    command = ["psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", "--single-transaction", f"--file={file}"]
    done = subprocess.run([*command, database.url], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as made:
        yield made


def indexes(database: Database) -> set[tuple[str, str]]:
    rows = database.rows("SELECT tablename, indexname FROM pg_indexes WHERE tablename = ANY(%s)", [list(TABLES)])
    return {(str(table), str(index)) for table, index in rows}


def test_a_vault_in_partitions_is_the_same_vault(vault: Vault) -> None:
    with Server(vault) as server, closing(server.client()) as caller:
        before = {f"ann{number}": caller.create(login=f"ann{number}", note="x") for number in range(40)}
        caller.call("PUT", "/v1/user/login/ann0", {"note": "y"})
        caller.call("POST", f"/v1/userapp/token/{before['ann0']}/shop", {"a": 1})
    named = indexes(vault.database)
    partition(vault.database)
    assert indexes(vault.database) == named, "migrations will look for them"
    parts = dict(
        vault.database.rows(
            "SELECT inhparent::regclass::text, count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid "
            "WHERE c.relkind = 'r' GROUP BY 1"
        )
    )
    # What was there, the next twelve months, and what comes after them.
    assert parts == dict.fromkeys(TABLES, 16) | {"audit_event": 14}
    with Server(vault) as server, closing(server.client()) as caller:
        for login, token in before.items():
            answer = caller.call("GET", f"/v1/user/login/{login}").json()
            assert (answer["token"], answer["data"]["note"]) == (token, "y" if login == "ann0" else "x")
        after = caller.create(login="bo", email="bo@example.com")
        assert caller.call("POST", "/v1/user", {"login": "bo"}).status == 409, "identities are still unique"
        assert caller.call("PUT", f"/v1/user/token/{after}", {"email": "b@example.com"}).status == 200
        assert caller.call("POST", f"/v1/userapp/token/{after}/shop", {"a": 1}).status == 200
        assert caller.call("DELETE", f"/v1/user/token/{before['ann1']}").status == 200
        assert caller.call("GET", "/v1/user/login/ann1").status == 404
        assert caller.call("GET", f"/v1/audit/list/{after}").json()["total"] >= 3
    for command in (["verify"], ["audit", "seal"], ["audit", "verify"]):
        done = vault.manage(*command)
        assert done.code == 0, done.out + done.err
    assert (
        vault.database.value("SELECT count(*) FROM (SELECT id FROM vault_record GROUP BY id HAVING count(*) > 1) x")
        == 0
    )


def test_a_person_is_looked_for_in_one_partition(vault: Vault) -> None:
    partition(vault.database)
    plan = vault.database.rows(
        "EXPLAIN SELECT * FROM vault_identity WHERE tenant = 1 AND digest = '\\x00' AND slot = '\\x00'"
    )
    assert sum("vault_identity_" in line for (line,) in plan) <= 2, plan
    months = vault.database.rows("EXPLAIN SELECT * FROM audit_event WHERE id = '01a2229d-5865-7841-9d5c-c80992f7db53'")
    assert sum("audit_event_" in line for (line,) in months) <= 2, months
    vault.database.rows("SELECT databunker_audit_months(24)")
    assert vault.database.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'audit_event'::regclass") == 26


def test_a_backup_of_partitions_is_restored_without_them(vault: Vault, tmp_path: Path) -> None:
    """The way back that docs/scaling.md names."""
    with Server(vault) as server, closing(server.client()) as caller:
        token = caller.create(login="ann", note="x")
    partition(vault.database)
    assert vault.manage("backup", str(tmp_path / "vault.backup")).code == 0
    (tmp_path / "back").mkdir()
    with scratch_database(tmp_path / "back") as database:
        back = Vault(database, tmp_path / "back", vault.master_key, {}, vault.root_token)
        assert back.manage("migrate").code == 0
        done = back.manage("restore", str(tmp_path / "vault.backup"))
        assert done.code == 0, done.out + done.err
        assert (
            database.value("SELECT count(*) FROM pg_inherits JOIN pg_class c ON c.oid = inhrelid AND relkind = 'r'")
            == 0
        )
        done = back.manage("erasures", "replay", "--none", "--reason", "nobody was forgotten")
        assert done.code == 0, done.out + done.err
        with Server(back) as server, closing(server.client()) as caller:
            assert caller.call("GET", "/v1/user/login/ann").json()["token"] == token
