"""Where tries are counted, so that all processes and hosts count together: in the database, or in Redis.

While Redis (THROTTLE_STORE) can't be reached the database counts, in buckets that are full at first: limits go on to
hold, and at most twice as much is granted around the change.
"""

from __future__ import annotations

import logging
import time
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

from django.conf import settings
from django.db.models import BigIntegerField, F, Value
from django.db.models.functions import Greatest

from databunker.db.statements import retrying
from databunker.ids import CLOCK_SKEW_SECONDS, unix_micros

from .models import Throttle

if TYPE_CHECKING:
    from .throttle import Limit

__all__ = ["REDIS_SCHEMES", "Store", "current"]

REDIS_SCHEMES = ("redis://", "rediss://", "unix://")
_ATTEMPTS = 10
_SECOND = 1_000_000
_NOW_AND_THEN = _SECOND
_RETRY_SECONDS = 10.0
_TIMEOUT_SECONDS = 0.5
_log = logging.getLogger(__name__)


class Store(Protocol):
    def claim(self, limit: Limit, tries: int, *, tenant: int, digest: bytes) -> int:
        """0 where the tries were counted, else in how many microseconds they could be: all of them, or none."""

    def forgive(self, *, tenant: int, digest: bytes) -> None:
        """As if nothing had been counted."""


class DatabaseStore:
    def claim(self, limit: Limit, tries: int, *, tenant: int, digest: bytes) -> int:
        # MariaDB undoes some of those who come for a new bucket at the same moment.
        return retrying(lambda: self._claim(limit, tries, tenant=tenant, digest=digest))

    @staticmethod
    def _claim(limit: Limit, tries: int, *, tenant: int, digest: bytes) -> int:
        tolerance, more = limit.tolerance_for(tries), limit.interval * tries
        for _ in range(_ATTEMPTS):
            now = unix_micros()
            found = Throttle.objects.filter(tenant=tenant, digest=digest)
            # One statement checks and counts: of many at the same moment none is granted too much.
            if found.filter(full_at__lte=now + tolerance).update(
                full_at=Greatest(F("full_at"), Value(now, output_field=BigIntegerField())) + more
            ):
                return 0
            full_at = found.values_list("full_at", flat=True).first()
            if full_at is None:
                Throttle.objects.bulk_create([Throttle(tenant=tenant, digest=digest, full_at=0)], ignore_conflicts=True)
            else:
                # By the clock as it is now: others may have counted with a later one while this waited for its turn.
                now = unix_micros()
                missing: int = full_at - tolerance - now
                if full_at - now > (limit.seconds + CLOCK_SKEW_SECONDS) * _SECOND:
                    # Later than its whole period: counted by a clock that was set back since; it would lock out.
                    found.filter(full_at=full_at).update(full_at=now)
                elif missing > 0:
                    return missing
        return _NOW_AND_THEN  # others were faster, again and again

    def forgive(self, *, tenant: int, digest: bytes) -> None:
        Throttle.objects.filter(tenant=tenant, digest=digest).delete()


# By Redis' own clock, the same for all. Numbers are below 2^53, which Lua's hold exactly.
_CLAIM = """
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now)
local missing = full_at - tonumber(ARGV[2]) - now
if missing > 0 then return missing end
full_at = full_at + tonumber(ARGV[1])
redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
return 0
"""


class RedisStore:
    """A bucket is one key, named by the keyed hash, that ends by itself when it is full again."""

    def __init__(self, url: str, *, instead: Store) -> None:
        import redis  # noqa: PLC0415 - only where it is used

        client = redis.Redis.from_url(url, socket_timeout=_TIMEOUT_SECONDS, socket_connect_timeout=_TIMEOUT_SECONDS)
        self._client = client
        self._claim: Any = client.register_script(_CLAIM)
        self._lost: type[Exception] = redis.RedisError
        self._instead = instead
        self._again_at = 0.0

    def claim(self, limit: Limit, tries: int, *, tenant: int, digest: bytes) -> int:
        if time.monotonic() >= self._again_at:
            try:
                arguments = [limit.interval * tries, limit.tolerance_for(tries)]
                return int(self._claim(keys=[self._name(digest)], args=arguments))
            except self._lost as error:
                # Its text may name the server, and so a password.
                _log.warning("the throttle store is away: the database counts", extra={"error": type(error).__name__})
                self._again_at = time.monotonic() + _RETRY_SECONDS
        return self._instead.claim(limit, tries, tenant=tenant, digest=digest)

    def forgive(self, *, tenant: int, digest: bytes) -> None:
        self._instead.forgive(tenant=tenant, digest=digest)  # it may have counted meanwhile
        try:
            self._client.delete(self._name(digest))
        except self._lost as error:
            _log.warning("the throttle store is away: it forgives nothing", extra={"error": type(error).__name__})

    @staticmethod
    def _name(digest: bytes) -> str:
        return f"databunker:throttle:{digest.hex()}"


_database = DatabaseStore()


def current() -> Store:
    """The store that the settings name."""
    return _redis(settings.THROTTLE_STORE) if settings.THROTTLE_STORE else _database


@lru_cache(maxsize=4)
def _redis(url: str) -> Store:
    return RedisStore(url, instead=_database)
