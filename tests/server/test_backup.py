"""`GET /v1/sys/backup` from a real server: a stream that holds nobody up and leaves nothing behind."""

from __future__ import annotations

import http.client
import io
import json
import secrets
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from databunker.backup import verify_backup
from tests.support.databases import KIND
from tests.support.vaults import Server, new_vault

PEOPLE = 4_000
PATH = "/v1/sys/backup"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One process, and a vault that is larger than the buffers between two sockets."""
    with new_vault(tmp_path_factory.mktemp("server")) as vault, Server(vault, BUNKER_WORKERS="1") as running:
        with closing(running.client()) as caller:
            for start in range(0, PEOPLE, 1_000):
                people = [
                    {"login": f"ann{number}", "filler": secrets.token_hex(2_000)}
                    for number in range(start, start + 1_000)
                ]
                assert caller.call("POST", "/v1/users/bulk", {"records": people}).json()["created"] == 1_000
        yield running


def test_a_vault_of_thousands_is_streamed_while_it_serves(server: Server, settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = server.vault.master_key
    with closing(server.client()) as caller:
        answer = caller.call("GET", PATH)
        assert answer.status == 200
        assert answer.headers["transfer-encoding"] == "chunked"
        assert answer.headers["content-disposition"].startswith("attachment")
        assert "content-length" not in answer.headers
        assert caller.call("GET", "/v1/user/login/ann7").status == 200, "the connection can be used again"
    verified = verify_backup(io.BytesIO(answer.body))
    assert verified.rows["vault_record"] == verified.rows["vault_identity"] == PEOPLE
    assert len(answer.body) > 8_000_000


def test_a_slow_client_holds_up_nobody_and_one_that_is_gone_leaves_nothing(server: Server) -> None:
    with closing(_reader(server)) as slow:
        assert slow.recv(1_000).startswith(b"HTTP/1.1 200")
        with closing(server.client()) as caller:
            for number in range(20):
                assert caller.call("POST", "/v1/user", {"login": secrets.token_hex(8)}).status == 200
                assert caller.call("GET", f"/v1/user/login/ann{number}").status == 200
            assert caller.call("GET", PATH).status == 409
    deadline = time.monotonic() + 20
    with closing(server.client()) as caller:
        while (answer := caller.call("GET", PATH)).status == 409:
            assert time.monotonic() < deadline, "the thread of the client that is gone is not free"
            time.sleep(0.1)
    assert answer.status == 200
    assert _open_transactions(server) == 0
    assert "Traceback" not in server.log_text()


def test_a_client_of_http_1_0_is_told_the_end_by_the_file_itself(server: Server, settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = server.vault.master_key
    with closing(_reader(server, version="1.0")) as connection:
        whole = b"".join(iter(lambda: connection.recv(1 << 20), b""))
    body = whole.partition(b"\r\n\r\n")[2]
    assert verify_backup(io.BytesIO(body)).rows["vault_identity"] >= PEOPLE


def _reader(server: Server, *, version: str = "1.1") -> socket.socket:
    """Has asked for a backup and takes as much of it as it wants."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.port))
    head = f"GET {PATH} HTTP/{version}\r\nHost: x\r\nX-Bunker-Token: {server.vault.root_token}\r\n\r\n"
    connection.sendall(head.encode())
    return connection


def _open_transactions(server: Server) -> int:
    """Of readers: their connections are closed with them."""
    database = server.vault.database
    if KIND == "postgresql":
        return int(
            database.value(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%%'",
                (),
            )
        )
    if KIND == "mysql":
        return int(
            database.value(
                "SELECT count(*) FROM information_schema.innodb_trx t JOIN information_schema.processlist p "
                "ON p.id = t.trx_mysql_thread_id WHERE p.db = database() AND p.id <> connection_id()"
            )
        )
    # A reader would keep the log from being emptied.
    busy, _, _ = database.rows("PRAGMA wal_checkpoint(TRUNCATE)")[0]
    return int(busy)


def test_an_answer_that_breaks_off_is_logged_with_its_request(tmp_path: Path) -> None:
    """And the client can tell: the last chunk never comes."""
    request_id = "5a2f8f0e-1d8b-4a52-8f3e-0b1c2d3e4f50"
    with new_vault(tmp_path) as vault, Server(vault, BUNKER_WORKERS="1") as server:
        # A table that is gone: found out in the middle of the stream.
        vault.database.rows("ALTER TABLE vault_session RENAME TO vault_session_away")
        with closing(server.client()) as caller, pytest.raises((http.client.HTTPException, OSError)):
            caller.call("GET", PATH, x_request_id=request_id)
        (line,) = [line for line in server.log_text().splitlines() if "broke off" in line]
    assert json.loads(line)["request_id"] == request_id
    assert json.loads(line)["level"] == "ERROR"
