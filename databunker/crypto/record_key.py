"""The key of one person's record: everything about the person is sealed under it.

Destroying it (crypto-shredding) makes all of that unreadable at once, wherever a copy may lie. It has a
generation, which stands as key id in each envelope: forgetting a person starts a new generation.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from . import envelope
from .envelope import Place
from .errors import IntegrityFailure
from .keyring import Keyring

__all__ = ["RecordKey", "key_place"]


def key_place(tenant: int, subject: bytes, generation: int) -> Place:
    """Where a wrapped record key lives."""
    return Place(tenant, b"record", b"key", subject, generation)


@dataclass(frozen=True, slots=True)
class RecordKey:
    """An open record key. `subject` is the person's reference (see `vault.references`)."""

    tenant: int
    subject: bytes
    generation: int
    secret: bytes

    def __repr__(self) -> str:
        return f"RecordKey(generation={self.generation})"

    @classmethod
    def fresh(cls, *, tenant: int, subject: bytes, generation: int = 1) -> RecordKey:
        return cls(tenant, subject, generation, os.urandom(envelope.KEY_BYTES))

    @classmethod
    def unwrap(cls, wrapped: bytes, *, keyring: Keyring, tenant: int, subject: bytes, generation: int) -> RecordKey:
        """
        Raises:
            IntegrityFailure, UnknownKey: see `Keyring.open`.
        """
        return cls(tenant, subject, generation, keyring.open(wrapped, key_place(tenant, subject, generation)))

    def wrap(self, keyring: Keyring) -> bytes:
        """This key sealed under the newest data key of `keyring`."""
        return keyring.seal(self.secret, key_place(self.tenant, self.subject, self.generation))

    def seal(self, plaintext: bytes, place: Place) -> bytes:
        return envelope.seal(plaintext, key=self.secret, key_id=self.generation, place=place)

    def open(self, sealed: bytes, place: Place) -> bytes:
        """
        Raises:
            IntegrityFailure: changed, moved, or sealed under a generation that was destroyed.
        """
        if envelope.key_id_of(sealed) != self.generation:
            raise IntegrityFailure("sealed under another generation of this record's key")
        return envelope.open_sealed(sealed, key=self.secret, place=place)
