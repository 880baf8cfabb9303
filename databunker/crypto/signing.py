"""Ed25519 signatures (RFC 8032): what the vault states to those who have none of its keys."""

from __future__ import annotations

from nacl.bindings import crypto_sign, crypto_sign_BYTES, crypto_sign_open, crypto_sign_seed_keypair
from nacl.exceptions import CryptoError as SodiumError

from .errors import IntegrityFailure

__all__ = ["SIGNATURE_BYTES", "public_key_of", "sign", "verify"]

SIGNATURE_BYTES: int = crypto_sign_BYTES


def public_key_of(seed: bytes) -> bytes:
    """The 32 bytes that everybody may know."""
    public: bytes = crypto_sign_seed_keypair(seed)[0]
    return public


def sign(message: bytes, *, seed: bytes) -> bytes:
    """The signature alone; the same message and seed always give the same one."""
    _, secret = crypto_sign_seed_keypair(seed)
    signed: bytes = crypto_sign(message, secret)
    return signed[:SIGNATURE_BYTES]


def verify(message: bytes, signature: bytes, *, public_key: bytes) -> None:
    """
    Raises:
        IntegrityFailure: the signature is not this key's over this message.
    """
    try:
        if len(signature) == SIGNATURE_BYTES:
            crypto_sign_open(signature + message, public_key)
            return
    except (SodiumError, ValueError, TypeError):
        pass
    raise IntegrityFailure("a signature does not hold")
