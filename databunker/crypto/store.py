"""Load and create the keyring, and keep it in the process for a short while."""

from __future__ import annotations

import time

from django.conf import settings
from django.db import IntegrityError, transaction

from databunker.ids import unix_now

from . import masterkey
from .errors import KeyringError, MasterKeyError
from .keyring import Keyring, Purpose, new_keys
from .masterkey import MasterKey
from .models import WrappedKey

__all__ = [
    "check_sources",
    "configured_master_key",
    "create_keyring",
    "current_keyring",
    "forget_cached",
    "keyring_exists",
    "load_keyring",
    "reload_for",
]

_cached: tuple[float, Keyring] | None = None
_master: MasterKey | None = None


def _sources() -> dict[str, str]:
    return {
        "value": settings.DATABUNKER_MASTERKEY,
        "file": settings.DATABUNKER_MASTERKEY_FILE,
        "command": settings.DATABUNKER_MASTERKEY_COMMAND,
    }


def check_sources() -> None:
    """
    Raises:
        MasterKeyError: more than one source of the master key is set.
    """
    masterkey.check_sources(**_sources())


def configured_master_key() -> MasterKey | None:
    """The wrapping key that the environment names, or None where it names none."""
    return masterkey.load(**_sources())


def load_keyring(master: MasterKey) -> Keyring:
    """Read and open every key.

    Raises:
        KeyringError: there is no keyring yet.
        MasterKeyError: `master` does not open it.
    """
    rows = list(WrappedKey.objects.order_by("id").values_list("id", "purpose", "wrapped"))
    if not rows:
        raise KeyringError("this vault has no keyring yet: run `manage.py init`")
    return Keyring(master.unwrap(key_id, _purpose(purpose), bytes(wrapped)) for key_id, purpose, wrapped in rows)


def _purpose(name: str) -> Purpose:
    try:
        return Purpose(name)
    except ValueError:
        raise KeyringError("the keyring holds a key of no known purpose: a newer release made it") from None


def keyring_exists() -> bool:
    return WrappedKey.objects.exists()


def create_keyring(master: MasterKey) -> Keyring:
    """Make and store a keyring, or load the one that another host stored first; this process uses it from now on."""
    global _cached, _master  # noqa: PLW0603
    now = unix_now()
    rows = [
        WrappedKey(id=key.id, purpose=key.purpose.value, wrapped=master.wrap(key), created=now) for key in new_keys()
    ]
    try:
        with transaction.atomic():
            WrappedKey.objects.bulk_create(rows)
    except IntegrityError:
        pass
    keyring = load_keyring(master)
    _master = master
    _cached = (time.monotonic() + settings.KEYRING_CACHE_SECONDS, keyring)
    return keyring


def current_keyring() -> Keyring:
    """The keyring, read again after KEYRING_CACHE_SECONDS, so that a rotation reaches every process.

    Raises:
        KeyringError, MasterKeyError: see `load_keyring`; also where no master key is configured.
    """
    cached = _cached
    if cached is not None and time.monotonic() < cached[0]:
        return cached[1]
    return _reload()


def reload_for(key_id: int) -> Keyring:
    """The keyring once more from the database, for a key id that the cached one lacks.

    Raises:
        UnknownKey: the database doesn't have it either.
    """
    keyring = _reload()
    keyring.get(key_id)
    return keyring


def _reload() -> Keyring:
    global _cached, _master  # noqa: PLW0603 - one cache a process, replaced as a whole
    try:
        master = _master or _required_master_key()
        keyring = load_keyring(master)
    except MasterKeyError:
        # The keyring may have been wrapped anew since this process read its master key.
        master = _required_master_key()
        keyring = load_keyring(master)
    _master = master
    _cached = (time.monotonic() + settings.KEYRING_CACHE_SECONDS, keyring)
    return keyring


def _required_master_key() -> MasterKey:
    master = configured_master_key()
    if master is None:
        raise MasterKeyError(
            "no master key: set DATABUNKER_MASTERKEY, DATABUNKER_MASTERKEY_FILE or DATABUNKER_MASTERKEY_COMMAND "
            "(`manage.py init` makes one for a new vault)"
        )
    return master


def forget_cached() -> None:
    """Drop the cached keys: after changing them in this process, and between tests."""
    global _cached, _master  # noqa: PLW0603
    _cached = _master = None
