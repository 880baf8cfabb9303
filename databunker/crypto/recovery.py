"""The recovery key: lets those who hold enough shares open the keyring where the master key is lost.

It is an X25519 key pair, made from a random seed. The seed is split among people (see `shares`) and kept nowhere else;
the vault keeps the public half, and has a copy of each key of its keyring sealed to it, also of those that come later.
So whoever runs the vault can add to the copies and open none.

Layout of a copy, version 1:

    byte  0        format version, 0x01
    bytes 1..32    MAC over version, number and purpose of the key, and the box
    bytes 33..     libsodium sealed box (X25519, XSalsa20-Poly1305) with the key's secret

Anybody can seal to a public key. So each copy has a MAC under a second key from the same seed, which the vault keeps
beside the public half, both wrapped by the master key: without it nobody passes off a copy, or a public key, of their
own.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

from nacl.exceptions import CryptoError as SodiumError
from nacl.public import PrivateKey, PublicKey, SealedBox

from . import hashing
from .encoding import pack
from .errors import IntegrityFailure
from .hashing import MAC_BYTES
from .keyring import Key, Purpose

__all__ = ["SEED_BYTES", "RecoveryKey", "RecoverySecret"]

SEED_BYTES = 32
_VERSION = b"\x01"
_PUBLIC_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class RecoveryKey:
    """What the vault keeps: seals copies, opens none."""

    public: bytes
    mac_key: bytes

    @classmethod
    def from_bytes(cls, secret: bytes) -> RecoveryKey:
        """As it stands in the keyring, see `to_bytes`."""
        return cls(secret[:_PUBLIC_BYTES], secret[_PUBLIC_BYTES:])

    def to_bytes(self) -> bytes:
        return self.public + self.mac_key

    def seal(self, secret: bytes, *, purpose: bytes, number: int) -> bytes:
        """A copy of a secret, bound to what it is for and its number."""
        box = SealedBox(PublicKey(self.public)).encrypt(secret)
        return _VERSION + self._mac(box, purpose, number) + box

    def check(self, copy: bytes, *, purpose: bytes, number: int) -> bytes:
        """The box in a copy that was made for this purpose and number.

        Raises:
            IntegrityFailure: it was made for others, under another recovery key, or by somebody else.
        """
        start = len(_VERSION) + MAC_BYTES
        box = copy[start:]
        genuine = hashing.same(copy[len(_VERSION) : start], self._mac(box, purpose, number))
        if not copy.startswith(_VERSION) or not genuine:
            raise IntegrityFailure("a recovery copy was not made by this vault for this recovery key")
        return box

    def _mac(self, box: bytes, purpose: bytes, number: int) -> bytes:
        return hashing.mac(pack([_VERSION, purpose, number.to_bytes(4, "big"), box]), key=self.mac_key)


@dataclass(frozen=True, slots=True, repr=False)
class RecoverySecret:
    """What the shares give when they are put together."""

    seed: bytes

    @classmethod
    def fresh(cls) -> RecoverySecret:
        return cls(os.urandom(SEED_BYTES))

    @property
    def _private(self) -> PrivateKey:
        return PrivateKey(hashing.mac(b"recovery private key", key=self.seed))

    @property
    def key(self) -> RecoveryKey:
        return RecoveryKey(bytes(self._private.public_key), hashing.mac(b"recovery copies", key=self.seed))

    def open(self, copy: bytes, *, purpose: bytes, number: int) -> bytes:
        """
        Raises:
            IntegrityFailure: see `RecoveryKey.check`.
        """
        box = self.key.check(copy, purpose=purpose, number=number)
        try:
            return bytes(SealedBox(self._private).decrypt(box))
        except SodiumError as error:
            raise IntegrityFailure("a recovery copy does not open") from error

    def open_key(self, copy: bytes, *, purpose: Purpose, number: int) -> Key:
        """
        Raises:
            IntegrityFailure: see `RecoveryKey.check`.
        """
        return Key(number, purpose, self.open(copy, purpose=purpose.value.encode(), number=number))
