"""Ed25519, as RFC 8032 has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.signing import SIGNATURE_BYTES, public_key_of, sign, verify

SEED = bytes(range(32))
# The order of the group: a signature's second half must be less.
ORDER = 2**252 + 27742317777372353535851937790883648493


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("ed25519")["positive"]:
        seed, message = bytes.fromhex(case["seed"]), bytes.fromhex(case["message"])
        assert public_key_of(seed).hex() == case["public_key"], case["name"]
        assert sign(message, seed=seed).hex() == case["signature"], case["name"]
        verify(message, bytes.fromhex(case["signature"]), public_key=bytes.fromhex(case["public_key"]))


def test_signatures_that_must_not_hold(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("ed25519")["negative"]:
        with pytest.raises(IntegrityFailure):
            verify(
                bytes.fromhex(case["message"]),
                bytes.fromhex(case["signature"]),
                public_key=bytes.fromhex(case["public_key"]),
            )


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=200), st.integers(0, SIGNATURE_BYTES * 8 - 1))
def test_what_was_signed_holds_and_nothing_else(seed: bytes, message: bytes, bit: int) -> None:
    signature, public_key = sign(message, seed=seed), public_key_of(seed)
    assert len(signature) == SIGNATURE_BYTES
    verify(message, signature, public_key=public_key)
    changed = bytearray(signature)
    changed[bit // 8] ^= 1 << bit % 8
    for wrong in ((message, bytes(changed)), (message + b"\x00", signature), (message, signature[:-1])):
        with pytest.raises(IntegrityFailure):
            verify(*wrong, public_key=public_key)


def test_a_signature_has_one_form_only() -> None:
    """The other one, whose second half is larger by the group's order, is refused."""
    signature = sign(b"once", seed=SEED)
    second = int.from_bytes(signature[32:], "little") + ORDER
    other = signature[:32] + second.to_bytes(32, "little")
    with pytest.raises(IntegrityFailure):
        verify(b"once", other, public_key=public_key_of(SEED))


@pytest.mark.parametrize("public_key", [b"", bytes(31), bytes(33), bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_what_is_no_public_key_is_refused(public_key: bytes) -> None:
    with pytest.raises(IntegrityFailure):
        verify(b"message", sign(b"message", seed=SEED), public_key=public_key)
