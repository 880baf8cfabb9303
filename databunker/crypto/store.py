"""Load and create the keyring, and keep it in the process for a short while."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from django.conf import settings
from django.db import IntegrityError, transaction

from databunker.ids import unix_now

from . import envelope, masterkey, recovery_copies
from .configured import check_sources, configured_master_key, configured_master_keys
from .envelope import Place
from .errors import KeyringError, MasterKeyError, NoKeyringError
from .keyring import REQUIRED, Key, Keyring, KeyState, Purpose, new_keys
from .masterkey import MasterKey
from .models import WrappedKey

__all__ = [
    "StoredKey",
    "check_sources",
    "configured_master_key",
    "create_keyring",
    "current_keyring",
    "forget_cached",
    "keyring_exists",
    "keyring_since",
    "keyring_with",
    "load_keyring",
    "master_in_use",
    "read_again",
    "reload_for",
    "reload_keyring",
    "stored_keys",
    "unseal",
    "use",
    "watch",
    "wrapped_row",
]

_log = logging.getLogger("databunker.keys")


class StoredKey(NamedTuple):
    """What the database says of a key in clear."""

    id: int
    purpose: Purpose
    created: int
    state: KeyState


class _Row(NamedTuple):
    id: int
    purpose: str
    wrapped: bytes
    state: str
    epoch: int


_cached: tuple[float, Keyring] | None = None
_master: MasterKey | None = None
# Whether this process has said that it goes on with the keys in its memory.
_warned = False
_watches: list[Callable[[], None]] = []


def watch(check: Callable[[], None]) -> None:
    """Have `check` called whenever this process reads the keyring anew; while it raises, there is no keyring."""
    if check not in _watches:
        _watches.append(check)


# --- reading ---------------------------------------------------------------------------------------------------------


def load_keyring(master: MasterKey) -> Keyring:
    """Read and open every key.

    Raises:
        NoKeyringError: there is no keyring yet.
        MasterKeyError: `master` does not open it.
    """
    return _opened(_rows(), master)


def _rows() -> list[_Row]:
    rows = WrappedKey.objects.order_by("id").values_list(*_Row._fields)
    found = [_Row(key_id, purpose, bytes(wrapped), state, epoch) for key_id, purpose, wrapped, state, epoch in rows]
    if not found:
        raise NoKeyringError
    return found


def _opened(rows: list[_Row], master: MasterKey) -> Keyring:
    return Keyring(_opened_key(row, master) for row in rows)


def _opened_key(row: _Row, master: MasterKey) -> Key:
    key = master.unwrap(row.id, _purpose(row.purpose), row.wrapped)
    return replace(key, state=_state(row.state), epoch=row.epoch)


def _purpose(name: str) -> Purpose:
    try:
        return Purpose(name)
    except ValueError:
        raise KeyringError("the keyring holds a key of no known purpose: a newer release made it") from None


def _state(name: str) -> KeyState:
    try:
        return KeyState(name)
    except ValueError:
        raise KeyringError("the keyring holds a key of no known state: a newer release made it") from None


def keyring_exists() -> bool:
    return WrappedKey.objects.exists()


def stored_keys() -> list[StoredKey]:
    """Every key of the database, the oldest first; needs no master key."""
    rows = WrappedKey.objects.order_by("id").values_list("id", "purpose", "created", "state")
    return [StoredKey(key_id, _purpose(purpose), created, _state(state)) for key_id, purpose, created, state in rows]


def current_keyring() -> Keyring:
    """The keyring, read again after KEYRING_CACHE_SECONDS, so that a rotation reaches every process.

    Raises:
        KeyringError, MasterKeyError: see `load_keyring`; also where no master key is configured.
    """
    cached = _cached
    if cached is not None and time.monotonic() < cached[0]:
        return cached[1]
    return _reload()


def keyring_with(key_id: int) -> Keyring:
    """The keyring, read anew where another host has added this key since.

    Raises:
        UnknownKey: the key is nowhere.
    """
    keyring = current_keyring()
    return keyring if key_id in keyring else reload_for(key_id)


def unseal(sealed: bytes, place: Place) -> bytes:
    """What a data key has sealed, also one that another host has added since.

    Raises:
        UnknownKey, IntegrityFailure: see `Keyring.open`.
    """
    return keyring_with(envelope.key_id_of(sealed)).open(sealed, place)


def reload_for(key_id: int) -> Keyring:
    """The keyring once more from the database, for a key id that the cached one lacks.

    Raises:
        UnknownKey: the database doesn't have it either.
    """
    keyring = _reload()
    keyring.get(key_id)
    return keyring


def keyring_since(epoch: int) -> Keyring:
    """The keyring, read anew where somebody writes identities under other index keys than this process knows of."""
    keyring = current_keyring()
    return keyring if keyring.index_epoch >= epoch else _reload()


def reload_keyring() -> Keyring:
    """The keyring as it is in the database now.

    Raises:
        KeyringError, MasterKeyError: see `current_keyring`; also where this process only has it in memory.
    """
    rows = _rows()
    master = master_for(masterkey.fingerprint_of(rows[0].wrapped))
    return _keep(master, _opened(rows, master))


def master_for(fingerprint: int) -> MasterKey:
    """The wrapping key of this fingerprint, or else the configured one, which says by itself that it doesn't fit.

    Raises:
        MasterKeyError: none is configured, or one can't be read.
    """
    if _master is not None and _master.has(fingerprint):
        return _master
    found = configured_master_keys()
    present = next(found)
    if present.has(fingerprint):
        return present
    return next((old for old in found if old.has(fingerprint)), present)


def _reload() -> Keyring:
    """As `reload_keyring`; but when the keyring was put under a master key that this process doesn't know, it goes on.

    That is, with the keys in its memory, as long as the database has the very same ones: it must neither use a key
    that was destroyed, nor one that is not the newest any more.
    """
    global _warned  # noqa: PLW0603
    rows, cached = _rows(), _cached
    fingerprint = masterkey.fingerprint_of(rows[0].wrapped)
    failure = MasterKeyError(_OTHER_MASTER_KEY)
    try:
        master = master_for(fingerprint)
    except MasterKeyError as error:
        failure = error
    else:
        if cached is None or master.has(fingerprint):
            _warned = False
            return _keep(master, _opened(rows, master))
    if cached is None or not _are_keys_of(cached[1], rows):
        raise failure
    if not _warned:
        _log.warning(_OTHER_MASTER_KEY)
        _warned = True
    return _keep(_master, cached[1])


_OTHER_MASTER_KEY = (
    "the keyring was put under another master key since this process started. Until a key is added or destroyed it "
    "goes on with the keys in its memory; it will not start again: set DATABUNKER_MASTERKEY (or _FILE, _COMMAND, "
    "_TRANSIT) to the new master key and restart it"
)


def _are_keys_of(keyring: Keyring, rows: list[_Row]) -> bool:
    return len(keyring) == len(rows) and all(row.id in keyring and _is_key_of(keyring.get(row.id), row) for row in rows)


def _is_key_of(key: Key, row: _Row) -> bool:
    return (key.purpose.value, key.state.value, key.epoch) == (row.purpose, row.state, row.epoch)


def _keep(master: MasterKey | None, keyring: Keyring) -> Keyring:
    global _cached, _master  # noqa: PLW0603 - one cache a process, replaced as a whole
    for check in _watches:
        check()
    _master = master
    _cached = (time.monotonic() + settings.KEYRING_CACHE_SECONDS, keyring)
    return keyring


def master_in_use() -> MasterKey:
    """The wrapping key that the keyring in the database is under.

    Raises:
        KeyringError, MasterKeyError: see `reload_keyring`.
    """
    rows = _rows()
    master = master_for(masterkey.fingerprint_of(rows[0].wrapped))
    for row in rows:
        master.unwrap(row.id, _purpose(row.purpose), row.wrapped)
    return master


def read_again() -> None:
    """Have the next one who asks read the keyring from the database: after a change."""
    global _cached  # noqa: PLW0603
    if _cached is not None:
        _cached = (0.0, _cached[1])


def forget_cached() -> None:
    """Drop all that is in memory, as a new process has nothing there."""
    global _cached, _master, _warned  # noqa: PLW0603
    _cached = _master = None
    _warned = False


# --- the first keys --------------------------------------------------------------------------------------------------


def create_keyring(master: MasterKey) -> Keyring:
    """Make and store a key of each purpose that has none; this process uses the keyring from now on.

    Where another host makes them at the same time, the first one's are taken.

    Raises:
        MasterKeyError: there are keys already, and `master` does not open them.
    """
    stored = _rows() if keyring_exists() else []
    present = {master.unwrap(row.id, _purpose(row.purpose), row.wrapped).purpose for row in stored}
    missing = [purpose for purpose in REQUIRED if purpose not in present]
    first_id = stored[-1].id + 1 if stored else 1
    try:
        with transaction.atomic():
            WrappedKey.objects.bulk_create(wrapped_row(key, master) for key in new_keys(first_id, purposes=missing))
    except IntegrityError:
        pass
    keyring = use(master)
    recovery_copies.complete(keyring)
    return keyring


def use(master: MasterKey) -> Keyring:
    """The keyring, opened by this wrapping key, which this process uses from now on.

    Raises:
        KeyringError, MasterKeyError: see `load_keyring`.
    """
    return _keep(master, load_keyring(master))


def wrapped_row(key: Key, master: MasterKey) -> WrappedKey:
    """A key as it is stored, made now."""
    now = unix_now()
    return WrappedKey(
        id=key.id, purpose=key.purpose.value, wrapped=master.wrap(key), created=now, state=key.state.value,
        epoch=key.epoch, since=now,
    )  # fmt: skip
