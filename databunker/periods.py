"""Periods of time as callers write them: `10d 5h 2m 30s`, where `m` is a month of 31 days, as the peer has it."""

from __future__ import annotations

import re

from databunker.errors import BadRequest

__all__ = ["end_of_period", "seconds_of"]

HOUR = 60 * 60
DAY = 24 * HOUR
MONTH = 31 * DAY
_UNITS = {"s": 1, "h": HOUR, "d": DAY, "m": MONTH, "y": 366 * DAY}
_PART = re.compile(r"\s*([0-9]{1,12})\s*([smhdy])", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,12}", re.ASCII)


def seconds_of(text: str) -> int:
    """The length of a period in seconds; a bare number is seconds.

    Raises:
        BadRequest: it can't be read.
    """
    text = text.strip().lower()
    if _NUMBER.fullmatch(text):
        return int(text)
    total, position = 0, 0
    while position < len(text):
        part = _PART.match(text, position)
        if part is None:
            break
        total += int(part[1]) * _UNITS[part[2]]
        position = part.end()
    if not text or position < len(text):
        raise BadRequest("bad expiration: write it as 10d, 5h 30s or a Unix time")
    return total


def end_of_period(value: object, *, now: int, cap: int) -> int:
    """When a period ends, in Unix seconds: at most `cap` seconds from `now`; None means the cap.

    A bare number larger than `now` is the Unix time itself.

    Raises:
        BadRequest: it can't be read, or is negative.
    """
    latest = now + cap
    if value is None or value == "":
        return latest
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise BadRequest("bad expiration: write it as 10d, 5h 30s or a Unix time")
    seconds = seconds_of(str(value))
    return min(seconds if seconds > now else now + seconds, latest)
