"""A puzzle that costs a computer some time and a person none: for those who can't read a picture.

Find a whole number n so that the SHA-256 of `salt` followed by n in decimal begins with `bits` zero bits.
"""

from __future__ import annotations

import hashlib
import re

from django.conf import settings

__all__ = ["Challenge", "challenge", "solves"]

Challenge = dict[str, str | int]
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
_HEAD_BITS = 64


def challenge(salt: str) -> Challenge:
    """What a client needs to know."""
    return {"algorithm": "SHA-256", "salt": salt, "bits": settings.CAPTCHA_PROOF_BITS}


def solves(number: str, *, salt: str) -> bool:
    """Whether `number` is a solution; one hash, whatever is sent."""
    if not _NUMBER.fullmatch(number):
        return False
    head = hashlib.sha256(f"{salt}{number}".encode()).digest()[: _HEAD_BITS // 8]
    bits: int = settings.CAPTCHA_PROOF_BITS
    return int.from_bytes(head, "big") >> (_HEAD_BITS - bits) == 0
