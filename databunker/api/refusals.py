"""Refused calls leave an event too, in a transaction of their own."""

from __future__ import annotations

import threading
import time

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor, ActorKind
from databunker.errors import Unavailable, VaultError

from . import metrics

__all__ = ["record"]

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


def record(actor: Actor, event_type: EventType, refusal: VaultError) -> None:
    """Write the event of a refusal; none where the database is what failed."""
    if isinstance(refusal, Unavailable):
        return
    bucket = _buckets.get(actor.kind)
    if bucket is not None and not bucket.take():
        metrics.UNRECORDED.inc()
        return
    trail.refuse(actor, event_type, refusal)
