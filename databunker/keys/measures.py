"""Ages and numbers of keys for whoever watches the vault: cheap to ask for, and nothing secret."""

from __future__ import annotations

import threading
import time
from typing import NamedTuple

from databunker.crypto import store
from databunker.crypto.holdings import count_outdated
from databunker.crypto.keyring import Purpose
from databunker.ids import unix_now

from .holdings import under

__all__ = ["Measures", "key_measures"]

# Counting reads whole tables: no more than a hundredth of the time goes into it.
_SHARE = 100
_LEAST_SECONDS = 60.0


class Measures(NamedTuple):
    """For each purpose how many keys live and how old the newest is, in seconds.

    `outdated` counts the rows that `manage.py keys rewrap` has yet to do, as of a while ago; None: not counted yet.
    """

    numbers: dict[Purpose, int]
    ages: dict[Purpose, int]
    outdated: int | None


_counting = threading.Lock()
_counted: tuple[float, int, int] | None = None


def key_measures() -> Measures:
    """
    Raises:
        DatabaseError: the database can't be asked.
    """
    numbers: dict[Purpose, int] = {}
    ages: dict[Purpose, int] = {}
    now, newest = unix_now(), 0
    for key in store.stored_keys():
        numbers[key.purpose] = numbers.get(key.purpose, 0) + 1
        ages[key.purpose] = max(now - key.created, 0)
        newest = key.id if key.purpose is Purpose.DATA else newest
    return Measures(numbers, ages, _outdated(newest) if numbers.get(Purpose.DATA, 0) > 1 else 0)


def _outdated(newest: int) -> int | None:
    """Counted anew now and then; while another thread counts, what was counted before."""
    global _counted  # noqa: PLW0603 - one a process
    known = _counted if _counted and _counted[1] == newest else None
    if known and time.monotonic() < known[0]:
        return known[2]
    if not _counting.acquire(blocking=False):
        return known[2] if known else None
    try:
        began = time.monotonic()
        found = sum(count_outdated(holding, newest) for holding in under(Purpose.DATA))
        ended = time.monotonic()
        _counted = (ended + max(_SHARE * (ended - began), _LEAST_SECONDS), newest, found)
    finally:
        _counting.release()
    return found
