"""Keyed hashes: blind indexes for look-ups, references for tokens, MACs for events.

All are BLAKE2b (RFC 7693) in keyed mode from hashlib, which wraps the reference implementation; keys are
32 bytes. Each use has a key of its own, derived by tenant and purpose, so that equal inputs give
unrelated outputs in different fields and tenants.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

from .encoding import pack

__all__ = ["DIGEST_BYTES", "MAC_BYTES", "derive_key", "digest", "mac", "same"]

# 128 bits: among a thousand million values of one field two collide with a chance of about 1e-21.
DIGEST_BYTES = 16
MAC_BYTES = 32


@lru_cache(maxsize=4096)
def derive_key(root: bytes, *context: bytes) -> bytes:
    """A 32-byte subkey of `root` for `context`, for instance (b"identity", tenant, field name)."""
    return hashlib.blake2b(pack(context), key=root, digest_size=32, person=b"databunker.kdf.1").digest()


def digest(value: bytes, *, key: bytes) -> bytes:
    """The 16-byte keyed hash by which a row is found without storing `value`."""
    return hashlib.blake2b(value, key=key, digest_size=DIGEST_BYTES, person=b"databunker.idx.1").digest()


def mac(message: bytes, *, key: bytes) -> bytes:
    """The 32-byte message authentication code of `message`."""
    return hashlib.blake2b(message, key=key, digest_size=MAC_BYTES, person=b"databunker.mac.1").digest()


def same(left: bytes, right: bytes) -> bool:
    """Whether two secrets are equal, in a time that doesn't depend on where they differ."""
    return hmac.compare_digest(left, right)
