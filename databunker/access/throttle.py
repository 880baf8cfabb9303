"""How often something may be tried: counted where every process and host counts (see `throttle_stores`).

Each limit is a bucket that holds a number of tries and fills again evenly over its period (the generic cell rate
algorithm): one number a row says when it will be full. A row holds a keyed hash of whom it is about, be it
somebody or nobody, and is of no more use once its time has passed.
"""

from __future__ import annotations

import re
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

from databunker import periods
from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.keyring import Key
from databunker.errors import BadRequest, Throttled

from . import throttle_stores
from .models import Throttle

__all__ = ["SECOND", "Limit", "address_key", "forgive", "missing_for", "parse_limit", "purge_throttles", "take"]

SECOND = 1_000_000
_LIMIT = re.compile(r"([1-9][0-9]{0,5})/(.+)", re.ASCII)
# A client is given a whole network of IPv6 addresses, so that one of them says nothing.
_IPV6_PREFIX_BYTES = 8


class Limit(NamedTuple):
    """So many `tries` in so many `seconds`, all of them at once if need be."""

    tries: int
    seconds: int

    @property
    def interval(self) -> int:
        """Microseconds until one more try is granted."""
        return self.seconds * SECOND // self.tries

    @property
    def tolerance(self) -> int:
        """How far ahead of now a bucket may be filled for one more try to be granted."""
        return self.tolerance_for(1)

    def tolerance_for(self, tries: int) -> int:
        """The same for several at once."""
        return self.interval * (self.tries - tries)

    def __str__(self) -> str:
        return f"{self.tries}/{self.seconds}s"


def parse_limit(text: str) -> Limit:
    """A limit as settings have it: `5/1h`, `20/600s`.

    Raises:
        ValueError: it can't be read.
    """
    found = _LIMIT.fullmatch(text.strip())
    try:
        seconds = periods.seconds_of(found[2]) if found else 0
    except BadRequest:
        seconds = 0
    if found is None or seconds < 1:
        raise ValueError("write it as a number of tries, a slash and a period, such as 5/1h or 20/600s")
    return Limit(int(found[1]), seconds)


def address_key(address: str) -> bytes:
    """What stands for a client's address: itself, or the network of 64 bits that an IPv6 address is of."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address.encode()
    if not isinstance(parsed, IPv6Address):
        return parsed.packed
    return parsed.ipv4_mapped.packed if parsed.ipv4_mapped else parsed.packed[:_IPV6_PREFIX_BYTES]


def take(limit: Limit, *, tenant: int, what: bytes, who: bytes, tries: int = 1) -> None:
    """Count one try of `what` by or on `who`, or several at once.

    Raises:
        Throttled: they aren't left; it says after how many seconds they are.
    """
    missing = missing_for(limit, tenant=tenant, what=what, who=who, tries=tries)
    if missing:
        raise Throttled(retry_after=-(-missing // SECOND))


def missing_for(limit: Limit, *, tenant: int, what: bytes, who: bytes, tries: int = 1) -> int:
    """0 where the tries were counted, else in how many microseconds they could be."""
    # While one index key replaces another every process counts under those that it knows: none grants anything anew.
    keys = store.current_keyring().index_keys
    return max(
        throttle_stores.current().claim(limit, tries, tenant=tenant, digest=_digest(key, tenant, what, who))
        for key in keys
    )


def forgive(*, tenant: int, what: bytes, who: bytes) -> None:
    """As if `who` had not tried."""
    for key in store.current_keyring().index_keys:
        throttle_stores.current().forgive(tenant=tenant, digest=_digest(key, tenant, what, who))


def _digest(index_key: Key, tenant: int, what: bytes, who: bytes) -> bytes:
    key = hashing.derive_key(index_key.secret, b"throttle", tenant.to_bytes(4, "big"))
    return hashing.digest(pack([what, who]), key=key)


def purge_throttles(now: int) -> int:
    """Delete the rows that hold nobody back any more; how many. `now` is in Unix seconds."""
    return Throttle.objects.filter(full_at__lt=now * SECOND).delete()[0]
