"""The database goes away for a while: calls are refused as such, and all is well when it is back."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from tests.support.clients import Answer, Client, at_once
from tests.support.databases import KIND, Database, server_statement, url_of
from tests.support.vaults import Server, new_vault


@contextmanager
def outage(database: Database) -> Iterator[None]:
    """Nobody reaches the database: connections are cut and new ones refused, or all of its file is locked."""
    begin, end = {"postgresql": (_cut_postgresql, _allow_postgresql), "mysql": (_cut_mysql, _allow_mysql)}.get(
        KIND, (None, None)
    )
    if begin is None or end is None:
        with closing(sqlite3.connect(database.path, isolation_level=None)) as holder:
            holder.execute("BEGIN EXCLUSIVE")
            yield
        return
    begin(database.name)
    try:
        yield
    finally:
        end(database.name)


def _cut_postgresql(name: str) -> None:
    server_statement(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    server_statement(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def _allow_postgresql(name: str) -> None:
    server_statement(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")


def _cut_mysql(name: str) -> None:
    """MySQL can't close a database: its tables are put where the product doesn't find them, and connections cut."""
    server_statement(f"CREATE DATABASE {name}_away")
    for table in Database(url_of(name)).tables():
        server_statement(f"RENAME TABLE {name}.{table} TO {name}_away.{table}")
    for (process,) in server_statement(f"SELECT id FROM information_schema.processlist WHERE db = '{name}'"):
        server_statement(f"KILL {process}")


def _allow_mysql(name: str) -> None:
    for table in Database(url_of(f"{name}_away")).tables():
        server_statement(f"RENAME TABLE {name}_away.{table} TO {name}.{table}")
    server_statement(f"DROP DATABASE {name}_away")


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    settings = {
        "SQLITE_BUSY_SECONDS": "1",
        "KEYRING_CACHE_SECONDS": "1",
        "AUTH_CACHE_SECONDS": "1",
        "DATABASE_ANSWER_SECONDS": "2",
    }
    with new_vault(tmp_path, **settings) as vault, Server(vault) as running:
        yield running


UNAVAILABLE = (503, {"status": "error", "message": "service unavailable"})


def calls(token: str) -> list[tuple[str, str, object]]:
    """Every one leaves an event, and so has to write."""
    return [
        ("GET", f"/v1/user/token/{token}", None),
        ("GET", "/v1/user/login/ann", None),
        ("POST", "/v1/user", {"login": f"new{time.monotonic_ns()}"}),
        ("PUT", f"/v1/user/token/{token}", {"at": time.monotonic_ns()}),
        ("GET", f"/v1/audit/list/{token}", None),
        ("POST", "/v1/users/bulk", {"records": [{"login": f"bulk{time.monotonic_ns()}"}]}),
    ]


def attempt(caller: Client, call: tuple[str, str, object]) -> tuple[str, str, Answer]:
    method, path, body = call
    return method, path, caller.call(method, path, body)


def test_an_outage_is_said_and_survived(server: Server) -> None:
    callers = [server.client() for _ in range(6)]
    token = callers[0].create(login="ann")
    for caller in callers:
        assert caller.call("GET", f"/v1/user/token/{token}").status == 200
    before = server.vault.database.counts()
    for seconds in (0.0, 1.5):
        with outage(server.vault.database):
            # The second time keyring and grants that the workers know are older than they trust them.
            time.sleep(seconds)
            for method, path, answer in at_once(
                lambda pair: attempt(*pair), list(zip(callers, calls(token), strict=True))
            ):
                assert (answer.status, answer.json()) == UNAVAILABLE, (method, path)
            if KIND == "postgresql":  # a locked file can still be read, and MySQL without tables answers
                assert callers[0].call("GET", "/status").status == 500
        assert server.vault.database.counts() == before
        for caller in callers:
            assert caller.call("GET", "/status").body == b"OK"
            assert caller.call("GET", f"/v1/user/token/{token}").json()["data"]["login"] == "ann"
        for call in calls(token):
            assert callers[0].call(*call).status == 200
        before = server.vault.database.counts()
    for caller in callers:
        caller.close()
    text = server.log_text()
    assert "a dependency is down" in text
    for secret in (server.vault.database.url, server.vault.database.name, token, server.vault.root_token, "ann"):
        assert secret not in text


@contextmanager
def locked_trail(database: Database) -> Iterator[None]:
    """Somebody holds the table of events for himself: as does a migration that takes long, or a forgotten session."""
    lock = {"postgresql": "LOCK TABLE audit_event IN ACCESS EXCLUSIVE MODE", "mysql": "LOCK TABLES audit_event WRITE"}
    with closing(database.connect()) as holder, closing(holder.cursor()) as cursor:
        cursor.execute("BEGIN")
        cursor.execute(lock[KIND])
        yield


@pytest.mark.skipif(KIND == "sqlite", reason="no table is locked alone: see the test above")
def test_while_the_trail_is_locked_nothing_is_answered_and_nothing_is_done_by_half(server: Server) -> None:
    """No audit, no answer, and in time: whoever waits for the lock gives up after DATABASE_ANSWER_SECONDS.

    The database's own process may get the lock later, and do what nobody waits for any more: with its event.
    """
    with ExitStack() as stack:
        callers = [stack.enter_context(closing(server.client())) for _ in range(6)]
        token = callers[0].create(login="ann")
        with locked_trail(server.vault.database):
            began = time.monotonic()
            for method, path, answer in at_once(
                lambda pair: attempt(*pair), list(zip(callers, calls(token), strict=True))
            ):
                assert (answer.status, answer.json()) == UNAVAILABLE, (method, path)
            assert time.monotonic() - began < 12
            assert callers[0].call("GET", "/status").body == b"OK"
        checked = server.vault.manage("verify")
        assert checked.code == 0, checked.out
        for call in calls(token):
            assert callers[0].call(*call).status == 200
