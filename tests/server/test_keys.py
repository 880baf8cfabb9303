"""Two hosts with four workers over one database: what was changed at one is in force everywhere within the documented time."""

from __future__ import annotations

import json
import os
import re
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.support.clients import Client
from tests.support.transit import TOKEN, Transit
from tests.support.vaults import Server, Vault, new_vault

KEYRING_SECONDS = 2
AUTH_SECONDS = 1
SLACK = 3  # of a busy machine


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path, KEYRING_CACHE_SECONDS=str(KEYRING_SECONDS), AUTH_CACHE_SECONDS=str(AUTH_SECONDS)) as made:
        yield made


@pytest.fixture
def hosts(vault: Vault) -> Iterator[list[Server]]:
    with Server(vault) as one, Server(vault) as other:
        yield [one, other]


def everywhere(stack: ExitStack, hosts: list[Server], token: str | None = None) -> list[Client]:
    """Enough connections that each worker of both hosts has some."""
    return [stack.enter_context(closing(host.client(token))) for host in hosts for _ in range(12)]


def within(seconds: float, true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def keys_used(vault: Vault, logins: list[str]) -> set[int]:
    """By the records that were created last."""
    rows = vault.database.rows(f"SELECT key_id FROM vault_record ORDER BY id DESC LIMIT {len(logins)}")
    return {int(key_id) for (key_id,) in rows}


@pytest.mark.slow
def test_a_new_key_is_used_and_a_revoked_token_refused_by_every_process(vault: Vault, hosts: list[Server]) -> None:
    token = vault.new_token("stolen")
    with ExitStack() as stack:
        callers, thieves = everywhere(stack, hosts), everywhere(stack, hosts, token)
        known = {f"old{number}": caller.create(login=f"old{number}") for number, caller in enumerate(callers)}
        assert {thief.call("GET", "/v1/user/login/old0").status for thief in thieves} == {200}

        assert vault.manage("keys", "rotate").code == 0
        rotated = time.monotonic()
        number = 0

        def all_use_it() -> bool:
            nonlocal number
            logins = []
            for caller in callers:
                number += 1
                logins.append(f"new{number}")
                known[logins[-1]] = caller.create(login=logins[-1])
            # Whatever key a process seals under, every other one reads it at once.
            for caller in callers:
                login = logins[number % len(logins)]
                assert caller.call("GET", f"/v1/user/login/{login}").json()["token"] == known[login]
            return keys_used(vault, logins) == {7}

        within(KEYRING_SECONDS + SLACK + rotated - time.monotonic(), all_use_it)

        (row,) = re.findall(r"^ +(\d+) +admin +.*stolen$", vault.manage("access_token", "list").out, re.MULTILINE)
        assert vault.manage("access_token", "revoke", row).code == 0
        within(
            AUTH_SECONDS + SLACK, lambda: {one.call("GET", "/v1/user/login/old0").status for one in thieves} == {403}
        )
        for login, person in known.items():
            assert callers[0].call("GET", f"/v1/user/login/{login}").json()["token"] == person


@pytest.mark.slow
def test_the_master_key_changes_while_hosts_are_restarted_one_after_the_other(vault: Vault) -> None:
    """Hosts that know only the old one go on; hosts that know both serve before and after; the old one is then no use."""
    old, new = vault.master_key, secrets.token_hex(32)
    both = {"DATABUNKER_MASTERKEY": new, "DATABUNKER_MASTERKEY_OLD": old}
    with Server(vault) as untouched, Server(vault, **both) as restarted, ExitStack() as stack:
        callers = everywhere(stack, [untouched, restarted])
        token = callers[0].create(login="ann")
        assert {caller.call("GET", f"/v1/user/token/{token}").status for caller in callers} == {200}

        done = vault.manage("keys", "rewrap-keyring", **both)
        assert (done.code, "6 keys are under the new master key" in done.out) == (0, True), done.err
        within(
            KEYRING_SECONDS + 2 * SLACK,
            lambda: (
                all(caller.call("GET", f"/v1/user/token/{token}").status == 200 for caller in callers)
                and "under another master key since this process started" in untouched.log_text()
            ),
        )
        for number, caller in enumerate(callers):
            caller.create(login=f"after{number}")
        assert "another master key" not in restarted.log_text()

        # A host that is not restarted stops when it would have to know a key that it can't open.
        assert vault.manage("keys", "rotate", **both).code == 0
        time.sleep(KEYRING_SECONDS)
        within(SLACK, lambda: {one.call("GET", f"/v1/user/token/{token}").status for one in callers[:12]} == {503})
        assert {one.call("GET", f"/v1/user/token/{token}").status for one in callers[12:]} == {200}
    for line in untouched.log_text().splitlines():
        if line.startswith("{"):
            text = json.loads(line)["message"]
            assert old not in text
            assert new not in text

    late = Server(vault)
    late.start()
    assert late.process is not None
    assert late.process.wait(30) != 0
    assert "rewrap-keyring` has put it under since" in late.log_text()
    late.kill()
    with Server(vault, DATABUNKER_MASTERKEY=new) as server, closing(server.client()) as caller:
        assert caller.call("GET", f"/v1/user/token/{token}").status == 200


@pytest.mark.slow
def test_a_key_management_service_is_asked_when_a_server_starts_and_not_missed_afterwards(vault: Vault) -> None:
    with ExitStack() as stack:
        with Transit() as service:
            given = {name: str(value) for name, value in service.settings().items()}
            given |= {
                "DATABUNKER_MASTERKEY": "",
                "DATABUNKER_MASTERKEY_TRANSIT": service.encrypt(bytes.fromhex(vault.master_key)),
                "OUTGOING_ALLOW_PRIVATE": "127.0.0.1",
            }
            server = stack.enter_context(Server(vault, **given))
            caller = stack.enter_context(closing(server.client()))
            token = caller.create(login="ann")
        assert [asked.path for asked in service.received] == ["/v1/transit/decrypt/databunker"]
        # It is away now. Workers that die are replaced, and the keyring is read again and again.
        assert server.process is not None
        workers = set(server.processes()) - {server.process.pid}
        for worker in workers:
            os.kill(worker, signal.SIGKILL)
        caller.close()
        within(20, lambda: len(set(server.processes()) - workers) == 3)
        time.sleep(KEYRING_SECONDS)
        for _ in range(3):
            assert caller.call("GET", f"/v1/user/token/{token}").status == 200
            caller.close()
        text = server.log_text()
    for secret in (TOKEN, vault.master_key, given["DATABUNKER_MASTERKEY_TRANSIT"]):
        assert secret not in text

    late = Server(vault, **given)
    late.start()
    assert late.process is not None
    assert late.process.wait(30) != 0
    assert "databunker: Transit (TRANSIT_URL) did not decrypt the master key: ConnectionRefusedError" in late.log_text()
    late.kill()
