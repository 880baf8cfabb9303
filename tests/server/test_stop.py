"""Stopped politely the server loses no request; killed it loses nothing that it has acknowledged."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.load import Writers
from tests.support.vaults import Server, Vault, new_vault

pytestmark = pytest.mark.slow

WRITERS = 12


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as made:
        yield made


def wait_for_some(writers: Writers, number: int) -> None:
    deadline = time.monotonic() + 20
    while len(writers.stored) < number:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def assert_stored(vault: Vault, people: dict[str, str]) -> None:
    """Everybody is there, under the token that was told."""
    with Server(vault) as server:
        caller = server.client()
        for login, token in people.items():
            answer = caller.call("GET", f"/v1/user/login/{login}")
            assert answer.json() == {"status": "ok", "token": token, "data": {"login": login}}
        caller.close()


def test_a_polite_stop_under_load_loses_no_request(vault: Vault) -> None:
    """Who was served before the stop gets a whole answer to what was sent already, and nothing is done unanswered."""
    with Server(vault) as server:
        with Writers(server, WRITERS) as writers:
            wait_for_some(writers, 100)
            began = time.monotonic()
            assert server.stop() == 0
            assert time.monotonic() - began < 10
        text = server.log_text()
    assert writers.unanswered == []
    assert writers.refused == []
    assert vault.database.counts()["vault_record"] == len(writers.stored)
    assert "Traceback" not in text
    assert '"ERROR"' not in text
    assert_stored(vault, dict(list(writers.stored.items())[-50:]))


def test_new_workers_under_load_lose_no_request(vault: Vault) -> None:
    """SIGHUP: how an operator brings in a new certificate or code without a pause."""
    with Server(vault) as server:
        with Writers(server, WRITERS) as writers:
            wait_for_some(writers, 50)
            before = set(server.processes())
            assert server.process is not None
            server.process.send_signal(signal.SIGHUP)
            deadline = time.monotonic() + 20
            while len(set(server.processes()) & before) > 1:
                assert time.monotonic() < deadline
                time.sleep(0.05)
            wait_for_some(writers, len(writers.stored) + 50)
        assert writers.unanswered == []
        assert writers.refused == []
        assert vault.database.counts()["vault_record"] == len(writers.stored)


def test_what_was_acknowledged_survives_a_kill(vault: Vault) -> None:
    """All processes at once, in the middle of their work, three times."""
    people: dict[str, str] = {}
    for life in range(3):
        with Server(vault) as server, Writers(server, WRITERS, name=f"life{life}") as writers:
            wait_for_some(writers, 40)
            server.kill()
        people |= writers.stored
    counts = vault.database.counts()
    # A request may have been stored and its answer lost: at most one for each writer and life.
    assert len(people) <= counts["vault_record"] <= len(people) + 3 * WRITERS
    assert counts["vault_identity"] == counts["vault_record"], "nothing is half stored"
    # Each creation with its event, besides those of the root token and of the two legal bases of a new vault.
    assert counts["audit_event"] == counts["vault_record"] + 3
    assert_stored(vault, people)


def test_a_worker_that_dies_is_replaced(vault: Vault) -> None:
    with Server(vault) as server:
        caller = server.client()
        token = caller.create(login="ann")
        caller.close()
        assert server.process is not None
        for pid in set(server.processes()) - {server.process.pid}:
            os.kill(pid, signal.SIGKILL)
        assert caller.call("GET", f"/v1/user/token/{token}").status == 200
        caller.close()
