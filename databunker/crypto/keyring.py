"""The keyring: an immutable value that holds every long-lived key of the vault, opened.

Purposes:
    data       key-encryption keys: wrap record keys and tokens. Several live at once, the newest wraps.
    index      roots of the blind indexes of identities.
    reference  root of the keyed hashes of tokens. Tokens are random, so nothing can be guessed from these
               hashes even with the key in hand; the key is therefore never rotated.
    audit      root of the MACs of audit events.
    signing    Ed25519 seed that signs tree heads of the audit trail.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable
from dataclasses import dataclass

from . import envelope
from .envelope import Place
from .errors import KeyringError, UnknownKey

__all__ = ["Key", "Keyring", "Purpose", "new_keys"]


class Purpose(enum.StrEnum):
    DATA = "data"
    INDEX = "index"
    REFERENCE = "reference"
    AUDIT = "audit"
    SIGNING = "signing"


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `id` is unique over all purposes and never reused."""

    id: int
    purpose: Purpose
    secret: bytes

    def __repr__(self) -> str:
        return f"Key(id={self.id}, purpose={self.purpose})"


class Keyring:
    """Every key by id, and the newest of each purpose."""

    __slots__ = ("_by_id", "_newest")

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_id = {key.id: key for key in keys}
        self._newest: dict[Purpose, Key] = {}
        for key in sorted(self._by_id.values(), key=lambda key: key.id):
            self._newest[key.purpose] = key
        missing = [purpose.value for purpose in Purpose if purpose not in self._newest]
        if missing:
            raise KeyringError(f"the keyring holds no key for: {', '.join(missing)}")

    def __repr__(self) -> str:
        return f"Keyring({sorted(self._by_id)})"

    def __len__(self) -> int:
        return len(self._by_id)

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._by_id

    def newest(self, purpose: Purpose) -> Key:
        """The key that new values of this purpose are made with."""
        return self._newest[purpose]

    def secret(self, purpose: Purpose) -> bytes:
        return self._newest[purpose].secret

    def get(self, key_id: int) -> Key:
        """
        Raises:
            UnknownKey: no such key here; another host may have added it since this keyring was read.
        """
        try:
            return self._by_id[key_id]
        except KeyError:
            raise UnknownKey(f"key {key_id} is not in the keyring") from None

    def seal(self, plaintext: bytes, place: Place) -> bytes:
        """Seal under the newest data key."""
        key = self._newest[Purpose.DATA]
        return envelope.seal(plaintext, key=key.secret, key_id=key.id, place=place)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Open what `seal` made, also under an older data key that still lives.

        Raises:
            UnknownKey, IntegrityFailure: see `Keyring.get` and `envelope.open_sealed`.
        """
        key = self.get(envelope.key_id_of(sealed))
        if key.purpose is not Purpose.DATA:
            raise UnknownKey(f"key {key.id} is not a data key")
        return envelope.open_sealed(sealed, key=key.secret, place=place)


def new_keys(first_id: int = 1) -> list[Key]:
    """One fresh random key for each purpose, numbered from `first_id`."""
    return [Key(first_id + offset, purpose, os.urandom(envelope.KEY_BYTES)) for offset, purpose in enumerate(Purpose)]
