"""Databunker's encryption, opened only. Nothing here may ever encrypt: see "known mistakes" below.

    data of a person    base64 of: AES-256-GCM ciphertext, tag, 12-byte nonce; no associated data
                        key: the 24-byte master key, then the record's own 8 bytes
    identities          base64 of: ciphertext, tag; the nonce is the same for all
                        key: the master key, then bytes 4 to 12 of its MD5

An eighth of each key is the record's, the rest cannot be rotated; the repeated nonce gives away which identities are
equal, and with two of them the key of the tag. That is why people leave.
"""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ..errors import ImportRefused

__all__ = ["PeerKey", "Unreadable"]

_MASTER_BYTES = 24
_RECORD_BYTES = 8
_NONCE_BYTES = 12
_TAG_BYTES = 16
_IDENTITY_NONCE = b"$DataBunker$"


class Unreadable(Exception):
    """A value that can't be read, and why; says nothing of the value."""


class PeerKey:
    """The master key of the other vault."""

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        # MD5 stands in the other vault's format; nothing of ours rests on it.
        halves = hashlib.md5(secret, usedforsecurity=False).digest()[4:12]
        self._identities = AESGCM(secret + halves)

    def __repr__(self) -> str:
        return "PeerKey(…)"

    @classmethod
    def parse(cls, text: str) -> PeerKey:
        """
        Raises:
            ImportRefused: not 48 hex digits. The text is not repeated in the message.
        """
        try:
            secret = binascii.unhexlify(text.strip())
        except (binascii.Error, ValueError):
            secret = b""
        if len(secret) != _MASTER_BYTES:
            raise ImportRefused("Databunker's master key must be 48 hex digits")
        return cls(secret)

    @property
    def secret(self) -> bytes:
        """For the keyed hash by which an import recognises the other vault."""
        return self._secret

    def open_data(self, record_key: object, sealed: object) -> bytes:
        """What was encrypted under a record's key; both as they stand in their columns.

        Raises:
            Unreadable: missing, no base64, or not encrypted under this key.
        """
        key = _bytes_of(record_key, "the record's key")
        if len(key) != _RECORD_BYTES:
            raise Unreadable("the record's key is not 8 bytes long")
        data = _bytes_of(sealed, "the encrypted data")
        if len(data) < _NONCE_BYTES + _TAG_BYTES:
            raise Unreadable("the encrypted data is cut off")
        try:
            return AESGCM(self._secret + key).decrypt(data[-_NONCE_BYTES:], data[:-_NONCE_BYTES], None)
        except InvalidTag:
            raise Unreadable("the encrypted data does not open: changed, cut off, or under another key") from None

    def open_identity(self, stored: object) -> str:
        """An identity of an agreement or an event. Early releases kept them in clear, which is what then comes back.

        Raises:
            Unreadable: encrypted, and not under this key.
        """
        text = "" if stored is None else str(stored)
        try:
            data = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            return text
        if len(data) < _TAG_BYTES:
            return text
        try:
            return self._identities.decrypt(_IDENTITY_NONCE, data, None).decode()
        except (InvalidTag, UnicodeDecodeError):
            raise Unreadable("an encrypted identity does not open") from None


def _bytes_of(value: object, what: str) -> bytes:
    if value is None or value == "":
        raise Unreadable(f"{what} is missing")
    try:
        return base64.b64decode(str(value), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable(f"{what} is not base64") from None
