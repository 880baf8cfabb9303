"""A row is the same bytes whichever driver it comes from, and comes back as it was."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.backup.rows import decode_row, encode_row
from databunker.backup.tables import Kind

VALUES = {
    Kind.INTEGER: st.integers(-(2**63), 2**63 - 1),
    Kind.BOOLEAN: st.booleans(),
    Kind.BYTES: st.binary(max_size=300),
    Kind.UUID: st.uuids(),
    Kind.TEXT: st.text(max_size=100).filter(lambda text: text.isprintable()),
}


@st.composite
def rows(draw: Any) -> tuple[list[Kind], list[Any]]:
    kinds = draw(st.lists(st.sampled_from(list(Kind)), min_size=1, max_size=6))
    return kinds, [draw(st.none() | VALUES[kind]) for kind in kinds]


@given(st.lists(rows(), max_size=4))
def test_rows_come_back_as_they_were(given_rows: list[tuple[list[Kind], list[Any]]]) -> None:
    data = b"".join(encode_row(row, kinds) for kinds, row in given_rows)
    at = 0
    for kinds, row in given_rows:
        found, at = decode_row(data, at, kinds)
        assert list(found) == row
    assert at == len(data)


@pytest.mark.parametrize(
    ("kind", "spellings"),
    [
        (Kind.UUID, [uuid.UUID(int=7), "00000000000000000000000000000007", "00000000-0000-0000-0000-000000000007"]),
        (Kind.BYTES, [b"\x00\xff", memoryview(b"\x00\xff"), bytearray(b"\x00\xff")]),
        (Kind.BOOLEAN, [True, 1]),
        (Kind.BOOLEAN, [False, 0]),
    ],
)
def test_all_drivers_spellings_are_one(kind: Kind, spellings: list[Any]) -> None:
    assert len({encode_row([spelling], [kind]) for spelling in spellings}) == 1


@pytest.mark.parametrize(
    ("row", "kinds", "data"),
    [
        ([None], [Kind.TEXT], "00"),
        ([""], [Kind.TEXT], "01"),
        (["é"], [Kind.TEXT], "03c3a9"),
        ([0], [Kind.INTEGER], "0200"),
        ([-1], [Kind.INTEGER], "02ff"),
        ([127], [Kind.INTEGER], "027f"),
        ([128], [Kind.INTEGER], "030080"),
        ([-128], [Kind.INTEGER], "03ff80"),
        ([bytes(126)], [Kind.BYTES], "7f" + "00" * 126),
        ([bytes(127)], [Kind.BYTES], "8001" + "00" * 127),
        ([True, None, 1], [Kind.BOOLEAN, Kind.UUID, Kind.INTEGER], "0201000201"),
    ],
)
def test_the_bytes_are_those_of_the_documentation(row: list[Any], kinds: list[Kind], data: str) -> None:
    assert encode_row(row, kinds).hex() == data
    assert list(decode_row(bytes.fromhex(data), 0, kinds)[0]) == row


@pytest.mark.parametrize("data", ["", "80", "05aabbcc", "ffffffffffffffffff7f", "03"])
def test_what_is_no_row_is_refused(data: str) -> None:
    with pytest.raises((ValueError, IndexError)):
        decode_row(bytes.fromhex(data), 0, [Kind.BYTES])


def test_a_row_has_a_value_for_each_column() -> None:
    with pytest.raises(ValueError, match="zip"):
        encode_row([1], [Kind.INTEGER, Kind.INTEGER])
