"""One unambiguous way to write several values as bytes, for associated data, MACs and keyed hashes."""

from __future__ import annotations

import struct
from collections.abc import Iterable

__all__ = ["pack"]

_LENGTH = struct.Struct(">I")


def pack(pieces: Iterable[bytes]) -> bytes:
    """Each piece behind its 4-byte big-endian length.

    Injective: two different lists of pieces never give the same bytes, whatever the pieces hold. Joining
    by a separator would not have that property (compare pre-authentication encoding in PASETO).
    """
    return b"".join([_LENGTH.pack(len(piece)) + piece for piece in pieces])
