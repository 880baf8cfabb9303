"""From a token to the person's reference, and the sealed token."""

from __future__ import annotations

from uuid import UUID

from databunker.crypto import hashing, store
from databunker.crypto.envelope import Place
from databunker.crypto.keyring import Keyring, Purpose

__all__ = ["open_token", "seal_token", "subject_of", "token_place"]


def subject_of(token: UUID, *, tenant: int, keyring: Keyring | None = None) -> bytes:
    """The 16-byte reference under which all rows of the token's person stand."""
    root = (keyring or store.current_keyring()).secret(Purpose.REFERENCE)
    return hashing.digest(token.bytes, key=hashing.derive_key(root, b"subject", tenant.to_bytes(4, "big")))


def token_place(tenant: int, subject: bytes) -> Place:
    """Where a sealed token lives."""
    return Place(tenant, b"record", b"token", subject)


def seal_token(token: UUID, *, tenant: int, subject: bytes, keyring: Keyring) -> bytes:
    """The token under a data key: it stays readable after the person is forgotten, for reference."""
    return keyring.seal(token.bytes, token_place(tenant, subject))


def open_token(sealed: bytes, *, tenant: int, subject: bytes, keyring: Keyring) -> UUID:
    """
    Raises:
        IntegrityFailure, UnknownKey: see `Keyring.open`.
    """
    return UUID(bytes=keyring.open(sealed, token_place(tenant, subject)))
