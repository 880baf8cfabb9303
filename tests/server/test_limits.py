"""Several servers on one vault: limits, revocations, scopes and unlocks hold over all of their processes."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from databunker.access.leases import LEASE_SECONDS, lease_size
from databunker.access.throttle import Limit
from tests.support.clients import Client, at_once
from tests.support.redis import RedisServer
from tests.support.vaults import Server, serving

# Servers of their own, and caches that have to run out.
pytestmark = pytest.mark.slow

CONNECTIONS = 8
CACHE_SECONDS = 1


@pytest.fixture(scope="module", params=["database", "redis"])
def store(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What counts for all processes: THROTTLE_STORE."""
    if request.param == "database":
        yield ""
        return
    redis = RedisServer(tmp_path_factory.mktemp("redis"))
    redis.start()
    yield redis.url
    redis.stop()


@pytest.fixture(scope="module")
def servers(store: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    """Two ports of two processes each."""
    settings = {"AUTH_CACHE_SECONDS": str(CACHE_SECONDS), "LIST_USERS": "unlock", "THROTTLE_STORE": store}
    with serving(tmp_path_factory.mktemp("limits"), **settings) as first, Server(first.vault, **settings) as second:
        yield first, second


@pytest.fixture(scope="module")
def person(servers: tuple[Server, Server]) -> str:
    with closing(servers[0].client()) as root:
        return root.create(login="ann", email="ann@example.com")


def number_of(server: Server, label: str) -> str:
    (number,) = re.findall(
        rf"^ +(\d+) +admin .* {label}$", server.vault.manage("access_token", "list").out, re.MULTILINE
    )
    return str(number)


def callers(stack: ExitStack, servers: Sequence[Server], token: str) -> list[Client]:
    """Connections to all of the servers, spread over their processes."""
    return [stack.enter_context(closing(server.client(token))) for server in servers for _ in range(CONNECTIONS)]


@pytest.mark.parametrize("limit", [Limit(10, 3600), Limit(100, 3600)])
def test_all_processes_together_grant_no_more_than_the_limit(
    servers: tuple[Server, Server], person: str, limit: Limit
) -> None:
    token = servers[0].vault.new_token(f"limited{limit.tries}", "--limit", str(limit))

    def call(caller: Client) -> list[int]:
        return [caller.call("GET", f"/v1/user/token/{person}").status for _ in range(limit.tries // 4)]

    with ExitStack() as stack:
        clients, began = callers(stack, servers, token), time.monotonic()
        statuses = [status for found in at_once(call, clients) for status in found]
        periods = 1 + int((time.monotonic() - began) / LEASE_SECONDS)
    # A busy machine turns some away unread, which grants them nothing.
    assert {200, 429} <= set(statuses) <= {200, 429, 503}
    granted = statuses.count(200)
    # What four processes had in hand when a period began is all that may be missing.
    assert limit.tries - periods * 4 * (lease_size(limit) - 1) <= granted <= limit.tries
    counted_here = servers[0].vault.database.counts()["access_throttle"] > 0
    assert counted_here is ("redis" not in servers[0].vault.settings["THROTTLE_STORE"])


def until_all(statuses: set[int], clients: list[Client], path: str, **headers: str) -> float:
    """How many seconds it takes until every caller gets one of these."""
    began = time.monotonic()
    while {client.call("GET", path, **headers).status for client in clients} != statuses:
        assert time.monotonic() - began < CACHE_SECONDS + 2
    return time.monotonic() - began


def test_scope_limit_and_revocation_take_effect_everywhere(servers: tuple[Server, Server], person: str) -> None:
    vault, path = servers[0].vault, f"/v1/user/token/{person}"
    token = vault.new_token("changing")
    number = number_of(servers[0], "changing")

    def change(*arguments: str) -> None:
        done = vault.manage("access_token", *arguments)
        assert done.code == 0, done.err

    with ExitStack() as stack:
        clients = callers(stack, servers, token)
        assert until_all({200}, clients, path) < CACHE_SECONDS
        change("narrow", number, "--purpose", "support")
        until_all({403}, clients, path)
        assert {client.call("GET", path, X_Bunker_Purpose="support").status for client in clients} == {200}
        change("narrow", number, "--allow", "metrics.read")
        until_all({403}, clients, path, X_Bunker_Purpose="support")
        change("narrow", number)
        until_all({200}, clients, path)
        change("narrow", number, "--limit", "1/1h")
        until_all({429}, clients, path)
        change("narrow", number)
        until_all({200}, clients, path)
        change("revoke", number)
        until_all({403}, clients, path)


def test_an_unlock_opens_on_every_server_to_its_own_token_alone(servers: tuple[Server, Server]) -> None:
    first, second = servers
    mine, others = first.vault.new_token("mine"), first.vault.new_token("others")
    with ExitStack() as stack:
        asker = stack.enter_context(closing(first.client(mine)))
        unlock = asker.call("POST", "/v1/users/unlock").json()["unlockuuid"]
        for server, token, status in (
            (second, mine, 200),
            (first, mine, 200),
            (second, others, 403),
            (second, None, 403),
        ):
            caller = stack.enter_context(closing(server.client(token)))
            assert caller.call("POST", "/v1/users", {"unlockuuid": unlock}).status == status


def test_refused_calls_are_counted_over_all_processes(store: str, tmp_path: Path) -> None:
    # All vaults of the tests have the same keys, and so the same names of what is counted: another database of Redis.
    limits = {"FAILED_CALLS_PER_ADDRESS": "20/1h", "THROTTLE_STORE": store.replace("/0", "/1")}
    with serving(tmp_path, **limits) as server, ExitStack() as stack:
        strangers = [stack.enter_context(closing(server.client("wrong"))) for _ in range(CONNECTIONS)]
        statuses = [stranger.call("GET", "/v1/audit/admin").status for _ in range(5) for stranger in strangers]
        assert (statuses.count(403), statuses.count(429)) == (20, 20)
        root = stack.enter_context(closing(server.client()))
        assert root.call("GET", "/v1/audit/admin").status == 200
