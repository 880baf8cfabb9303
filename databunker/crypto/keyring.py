"""The keyring: an immutable value that holds every long-lived key of the vault, opened.

Purposes:
    data       key-encryption keys: wrap record keys and tokens. Several live at once, the newest wraps.
    index      roots of the blind indexes of identities.
    reference  root of the keyed hashes of tokens. Tokens are random, so nothing can be guessed from these
               hashes even with the key in hand; the key is therefore never rotated.
    audit      root of the MACs of audit events.
    signing    Ed25519 seed that signs tree heads of the audit trail.
    detail     seals what audit events say that concern no person. Events are written once, so nothing is ever
               sealed anew: a key of this purpose lives as long as an event that was sealed under it.
    recovery   the public half of the recovery key and the key that authenticates copies for it (see `recovery`); only
               where the keyring was split into shares.

Of index keys two live while `manage.py keys reindex` replaces one by another; their states say what each is for.
"""

from __future__ import annotations

import enum
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from . import envelope
from .envelope import Place
from .errors import KeyringError, UnknownKey

__all__ = ["REQUIRED", "Key", "KeyState", "Keyring", "Purpose", "new_keys"]


class Purpose(enum.StrEnum):
    DATA = "data"
    INDEX = "index"
    REFERENCE = "reference"
    AUDIT = "audit"
    SIGNING = "signing"
    DETAIL = "detail"
    RECOVERY = "recovery"


# Of which a vault has a key from its beginning.
REQUIRED = tuple(purpose for purpose in Purpose if purpose is not Purpose.RECOVERY)


class KeyState(enum.StrEnum):
    """What an index key is for, see docs/decisions/0007; keys of other purposes are always LIVE."""

    NEXT = "next"  # written, not yet looked up by
    LIVE = "live"  # written, and looked up by
    PREVIOUS = "previous"  # written for those who still look up by it
    IDLE = "idle"  # no longer written; what stands under it is being removed


@dataclass(frozen=True, slots=True)
class Key:
    """One key: `id` is unique over all purposes and never reused.

    `epoch` is of index keys: it grows whenever the keys that identities are written under become others.
    """

    id: int
    purpose: Purpose
    secret: bytes
    state: KeyState = KeyState.LIVE
    epoch: int = 0

    def __repr__(self) -> str:
        return f"Key(id={self.id}, purpose={self.purpose})"


class Keyring:
    """Every key by id, and the newest of each purpose.

    Attributes:
        index_keys: every index key, first the one that is looked up by.
        index_written: those of them that identities are written under.
        index_epoch: stands in each record, and says which index keys its identities were written under.
    """

    __slots__ = ("_by_id", "_newest", "index_epoch", "index_keys", "index_written")

    def __init__(self, keys: Iterable[Key]) -> None:
        self._by_id = {key.id: key for key in keys}
        self._newest: dict[Purpose, Key] = {}
        for key in sorted(self._by_id.values(), key=lambda key: key.id):
            if key.state is KeyState.LIVE:
                self._newest[key.purpose] = key
        missing = [purpose.value for purpose in REQUIRED if purpose not in self._newest]
        if missing:
            raise KeyringError(f"the keyring holds no key for: {', '.join(missing)}")
        indexing = [key for key in self._by_id.values() if key.purpose is Purpose.INDEX]
        self.index_keys = tuple(sorted(indexing, key=lambda key: (key.state is not KeyState.LIVE, key.id)))
        self.index_written = tuple(key for key in self.index_keys if key.state is not KeyState.IDLE)
        self.index_epoch = max(key.epoch for key in indexing)

    def __repr__(self) -> str:
        return f"Keyring({sorted(self._by_id)})"

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[Key]:
        return iter(self._by_id.values())

    def __contains__(self, key_id: object) -> bool:
        return key_id in self._by_id

    def newest(self, purpose: Purpose) -> Key:
        """The key that new values of this purpose are made with; of index keys the one that is looked up by."""
        return self._newest[purpose]

    def of_purpose(self, purpose: Purpose) -> list[Key]:
        """All that live, oldest first."""
        return sorted((key for key in self._by_id.values() if key.purpose is purpose), key=lambda key: key.id)

    def secret(self, purpose: Purpose) -> bytes:
        return self._newest[purpose].secret

    def next_key(self, purpose: Purpose) -> Key:
        """A fresh random key, numbered above all others, so that it would be the newest of its purpose."""
        return Key(max(self._by_id) + 1, purpose, os.urandom(envelope.KEY_BYTES))

    def without(self, key_id: int) -> Keyring:
        """
        Raises:
            UnknownKey: there is no such key.
            KeyringError: it is the newest of its purpose, which is in use.
        """
        gone = self.get(key_id)
        if gone is self._newest[gone.purpose]:
            raise KeyringError(f"key {key_id} is the newest {gone.purpose} key: it is in use")
        return Keyring(key for key in self._by_id.values() if key is not gone)

    @property
    def recovery(self) -> Key | None:
        """The key that copies for recovery are made with, where there is one."""
        return self._newest.get(Purpose.RECOVERY)

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
        return self._seal(Purpose.DATA, plaintext, place)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """Open what `seal` made, also under an older data key that still lives.

        Raises:
            UnknownKey, IntegrityFailure: see `Keyring.get` and `envelope.open_sealed`.
        """
        return self._open(Purpose.DATA, sealed, place)

    def seal_detail(self, plaintext: bytes, place: Place) -> bytes:
        """As `seal`, under the newest detail key: for what an event says that concerns no person."""
        return self._seal(Purpose.DETAIL, plaintext, place)

    def open_detail(self, sealed: bytes, place: Place) -> bytes:
        """
        Raises:
            UnknownKey, IntegrityFailure: see `open`.
        """
        return self._open(Purpose.DETAIL, sealed, place)

    def _seal(self, purpose: Purpose, plaintext: bytes, place: Place) -> bytes:
        key = self._newest[purpose]
        return envelope.seal(plaintext, key=key.secret, key_id=key.id, place=place)

    def _open(self, purpose: Purpose, sealed: bytes, place: Place) -> bytes:
        key = self.get(envelope.key_id_of(sealed))
        if key.purpose is not purpose:
            raise UnknownKey(f"key {key.id} is not a {purpose} key")
        return envelope.open_sealed(sealed, key=key.secret, place=place)


def new_keys(first_id: int = 1, *, purposes: Iterable[Purpose] = REQUIRED) -> list[Key]:
    """One fresh random key for each purpose, numbered from `first_id`."""
    return [Key(first_id + offset, purpose, os.urandom(envelope.KEY_BYTES)) for offset, purpose in enumerate(purposes)]
