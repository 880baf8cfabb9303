"""What the races share: callers that begin at the same moment, and a look at what they left behind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest
from django.db import connections

from databunker import refusals
from databunker.ids import new_token
from tests.support.clients import at_once
from tests.support.vaults import Server, new_vault, serving

__all__ = ["THREADS", "racing", "two_hosts"]

T = TypeVar("T")
U = TypeVar("U")

THREADS = 12


def racing(act: Callable[[T], U], given: Sequence[T]) -> list[U]:
    """What `act` returns for each, all begun at once by threads of this process, each on a connection of its own."""

    def run(one: T) -> U:
        try:
            return act(one)
        finally:
            connections.close_all()

    return at_once(run, given)


@pytest.fixture(autouse=True)
def _full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test may be refused as often as a new process may."""
    monkeypatch.setattr(refusals, "_buckets", {kind: refusals._Bucket() for kind in refusals._buckets})


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Two processes, one server for all races of a test process.

    It turns nobody away: a hundred who come at once are on a slow machine more than may wait.
    """
    settings = {"AUTH_CACHE_SECONDS": "1", "BUNKER_QUEUE_MILLISECONDS": "0"}
    with serving(tmp_path_factory.mktemp("server"), **settings) as running:
        yield running


@pytest.fixture
def unique() -> str:
    """A word that no other test has stored."""
    return new_token().hex


def statuses(answers: Sequence[Any]) -> list[int]:
    return sorted(answer.status if hasattr(answer, "status") else answer.status_code for answer in answers)


@contextmanager
def two_hosts(folder: Path, *, cache_seconds: int) -> Iterator[tuple[Server, Server]]:
    """Two hosts over one vault, each of whose processes reads the keyring at a moment of its own."""
    settings = {"KEYRING_CACHE_SECONDS": str(cache_seconds), "AUTH_CACHE_SECONDS": "60"}
    with new_vault(folder, **settings) as vault, Server(vault) as one, Server(vault, BUNKER_WORKERS="1") as other:
        yield one, other
