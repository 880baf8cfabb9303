from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.encoding import RawEncoder
from nacl.hash import blake2b as sodium_blake2b

from databunker.crypto import hashing

FUNCTIONS: dict[str, Callable[[dict[str, Any]], bytes]] = {
    "derive_key": lambda case: hashing.derive_key(bytes.fromhex(case["key"]), *map(bytes.fromhex, case["context"])),
    "digest": lambda case: hashing.digest(bytes.fromhex(case["value"]), key=bytes.fromhex(case["key"])),
    "mac": lambda case: hashing.mac(bytes.fromhex(case["value"]), key=bytes.fromhex(case["key"])),
}
keys = st.binary(min_size=32, max_size=32)


def sodium(message: bytes, key: bytes, size: int, person: bytes) -> bytes:
    """BLAKE2b by libsodium, whose code shares nothing with hashlib's."""
    found: bytes = sodium_blake2b(message, digest_size=size, key=key, person=person, encoder=RawEncoder)
    return found


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("hashing")["positive"]:
        assert FUNCTIONS[case["function"]](case).hex() == case["output"], case


def test_vectors_that_must_differ(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("hashing")["negative"]:
        assert FUNCTIONS[case["function"]](case).hex() != case["not_output"], case["name"]


@given(st.binary(max_size=300), keys)
def test_digest_and_mac_agree_with_libsodium(message: bytes, key: bytes) -> None:
    assert hashing.digest(message, key=key) == sodium(message, key, 16, b"databunker.idx.1")
    assert hashing.mac(message, key=key) == sodium(message, key, 32, b"databunker.mac.1")


@given(st.lists(st.binary(max_size=20), max_size=4), keys)
def test_subkeys_agree_with_libsodium(context: list[bytes], key: bytes) -> None:
    packed = b"".join(len(piece).to_bytes(4, "big") + piece for piece in context)
    assert hashing.derive_key(key, *context) == sodium(packed, key, 32, b"databunker.kdf.1")


@given(keys, st.lists(st.binary(max_size=4), max_size=3), st.lists(st.binary(max_size=4), max_size=3))
def test_each_context_has_a_key_of_its_own(root: bytes, left: list[bytes], right: list[bytes]) -> None:
    assert (hashing.derive_key(root, *left) == hashing.derive_key(root, *right)) == (left == right)


@given(st.binary(max_size=100), keys)
def test_the_three_uses_never_agree_even_under_one_key(message: bytes, key: bytes) -> None:
    outputs = {
        hashing.digest(message, key=key),
        hashing.mac(message, key=key)[:16],
        hashing.derive_key(key, message)[:16],
        hashlib.blake2b(message, key=key, digest_size=16).digest(),
    }
    assert len(outputs) == 4


def test_lengths() -> None:
    key = bytes(32)
    assert len(hashing.digest(b"", key=key)) == hashing.DIGEST_BYTES == 16
    assert len(hashing.mac(b"", key=key)) == hashing.MAC_BYTES == 32
    assert len(hashing.derive_key(key)) == 32


@pytest.mark.parametrize(("left", "right"), [(b"abc", b"abd"), (b"abc", b"ab"), (b"", b"a"), (b"abc", b"bbc")])
def test_different_secrets_are_not_the_same(left: bytes, right: bytes) -> None:
    assert not hashing.same(left, right)
    assert hashing.same(left, bytes(bytearray(left)))
