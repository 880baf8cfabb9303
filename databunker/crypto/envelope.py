"""The sealed envelope: what every encrypted column holds.

Layout, version 1 (41 bytes longer than the plaintext, plus the 4 of the key id):

    byte  0        format version, 0x01
    bytes 1..4     key id, big-endian
    bytes 5..28    nonce, 24 random bytes
    bytes 29..     XChaCha20-Poly1305-IETF ciphertext with its 16-byte tag

The associated data are format version, key id and the Place: tenant, table, row, field and the row's
version. So a ciphertext opens only where it was sealed: moved to another row, field, tenant, version or
under another key id it is refused. XChaCha20 with random nonces needs no counter and no state
(draft-irtf-cfrg-xchacha-03); it does not commit to its key, so the header names the one key to try.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple

from nacl.bindings import (
    crypto_aead_xchacha20poly1305_ietf_decrypt,
    crypto_aead_xchacha20poly1305_ietf_encrypt,
)
from nacl.exceptions import CryptoError as SodiumError

from .errors import IntegrityFailure

__all__ = [
    "HEADER",
    "KEY_BYTES",
    "OVERHEAD",
    "Place",
    "header_for",
    "key_id_of",
    "open_sealed",
    "seal",
    "seal_with_nonce",
]

FORMAT_VERSION = 1
KEY_BYTES = 32
NONCE_BYTES = 24
TAG_BYTES = 16
HEADER = struct.Struct(">BI")
OVERHEAD = HEADER.size + NONCE_BYTES + TAG_BYTES

_PLACE = struct.Struct(">IIBB")


class Place(NamedTuple):
    """Where a ciphertext lives: `table` and `field` are code constants, `row` is the row's own id."""

    tenant: int
    table: bytes
    field: bytes
    row: bytes
    version: int = 0


def _associated_data(header: bytes, place: Place) -> bytes:
    """Injective: fixed-width numbers first, then table and field behind their lengths, then the row."""
    tenant, table, field, row, version = place
    return b"".join([header, _PLACE.pack(tenant, version, len(table), len(field)), table, field, row])


def seal(plaintext: bytes, *, key: bytes, key_id: int, place: Place) -> bytes:
    """The envelope that holds `plaintext` at `place` under `key` (32 bytes)."""
    return seal_with_nonce(plaintext, key=key, key_id=key_id, place=place, nonce=os.urandom(NONCE_BYTES))


def seal_with_nonce(plaintext: bytes, *, key: bytes, key_id: int, place: Place, nonce: bytes) -> bytes:
    """`seal` with a nonce of the caller's: for known-answer vectors only. A repeated nonce breaks secrecy."""
    header = HEADER.pack(FORMAT_VERSION, key_id)
    aad = _associated_data(header, place)
    return header + nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(plaintext, aad, nonce, key)


def header_for(key_id: int) -> bytes:
    """How every envelope of this format begins that was sealed under this key."""
    return HEADER.pack(FORMAT_VERSION, key_id)


def key_id_of(envelope: bytes) -> int:
    """The id of the key that `envelope` was sealed under.

    Raises:
        IntegrityFailure: too short, or of a format version that this code doesn't know.
    """
    if len(envelope) < OVERHEAD:
        raise IntegrityFailure("sealed value is truncated")
    version, key_id = HEADER.unpack_from(envelope)
    if version != FORMAT_VERSION:
        raise IntegrityFailure("sealed value has an unknown format version")
    return int(key_id)


def open_sealed(envelope: bytes, *, key: bytes, place: Place) -> bytes:
    """The plaintext, or an exception: never a wrong answer.

    Raises:
        IntegrityFailure: the envelope was changed, moved from another place, or sealed under another key.
    """
    key_id_of(envelope)
    body = HEADER.size + NONCE_BYTES
    aad = _associated_data(envelope[: HEADER.size], place)
    try:
        return crypto_aead_xchacha20poly1305_ietf_decrypt(envelope[body:], aad, envelope[HEADER.size : body], key)
    except SodiumError as error:
        raise IntegrityFailure("sealed value does not open at this place") from error
