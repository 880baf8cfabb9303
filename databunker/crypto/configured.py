"""The wrapping keys that the settings name: the present one, and the one before it while it is being replaced."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from django.conf import settings

from . import masterkey
from .errors import MasterKeyError
from .masterkey import MasterKey, Sources

__all__ = [
    "KeyManagement",
    "check_sources",
    "configured_master_key",
    "configured_master_keys",
    "key_management",
    "register_key_management",
    "required_master_key",
]


class KeyManagement(Protocol):
    """A service that wraps the master key, so that it is nowhere in clear.

    Raises, as both of its methods do:
        MasterKeyError: it can't be reached, or refuses. The message says nothing of what was asked.
    """

    def encrypt(self, secret: bytes) -> str: ...
    def decrypt(self, ciphertext: str) -> bytes: ...


_service: KeyManagement | None = None


def register_key_management(service: KeyManagement) -> None:
    """From above, where HTTP is known: what opens DATABUNKER_MASTERKEY_TRANSIT."""
    global _service  # noqa: PLW0603 - set once, when Django starts
    _service = service


def key_management() -> KeyManagement:
    """
    Raises:
        MasterKeyError: this process knows none.
    """
    if _service is None:
        raise MasterKeyError("no key management service is known to this process")
    return _service


def _unwrap(ciphertext: str) -> bytes:
    return key_management().decrypt(ciphertext)


def _sources(name: str) -> Sources:
    value, file, command, transit = (getattr(settings, name + end) for end in ("", "_FILE", "_COMMAND", "_TRANSIT"))
    return Sources(name, value=value, file=file, command=command, transit=transit)


def _present() -> Sources:
    return _sources("DATABUNKER_MASTERKEY")


def _former() -> Sources:
    return _sources("DATABUNKER_MASTERKEY_OLD")


def check_sources() -> None:
    """
    Raises:
        MasterKeyError: more than one source of the master key, or of the old one, is set.
    """
    _present().check()
    _former().check()


def configured_master_key() -> MasterKey | None:
    """The wrapping key that the environment names, or None where it names none."""
    return masterkey.load(_present(), unwrap=_unwrap)


def required_master_key() -> MasterKey:
    """
    Raises:
        MasterKeyError: none is configured, or it can't be read.
    """
    master = configured_master_key()
    if master is None:
        raise MasterKeyError(
            "no master key: set DATABUNKER_MASTERKEY, DATABUNKER_MASTERKEY_FILE, DATABUNKER_MASTERKEY_COMMAND or "
            "DATABUNKER_MASTERKEY_TRANSIT (`manage.py init` makes one for a new vault)"
        )
    return master


def configured_master_keys() -> Iterator[MasterKey]:
    """The present one, and the old one where it is set; each is read when it is asked for."""
    yield required_master_key()
    old = masterkey.load(_former(), unwrap=_unwrap)
    if old is not None:
        yield old
