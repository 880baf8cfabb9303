"""Where tries are counted: the database and Redis count alike, and one stands in for the other."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databunker.access import throttle, throttle_stores
from databunker.access.checks import check_login
from databunker.access.models import Throttle
from databunker.access.throttle import Limit
from databunker.access.throttle_stores import DatabaseStore, RedisStore, Store
from databunker.errors import Throttled
from tests.support.redis import RedisServer


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.stop()


@pytest.fixture(params=["database", "redis"])
def store(request: pytest.FixtureRequest, vault: None) -> Store:
    if request.param == "database":
        return DatabaseStore()
    server: RedisServer = request.getfixturevalue("running")
    return RedisStore(server.url, instead=DatabaseStore())


_digests = iter(range(1, 2**32))


def new_digest() -> bytes:
    return next(_digests).to_bytes(16, "big")


def test_both_grant_the_limit_and_say_how_much_is_missing(store: Store) -> None:
    limit, digest = Limit(5, 3600), new_digest()
    assert [store.claim(limit, 1, tenant=1, digest=digest) for _ in range(5)] == [0] * 5
    missing = store.claim(limit, 1, tenant=1, digest=digest)
    assert 0.99 * limit.interval < missing <= limit.interval
    assert store.claim(limit, 1, tenant=1, digest=new_digest()) == 0


def test_both_grant_several_at_once_or_none(store: Store) -> None:
    limit, digest = Limit(5, 3600), new_digest()
    assert store.claim(limit, 4, tenant=1, digest=digest) == 0
    assert store.claim(limit, 2, tenant=1, digest=digest) > 0
    assert store.claim(limit, 1, tenant=1, digest=digest) == 0
    assert store.claim(limit, 1, tenant=1, digest=digest) > 0


def test_both_give_back_in_time(store: Store) -> None:
    limit, digest = Limit(100, 1), new_digest()
    assert store.claim(limit, 100, tenant=1, digest=digest) == 0
    waits = 0
    while store.claim(limit, 1, tenant=1, digest=digest):
        waits += 1
    assert waits >= 1


def test_redis_grants_no_more_to_many_at_once(running: RedisServer, vault: None) -> None:
    store, limit, digest = RedisStore(running.url, instead=DatabaseStore()), Limit(50, 3600), new_digest()
    granted: list[int] = []

    def take() -> None:
        granted.append(sum(store.claim(limit, 1, tenant=1, digest=digest) == 0 for _ in range(20)))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(granted) == 50


def test_the_setting_chooses_redis(running: RedisServer, vault: None, settings: Any) -> None:
    settings.THROTTLE_STORE = running.url
    limit = Limit(1, 3600)
    throttle.take(limit, tenant=1, what=b"chosen", who=b"ann")
    with pytest.raises(Throttled):
        throttle.take(limit, tenant=1, what=b"chosen", who=b"ann")
    assert not Throttle.objects.exists()


def test_while_redis_is_away_the_database_counts(
    tmp_path: Path, vault: None, settings: Any, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = RedisServer(tmp_path)
    server.start()
    settings.THROTTLE_STORE = server.url
    limit = Limit(1, 3600)

    def granted() -> bool:
        try:
            throttle.take(limit, tenant=1, what=b"away", who=b"ann")
        except Throttled:
            return False
        return True

    try:
        assert [granted(), granted()] == [True, False]
        server.stop()
        with caplog.at_level(logging.WARNING):
            assert [granted(), granted(), granted()] == [True, False, False], "a bucket of its own, and then it holds"
        assert [record.getMessage() for record in caplog.records] == [
            "the throttle store is away: the database counts"
        ], "told once, not for each call"
        assert "s3cret" not in caplog.text
        server.start()
        assert not granted(), "the database goes on for a while"
        monkeypatch.setattr(throttle_stores.current(), "_again_at", 0.0)
        assert granted(), "Redis has come back empty"
        assert not granted()
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("THROTTLE_STORE", "memcached://x", True),
        ("THROTTLE_STORE", "rediss://x:6380/1", False),
        ("TOKEN_CALLS", "often", True),
        ("TOKEN_CALLS", "", False),
        ("FAILED_CALLS_PER_ADDRESS", "5", True),
        ("ANONYMOUS_CALLS_PER_ADDRESS", "5/1h", False),
    ],
)
def test_settings_that_can_not_be_used_are_told_at_start(settings: Any, name: str, value: str, wrong: bool) -> None:
    setattr(settings, name, value)
    assert any(name in problem.msg for problem in check_login()) is wrong
