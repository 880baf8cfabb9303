"""Refusals, of the API's calls and of pages alike: what a failure amounts to, and the event that it leaves."""

from __future__ import annotations

import threading
import time

from django.core.exceptions import SuspiciousOperation
from django.db import Error as DatabaseError
from django.http.request import RawPostDataException, UnreadablePostError
from prometheus_client import Counter

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor, ActorKind
from databunker.crypto.errors import CryptoError
from databunker.errors import BadRequest, Throttled, Unavailable, VaultError

__all__ = ["UNRECORDED", "as_refusal", "record"]

UNRECORDED = Counter(
    "databunker_refusals_unrecorded", "Refusals of strangers and of people that were counted but not audited."
)

# Callers without a valid token, and people with their own, could fill the trail at the speed of the network. Beyond
# this rate a process counts them (databunker_refusals_unrecorded_total) and writes no event for each.
_BURST = 100
_PER_SECOND = 10.0


class _Bucket:
    """A token bucket, shared by the threads of a process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._level = float(_BURST)
        self._at = time.monotonic()

    def take(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._level = min(_BURST, self._level + (now - self._at) * _PER_SECOND)
            self._at = now
            if self._level < 1:
                return False
            self._level -= 1
            return True


_buckets = {ActorKind.ANYONE: _Bucket(), ActorKind.PERSON: _Bucket()}
# Whoever calls too often, be it an application, comes as fast.
_of_throttled = _Bucket()


def as_refusal(error: Exception) -> VaultError | None:
    """The refusal that `error` amounts to, or None for a fault of ours."""
    if isinstance(error, CryptoError):
        return None
    if isinstance(error, VaultError):
        return error
    if isinstance(error, DatabaseError):
        return Unavailable()
    if isinstance(error, UnreadablePostError | RawPostDataException):
        return BadRequest("the request body could not be read")
    if isinstance(error, SuspiciousOperation):
        return BadRequest("the request is malformed")
    return None


def record(actor: Actor, event_type: EventType, refusal: VaultError) -> None:
    """Write the event of a refusal, in a transaction of its own; none where the database is what failed."""
    if isinstance(refusal, Unavailable):
        return
    bucket = _of_throttled if isinstance(refusal, Throttled) else _buckets.get(actor.kind)
    if bucket is not None and not bucket.take():
        UNRECORDED.inc()
        return
    trail.refuse(actor, event_type, refusal)
