"""Limits that every call meets, at no round trip for most: a process takes several tries at once.

What a process has taken is counted already, so all processes together never grant more than the limit and what each
of them had in hand when a period began (docs/decisions/0010-leases-of-limits.md). A refusal is remembered until it may
be tried again, so that who calls too often costs no round trip either.
"""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from databunker.errors import Throttled

from . import throttle
from .throttle import SECOND, Limit

__all__ = ["LEASE_SECONDS", "forget_leases", "lease_size", "take_leased"]

LEASE_SECONDS = 5.0
_SHARE = 20
_MOST = 100
_SIZE = 10_000


class _Lease(NamedTuple):
    """So many tries until `ends` (by the monotonic clock); none: refused until then."""

    left: int
    ends: float


_Key = tuple[Limit, int, bytes, bytes]
_lock = threading.Lock()
_leases: dict[_Key, _Lease] = {}


def lease_size(limit: Limit) -> int:
    """How many tries a process takes at once: a twentieth of the limit, at least one and at most a hundred."""
    return min(max(limit.tries // _SHARE, 1), _MOST)


def take_leased(limit: Limit, *, tenant: int, what: bytes, who: bytes) -> None:
    """Count one try of `what` by `who`.

    Raises:
        Throttled: none is left; it says after how many seconds there is one.
    """
    key = (limit, tenant, what, who)
    if not _take_in_hand(key):
        _keep(key, _fetch(limit, tenant=tenant, what=what, who=who))


def _take_in_hand(key: _Key) -> bool:
    """Whether this process had one.

    Raises:
        Throttled: it has been told that there is none yet.
    """
    now = time.monotonic()
    with _lock:
        lease = _leases.get(key)
        if lease is None or now >= lease.ends:
            return False
        if lease.left == _REFUSED:
            raise Throttled(retry_after=-int(-(lease.ends - now)))
        if not lease.left:
            return False
        _leases[key] = lease._replace(left=lease.left - 1)
        return True


_REFUSED = -1


def _fetch(limit: Limit, *, tenant: int, what: bytes, who: bytes) -> _Lease:
    """A new lease; near the end of the limit of one try alone."""
    now = time.monotonic()
    wanted = lease_size(limit)
    missing = throttle.missing_for(limit, tenant=tenant, what=what, who=who, tries=wanted)
    if missing and wanted > 1:
        wanted = 1
        missing = throttle.missing_for(limit, tenant=tenant, what=what, who=who)
    return _Lease(_REFUSED, now + missing / SECOND) if missing else _Lease(wanted, now + LEASE_SECONDS)


def _keep(key: _Key, lease: _Lease) -> None:
    """
    Raises:
        Throttled: it is a refusal.
    """
    refused = lease.left == _REFUSED
    with _lock:
        if len(_leases) >= _SIZE:
            _leases.clear()
        # One try of it is what this call is about. What another thread has fetched meanwhile is used up as well, also
        # where this one got none.
        had = _leases.get(key)
        more = had.left if had and had.left > 0 and time.monotonic() < had.ends else 0
        if refused and had and more:
            _leases[key] = had._replace(left=more - 1)
            return
        _leases[key] = lease if refused else lease._replace(left=lease.left - 1 + more)
    if refused:
        raise Throttled(retry_after=max(-int(-(lease.ends - time.monotonic())), 1))


def forget_leases() -> None:
    """What is in hand is given up; refusals are asked for again."""
    with _lock:
        _leases.clear()
