"""What can go wrong with keys and ciphertexts. Messages say what to do, never what was inside."""

from __future__ import annotations

from databunker.errors import Conflict, Unavailable, VaultError

__all__ = [
    "CryptoError",
    "IntegrityFailure",
    "KeyringError",
    "MasterKeyError",
    "NoKeyringError",
    "RecoveryError",
    "UnknownKey",
]


class CryptoError(VaultError):
    """Base: the caller of the API only learns that the service failed; the log gets the reason."""

    code = "crypto"
    http_status = 500


class IntegrityFailure(CryptoError):
    """A ciphertext was changed, moved to another place, or sealed under another key."""


class UnknownKey(CryptoError):
    """An envelope names a key that this keyring does not hold."""


class KeyringError(Unavailable):
    """The keyring is missing or can't be opened: nothing may start or go on without it."""


class NoKeyringError(KeyringError):
    """There is no key at all."""

    message = "this vault has no keyring yet: run `manage.py init`"


class MasterKeyError(KeyringError):
    """The wrapping key is missing, malformed or not the one that wraps this keyring."""


class RecoveryError(Conflict):
    """Recovery shares don't open what they are to open. Nothing was changed."""
