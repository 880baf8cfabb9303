"""Another index key in the place of the one that identities are hashed under, without a moment in between.

A process uses its copy of the keyring for KEYRING_CACHE_SECONDS. So the way has steps, each recorded in the keys' own
rows, and after each one everybody must have moved on before the next (docs/decisions/0007):

    announce   the new key is NEXT: identities are written under both keys, and looked up by the old one.
    switch     the new one is LIVE, the old one PREVIOUS: written under both, looked up by the new one.
    settle     the old one is IDLE: written under the new one alone.
    destroy    the old one is deleted.

A step is taken from the very state that the caller has seen, under the lock of the keyring, or not at all.
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from databunker.errors import Conflict
from databunker.ids import unix_now

from . import changing
from .errors import NoKeyringError
from .keyring import KeyState, Purpose
from .models import WrappedKey

__all__ = ["IndexKeys", "Phase", "announce", "begin_epoch", "destroy", "index_keys", "settle", "switch"]


class Phase(enum.StrEnum):
    STEADY = "steady"
    ANNOUNCED = "announced"
    SWITCHED = "switched"
    SETTLED = "settled"


_PHASES = {KeyState.NEXT: Phase.ANNOUNCED, KeyState.PREVIOUS: Phase.SWITCHED, KeyState.IDLE: Phase.SETTLED}


class IndexKeys(NamedTuple):
    """Where the way is, since when (Unix seconds), and the numbers of the keys; `other` only on the way."""

    phase: Phase
    since: int
    epoch: int
    live: int
    other: int | None = None

    @property
    def second(self) -> int:
        """`other`, which there is on the way."""
        assert self.other is not None  # noqa: S101 - the phase says so
        return self.other


def index_keys() -> IndexKeys:
    """As the database has them now, whatever this process remembers.

    Raises:
        NoKeyringError: there is none, nor any other key.
        Conflict: they are as no step leaves them.
    """
    rows = WrappedKey.objects.filter(purpose=Purpose.INDEX.value).order_by("id")
    found = list(rows.values_list("id", "state", "epoch", "since"))
    live = [number for number, state, _, _ in found if state == KeyState.LIVE]
    others = [(number, KeyState(state)) for number, state, _, _ in found if state != KeyState.LIVE]
    if not found and not WrappedKey.objects.exists():
        raise NoKeyringError
    if len(live) != 1 or len(others) > 1:
        raise Conflict("the index keys were changed in the database: their states fit no step of a reindexing")
    epoch, since = max(epoch for _, _, epoch, _ in found), max(since for _, _, _, since in found)
    if not others:
        return IndexKeys(Phase.STEADY, since, epoch, live[0])
    other, state = others[0]
    return IndexKeys(_PHASES[state], since, epoch, live[0], other)


def _require(seen: IndexKeys, phase: Phase) -> None:
    """
    Raises:
        Conflict: somebody else has taken a step since.
    """
    changing.lock_keyring()
    if seen.phase is not phase or index_keys() != seen:
        raise Conflict("another reindexing has taken this step")


def announce(seen: IndexKeys) -> int:
    """Make a new index key, in the caller's transaction; its number."""
    _require(seen, Phase.STEADY)
    return changing.add_key(Purpose.INDEX, state=KeyState.NEXT, epoch=seen.epoch + 1).id


def begin_epoch(seen: IndexKeys) -> None:
    """Have every record's identities written anew under the same key, in the caller's transaction."""
    _require(seen, Phase.STEADY)
    _set(seen.live, epoch=seen.epoch + 1)


def switch(seen: IndexKeys) -> None:
    """In the caller's transaction."""
    _require(seen, Phase.ANNOUNCED)
    _set(seen.live, state=KeyState.PREVIOUS.value)
    _set(seen.second, state=KeyState.LIVE.value)


def settle(seen: IndexKeys) -> None:
    """In the caller's transaction."""
    _require(seen, Phase.SWITCHED)
    _set(seen.second, state=KeyState.IDLE.value)
    _set(seen.live, epoch=seen.epoch + 1)


def destroy(seen: IndexKeys) -> None:
    """In the caller's transaction."""
    _require(seen, Phase.SETTLED)
    changing.destroy_key(seen.second)


def _set(number: int, **columns: object) -> None:
    WrappedKey.objects.filter(id=number).update(since=unix_now(), **columns)
