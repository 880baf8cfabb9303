from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from databunker.crypto.encoding import pack

# Few different bytes, zeros among them: so that pieces which imitate a length prefix do come up.
pieces = st.lists(st.lists(st.sampled_from([0, 1, 2, 97]), max_size=10).map(bytes), max_size=6)


def unpack(packed: bytes) -> list[bytes]:
    """The inverse, written out: that it exists proves that `pack` is injective."""
    found, at = [], 0
    while at < len(packed):
        (length,) = struct.unpack_from(">I", packed, at)
        found.append(packed[at + 4 : at + 4 + length])
        at += 4 + length
    return found


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("pack")["positive"]:
        assert pack(map(bytes.fromhex, case["pieces"])).hex() == case["packed"], case["name"]


def test_lists_that_look_alike_when_joined_are_told_apart(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("pack")["negative"]:
        assert pack(map(bytes.fromhex, case["left"])) != pack(map(bytes.fromhex, case["right"])), case["name"]


@given(pieces)
def test_every_list_can_be_read_back(given_pieces: list[bytes]) -> None:
    assert unpack(pack(given_pieces)) == given_pieces


@given(pieces, pieces)
def test_different_lists_never_give_the_same_bytes(left: list[bytes], right: list[bytes]) -> None:
    assert (pack(left) == pack(right)) == (left == right)


@given(pieces, st.data())
def test_the_same_bytes_cut_elsewhere_pack_differently(given_pieces: list[bytes], data: st.DataObject) -> None:
    joined = b"".join(given_pieces)
    cut = data.draw(st.integers(0, len(joined)))
    recut = [joined[:cut], joined[cut:]]
    assert (pack(recut) == pack(given_pieces)) == (recut == given_pieces)
