"""Bytes that are surely no longer what they were: a byte that is overwritten may have had that value before."""

from __future__ import annotations

__all__ = ["flipped"]


def flipped(data: bytes, at: int = -1) -> bytes:
    """`data` with the lowest bit of one byte inverted, of the last unless told otherwise."""
    changed = bytearray(data)
    changed[at] ^= 1
    return bytes(changed)
