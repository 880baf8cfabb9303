"""Renew keys, destroy old ones, and change the master key."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from django.conf import settings

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.crypto import changing, store
from databunker.crypto.holdings import count_by_key
from databunker.crypto.keyring import Key, Purpose
from databunker.crypto.store import StoredKey
from databunker.db.statements import atomically, retrying
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.ids import unix_now

from .events import KEY_RETIRED, KEY_ROTATED, KEYRING_REWRAPPED
from .holdings import under

__all__ = ["MARGIN_SECONDS", "RETIRABLE", "ROTATABLE", "Retired", "retire_keys", "rewrap_keyring", "rotate_key"]

# Identities are found by the index key, tokens by the reference key: another one would find nobody.
ROTATABLE = (Purpose.DATA, Purpose.DETAIL, Purpose.AUDIT, Purpose.SIGNING)
# What others authenticate or sign must be verifiable for as long as it is kept.
RETIRABLE = (Purpose.DATA, Purpose.DETAIL)

# Beyond KEYRING_CACHE_SECONDS: for who has sealed something just before and is slow to write it, and for clocks.
MARGIN_SECONDS = 600


def rotate_key(actor: Actor, *, purpose: Purpose = Purpose.DATA) -> Key:
    """A new key of this purpose, which every process uses within KEYRING_CACHE_SECONDS. Older ones go on to open.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: keys of this purpose are not rotated.
        KeyringError, MasterKeyError: the keyring can't be opened.
    """
    require(actor, Permission.KEY_MANAGE)
    if purpose not in ROTATABLE:
        raise BadRequest(f"keys of the purpose {purpose} are not rotated")

    def attempt() -> Key:
        with atomically():
            key = changing.add_key(purpose)
            trail.record(actor, KEY_ROTATED, detail={"key": key.id, "purpose": purpose.value})
            return key

    key = retrying(attempt)
    store.read_again()
    return key


class Retired(NamedTuple):
    """Which keys were destroyed, and why others were not."""

    gone: list[int]
    kept: dict[int, str]


def retire_keys(actor: Actor, *, key_id: int | None = None) -> Retired:
    """Destroy one old key that nothing uses, or all of them.

    Raises:
        AccessDenied: the actor may not.
        NotFound: there is no such key.
        Conflict: this very key was asked for, and must stay; the message says why.
    """
    require(actor, Permission.KEY_MANAGE)
    if key_id is not None:
        reason = _retire(actor, key_id)
        if reason:
            raise Conflict(reason)
        return Retired([key_id], {})
    old = [key.id for key in _old_keys(store.stored_keys())]
    kept = {one: reason for one in old if (reason := _retire(actor, one))}
    return Retired([one for one in old if one not in kept], kept)


def _old_keys(stored: list[StoredKey]) -> list[StoredKey]:
    newest = {key.purpose: key.id for key in stored}
    return [key for key in stored if key.purpose in RETIRABLE and key.id != newest[key.purpose]]


def _retire(actor: Actor, key_id: int) -> str:
    """Why the key stays, or nothing: then it is gone.

    Raises:
        NotFound: there is no such key.
    """
    reason = retrying(partial(_retired, actor, key_id))
    if not reason:
        store.read_again()
    return reason


def _retired(actor: Actor, key_id: int) -> str:
    with atomically():
        # Nobody else changes the keyring now; and nobody seals under an old key any more, see `_too_young`.
        changing.lock_keyring()
        stored = store.stored_keys()
        key = next((one for one in stored if one.id == key_id), None)
        if key is None:
            raise NotFound(f"there is no key {key_id}")
        reason = _not_old(key, stored) or _too_young(key, stored) or _in_use(key)
        if reason:
            return reason
        changing.destroy_key(key.id)
        trail.record(actor, KEY_RETIRED, detail={"key": key.id, "purpose": key.purpose.value})
    return ""


def _not_old(key: StoredKey, stored: list[StoredKey]) -> str:
    if key.purpose not in RETIRABLE:
        return f"key {key.id} is of the purpose {key.purpose}: such keys are not retired"
    if key not in _old_keys(stored):
        return (
            f"key {key.id} is the newest {key.purpose} key: it is in use. Make a new one with `manage.py keys rotate`"
        )
    return ""


def _too_young(key: StoredKey, stored: list[StoredKey]) -> str:
    """A process that read the keyring just before the next key was made seals under this one until it reads again."""
    successor = min((one for one in stored if one.purpose is key.purpose and one.id > key.id), key=lambda one: one.id)
    left = successor.created + settings.KEYRING_CACHE_SECONDS + MARGIN_SECONDS - unix_now()
    if left > 0:
        return f"key {key.id} was the newest until a moment ago, and may still be in use: try again in {left} s"
    return ""


def _in_use(key: StoredKey) -> str:
    used = {
        holding.columns[column]: counts[key.id]
        for holding in under(key.purpose)
        for column, counts in count_by_key(holding).items()
        if key.id in counts
    }
    if not used:
        return ""
    what = ", ".join(f"{count:,} {title}" for title, count in used.items())
    advice = (
        "`manage.py keys rewrap` puts them under the newest key"
        if key.purpose is Purpose.DATA
        else "events are never changed: it can go when they have been deleted, see MAX_AUDIT_RETENTION"
    )
    return f"key {key.id} is in use for {what}: {advice}"


def rewrap_keyring(actor: Actor) -> int:
    """Put the keyring under the master key that is configured now; how many keys were under the old one.

    Raises:
        AccessDenied: the actor may not.
        KeyringError, MasterKeyError: neither the present master key nor the old one opens the keyring.
    """
    require(actor, Permission.KEY_MANAGE)

    def attempt() -> int:
        with atomically():
            count = changing.rewrap_keyring()
            if count:
                trail.record(actor, KEYRING_REWRAPPED, detail={"keys": count})
            return count

    count = retrying(attempt)
    store.read_again()
    return count
