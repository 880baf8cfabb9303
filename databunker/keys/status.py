"""What keys there are, how old they are, and what is still under which."""

from __future__ import annotations

from typing import NamedTuple

from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.crypto import ageing, index_keys, store
from databunker.crypto.holdings import count_by_key
from databunker.crypto.index_keys import Phase
from databunker.crypto.keyring import KeyState, Purpose
from databunker.crypto.store import StoredKey
from databunker.ids import unix_now
from vault.actions import count_behind

from .holdings import HOLDINGS
from .measures import key_measures
from .recovery import has_shares

__all__ = ["PURPOSES", "KeyStatus", "Overview", "Status", "key_overview", "key_status"]

# What each purpose means to an operator.
PURPOSES = {
    Purpose.DATA: "wraps record keys, and what belongs to nobody",
    Purpose.INDEX: "hashes identities, so that people are found",
    Purpose.REFERENCE: "hashes tokens; never replaced",
    Purpose.AUDIT: "authenticates events",
    Purpose.SIGNING: "signs the heads of the trail",
    Purpose.DETAIL: "encrypts what events say of nobody",
    Purpose.RECOVERY: "lets recovery shares open the keyring",
}


class KeyStatus(NamedTuple):
    """One key. `sealed` counts what is under it, by what that is; None for keys that nothing is sealed under.

    `state` says of an index key how far `keys reindex` is with it, and is `live` of all others.
    """

    id: int
    purpose: Purpose
    created: int
    age: int
    newest: bool
    overdue: bool
    sealed: dict[str, int] | None
    state: KeyState


class Status(NamedTuple):
    """All keys, the oldest first. `outdated` counts the values that are not under the newest data key.

    `index_phase` is where `keys reindex` is, and `behind` how many records it has yet to write before its next step.
    """

    keys: list[KeyStatus]
    outdated: int
    index_phase: Phase
    behind: int

    @property
    def overdue(self) -> list[KeyStatus]:
        return [key for key in self.keys if key.overdue]


class Overview(NamedTuple):
    """What can be told of all keys without counting what is under each: none of them has `sealed`.

    `outdated` is as of a while ago, None where it has not been counted yet; `shares` says whether there are recovery
    shares. For the rest see `Status`.
    """

    keys: list[KeyStatus]
    outdated: int | None
    index_phase: Phase
    behind: int
    shares: bool


def key_overview(actor: Actor) -> Overview:
    """
    Raises:
        AccessDenied: the actor may not.
    """
    require(actor, Permission.KEY_MANAGE)
    indexed = index_keys.index_keys()
    behind = 0 if indexed.phase is Phase.STEADY else count_behind(indexed.epoch)
    return Overview(_keys({}), key_measures().outdated, indexed.phase, behind, has_shares())


def key_status(actor: Actor) -> Status:
    """Reads every table that holds something under a key of the keyring.

    Raises:
        AccessDenied: the actor may not.
    """
    require(actor, Permission.KEY_MANAGE)
    keys = _keys(_sealed())
    old = [key for key in keys if key.purpose is Purpose.DATA and not key.newest]
    outdated = sum(sum(key.sealed.values()) for key in old if key.sealed)
    indexed = index_keys.index_keys()
    return Status(keys, outdated, indexed.phase, count_behind(indexed.epoch))


def _keys(sealed: dict[int, dict[str, int]]) -> list[KeyStatus]:
    """All keys, the oldest first; `sealed` is what is under them, by number."""
    stored = store.stored_keys()
    newest = {key.purpose: key.id for key in stored if key.state is KeyState.LIVE}
    now = unix_now()
    overdue = ageing.overdue_keys(stored, now=now)

    def of(key: StoredKey) -> KeyStatus:
        age = max(now - key.created, 0)
        counts = sealed.get(key.id, {}) if key.purpose in ageing.WATCHED else None
        is_newest = newest[key.purpose] == key.id
        return KeyStatus(key.id, key.purpose, key.created, age, is_newest, key in overdue, counts, key.state)

    return [of(key) for key in stored]


def _sealed() -> dict[int, dict[str, int]]:
    """By key: what is under it, and how many."""
    found: dict[int, dict[str, int]] = {}
    for holding in HOLDINGS:
        for column, counts in count_by_key(holding).items():
            for key_id, count in counts.items():
                found.setdefault(key_id, {})[holding.columns[column]] = count
    return found
