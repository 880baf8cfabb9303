"""A revoked access token is refused by every process within AUTH_CACHE_SECONDS."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing

import pytest

from tests.support.clients import Client
from tests.support.vaults import Server


def codes(callers: list[Client]) -> Iterator[int]:
    return (caller.call("GET", "/v1/audit/admin?limit=1").status for caller in callers)


@pytest.mark.slow
def test_a_revoked_token_is_refused_by_all_processes(server: Server) -> None:
    """AUTH_CACHE_SECONDS is 1 here; connections are spread over both processes."""
    token = server.vault.new_token("stolen")
    (number,) = re.findall(
        r"^ +(\d+) +admin +valid .* stolen$", server.vault.manage("access_token", "list").out, re.MULTILINE
    )
    with ExitStack() as stack:
        callers = [stack.enter_context(closing(server.client(token))) for _ in range(16)]
        for _ in range(3):
            assert set(codes(callers)) == {200}
        done = server.vault.manage("access_token", "revoke", number)
        revoked = time.monotonic()
        assert done.code == 0, done.err
        while set(codes(callers)) != {403}:
            assert time.monotonic() - revoked < 3
        assert set(codes(callers)) == {403}
        with closing(server.client()) as root:
            assert root.call("GET", "/v1/audit/admin?limit=1").status == 200


@pytest.mark.slow
def test_a_new_token_is_taken_at_once(server: Server) -> None:
    with ExitStack() as stack:
        token = server.vault.new_token("new")
        callers = [stack.enter_context(closing(server.client(token))) for _ in range(8)]
        assert set(codes(callers)) == {200}
