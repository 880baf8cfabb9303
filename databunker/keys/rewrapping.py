"""Put everything under the newest data key: in batches, under traffic, on as many hosts as like to help."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

from django.conf import settings

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.crypto import store
from databunker.crypto.holdings import Holding, count_outdated, rewrap_some
from databunker.crypto.keyring import Purpose
from databunker.db.statements import retrying
from databunker.ids import unix_now
from databunker.priority import rest

from .events import KEYS_REWRAPPED, REWRAP_STARTED
from .holdings import under

__all__ = ["WAITING", "Rewrapped", "Tell", "rewrap_all"]

BATCH = 500
_PAUSE = 0.5
# The step in which nothing is done but time passes.
WAITING = "waiting for other processes to use the new key"

# Called with what is being put under the new key, how far that is, and how far it goes.
Tell = Callable[[str, int, int], None]


class Rewrapped(NamedTuple):
    """How many rows this run has put under the newest key, and which rows don't open: table and key."""

    rows: int
    damaged: list[str]


def rewrap_all(actor: Actor, *, tell: Tell) -> Rewrapped:
    """Put all that is sealed under an older data key under the newest one, until nothing is left.

    Each batch is a transaction of its own: a run that is killed has lost nothing, and the next one goes on. Rows that
    don't open were damaged before; they are left as they are.

    Raises:
        AccessDenied: the actor may not.
        KeyringError, MasterKeyError: the keyring can't be opened.
    """
    require(actor, Permission.KEY_MANAGE)
    newest = store.reload_keyring().newest(Purpose.DATA).id
    trail.record(actor, REWRAP_STARTED, detail={"key": newest})
    _wait_for_others(newest, tell)
    work = [_Work(holding, tell) for holding in under(Purpose.DATA)]
    for one in work:
        one.run()
    done = sum(one.done for one in work)
    damaged = [name for one in work for name in one.damaged]
    trail.record(actor, KEYS_REWRAPPED, detail={"key": newest, "rows": done, "damaged": len(damaged)})
    return Rewrapped(done, damaged)


def _wait_for_others(newest: int, tell: Tell) -> None:
    """Until every process has had to read the keyring again: what they seal before that would be left behind."""
    created = next(key.created for key in store.stored_keys() if key.id == newest)
    total = settings.KEYRING_CACHE_SECONDS + 1
    # Never longer than that, whatever another host's clock has said.
    end = time.monotonic() + min(created + total - unix_now(), total)
    while (left := end - time.monotonic()) > 0:
        tell(WAITING, int(total - left), total)
        time.sleep(min(left, _PAUSE))


class _Work:
    """One holding, gone through from its beginning again and again until nothing is left."""

    def __init__(self, holding: Holding, tell: Tell) -> None:
        self.holding = holding
        self.done = 0
        self.damaged: set[str] = set()
        self._tell = tell

    def run(self) -> None:
        total = left = self._left()
        while left > len(self.damaged):
            before = self.done
            self._pass(total)
            left = self._left()
            if self.done == before and left > len(self.damaged):
                time.sleep(_PAUSE)  # others hold what is left, or are at work on it
        if total:
            self._tell(self._title, total, total)

    def _left(self) -> int:
        return count_outdated(self.holding, store.current_keyring().newest(self.holding.purpose).id)

    @property
    def _title(self) -> str:
        return next(iter(self.holding.columns.values()))

    def _pass(self, total: int) -> None:
        self.damaged = set()
        after = None
        while step := retrying(partial(rewrap_some, self.holding, after=after, limit=BATCH)):
            after = step.last
            self.done += step.done
            self.damaged |= {_named(self.holding, key) for key in step.damaged}
            self._tell(self._title, min(self.done, total), total)
            rest()


def _named(holding: Holding, key: Any) -> str:
    """Table and key of a row; where that is a hash, in hex."""
    parts = key if isinstance(key, tuple) else (key,)
    shown = [part.hex() if isinstance(part, bytes) else str(part) for part in parts]
    return " ".join([holding.model._meta.db_table, *shown])  # noqa: SLF001 - Django's interface
