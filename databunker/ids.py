"""Identifiers: time-ordered ones for rows that are appended, random ones for everything handed out."""

from __future__ import annotations

import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = [
    "CLOCK_SKEW_SECONDS",
    "clock_at",
    "event_millis",
    "first_event_id",
    "new_event_id",
    "new_token",
    "parse_token",
    "unix_micros",
    "unix_now",
]

# Clocks of hosts may differ by so much. What lives for a short time and would end later than it could have, by more
# than this, was made by a clock that was ahead and has been set back since.
CLOCK_SKEW_SECONDS = 60


_shift = 0  # in seconds: how far this process's clock is put forward or back


def unix_now() -> int:
    """Whole seconds since the Unix epoch."""
    return int(time.time()) + _shift


def unix_micros() -> int:
    """Microseconds since the Unix epoch."""
    return time.time_ns() // 1000 + _shift * 1_000_000


@contextmanager
def clock_at(seconds: int) -> Iterator[None]:
    """What is done within happens at this time (Unix seconds) and after, for the whole process.

    It is how a demonstration gets a past (`databunker.management.demo`); nothing that serves anybody calls it.
    """
    global _shift  # noqa: PLW0603 - there is one clock
    before = _shift
    _shift = seconds - int(time.time())
    try:
        yield
    finally:
        _shift = before


def new_event_id(micros: int) -> uuid.UUID:
    """A UUIDv7 (RFC 9562, method 3): sorts by `micros`, so that appended rows touch one end of an index."""
    millis, rest = divmod(micros, 1000)
    sub_millis = rest * 4096 // 1000
    random_bits = int.from_bytes(os.urandom(8), "big") >> 2
    return uuid.UUID(int=millis << 80 | 0x7 << 76 | sub_millis << 64 | 0b10 << 62 | random_bits)


def first_event_id(millis: int) -> uuid.UUID:
    """The least id, in order, that an event of this millisecond can have."""
    return uuid.UUID(int=max(millis, 0) << 80 | 0x7 << 76 | 0b10 << 62)


def event_millis(event_id: uuid.UUID) -> int:
    """When an event was, by its id: Unix time in milliseconds."""
    return event_id.int >> 80


def new_token() -> uuid.UUID:
    """A random UUIDv4 from the system's CSPRNG: 122 bits that nobody guesses."""
    return uuid.uuid4()


def parse_token(text: str) -> uuid.UUID | None:
    """The UUID written as `text` in its canonical 36-character form (any case), or None."""
    return uuid.UUID(hex=text) if _CANONICAL.fullmatch(text) else None


# uuid.UUID also takes braces, URNs and bare hex, which are no tokens.
_CANONICAL = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII | re.IGNORECASE)
