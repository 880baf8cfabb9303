"""The envelope against a second implementation, written out from draft-irtf-cfrg-xchacha-03 and RFC 8439.

It is slow, not constant in time and good for nothing else. It shows that what stands in the database is the
published algorithm and can be read without libsodium.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from databunker.crypto.envelope import Place, seal_with_nonce

CONSTANTS = struct.unpack("<4I", b"expand 32-byte k")
COLUMNS_AND_DIAGONALS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)  # fmt: skip


def add(left: int, right: int) -> int:
    return (left + right) & 0xFFFFFFFF


def turn(value: int, bits: int) -> int:
    return ((value << bits) & 0xFFFFFFFF) | (value >> (32 - bits))


def twenty_rounds(state: list[int]) -> list[int]:
    words = state.copy()
    for _ in range(10):
        for a, b, c, d in COLUMNS_AND_DIAGONALS:
            for first, second, third, bits in ((a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)):
                words[first] = add(words[first], words[second])
                words[third] = turn(words[third] ^ words[first], bits)
    return words


def chacha20_block(key: bytes, counter: int, nonce: bytes) -> bytes:
    state = [*CONSTANTS, *struct.unpack("<8I", key), counter, *struct.unpack("<3I", nonce)]
    return struct.pack("<16I", *map(add, state, twenty_rounds(state)))


def hchacha20(key: bytes, nonce: bytes) -> bytes:
    words = twenty_rounds([*CONSTANTS, *struct.unpack("<8I", key), *struct.unpack("<4I", nonce)])
    return struct.pack("<8I", *words[:4], *words[12:])


def poly1305(key: bytes, message: bytes) -> bytes:
    factor = int.from_bytes(key[:16], "little") & 0x0FFFFFFC0FFFFFFC0FFFFFFC0FFFFFFF
    total = 0
    for at in range(0, len(message), 16):
        total = (total + int.from_bytes(message[at : at + 16] + b"\x01", "little")) * factor % (2**130 - 5)
    return ((total + int.from_bytes(key[16:], "little")) % 2**128).to_bytes(16, "little")


def padded(text: bytes) -> bytes:
    return text + bytes(-len(text) % 16)


def encrypt(plaintext: bytes, associated: bytes, nonce: bytes, key: bytes) -> bytes:
    subkey, short_nonce = hchacha20(key, nonce[:16]), bytes(4) + nonce[16:]
    stream = b"".join(chacha20_block(subkey, 1 + at, short_nonce) for at in range(len(plaintext) // 64 + 1))
    ciphertext = bytes(left ^ right for left, right in zip(plaintext, stream, strict=False))
    lengths = struct.pack("<QQ", len(associated), len(ciphertext))
    return ciphertext + poly1305(
        chacha20_block(subkey, 0, short_nonce)[:32], padded(associated) + padded(ciphertext) + lengths
    )


def envelope_of(plaintext: bytes, key: bytes, key_id: int, place: Place, nonce: bytes) -> bytes:
    header = struct.pack(">BI", 1, key_id)
    associated = (
        header
        + struct.pack(">IIBB", place.tenant, place.version, len(place.table), len(place.field))
        + place.table + place.field + place.row
    )  # fmt: skip
    return header + nonce + encrypt(plaintext, associated, nonce, key)


def test_the_second_implementation_agrees_with_the_drafts_example_a_3_1() -> None:
    plaintext = (
        b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
        b"sunscreen would be it."
    )
    sealed = encrypt(
        plaintext, bytes.fromhex("50515253c0c1c2c3c4c5c6c7"), bytes(range(0x40, 0x58)), bytes(range(0x80, 0xA0))
    )
    assert sealed.hex() == (
        "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e39"
        "ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3fff9"
        "21f9664c97637da9768812f615c68b13b52e"
        "c0875924c1c7987947deafd8780acf49"
    )


def test_vectors_without_libsodium(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("envelope_v1")["positive"]:
        where = case["place"]
        place = Place(
            where["tenant"], where["table"].encode(), where["field"].encode(), bytes.fromhex(where["row"]),
            where["version"],
        )  # fmt: skip
        key, nonce, plaintext = (bytes.fromhex(case[name]) for name in ("key", "nonce", "plaintext"))
        assert envelope_of(plaintext, key, case["key_id"], place, nonce).hex() == case["envelope"], case["name"]


@settings(max_examples=25)
@given(
    st.binary(max_size=200),
    st.binary(min_size=32, max_size=32),
    st.integers(0, 2**32 - 1),
    st.builds(
        Place, st.integers(0, 2**32 - 1), st.binary(max_size=9), st.binary(max_size=9), st.binary(max_size=20),
        st.integers(0, 2**32 - 1),
    ),
    st.binary(min_size=24, max_size=24),
)  # fmt: skip
def test_both_implementations_seal_alike(plaintext: bytes, key: bytes, key_id: int, place: Place, nonce: bytes) -> None:
    assert seal_with_nonce(plaintext, key=key, key_id=key_id, place=place, nonce=nonce) == envelope_of(
        plaintext, key, key_id, place, nonce
    )
