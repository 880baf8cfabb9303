"""The sketch that counts different values: how good it is, and that nothing but the values matters."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.watch.sketch import EMPTY, REGISTERS, count, with_values


@pytest.mark.parametrize("number", [0, 1, 2, 10, 100, 1_000, 3_000, 20_000, 200_000])
def test_it_counts_within_a_few_per_cent(number: int) -> None:
    counted = count(with_values(EMPTY, (os.urandom(16) for _ in range(number))))
    # Four standard errors: one such test in ten thousand fails by chance.
    assert abs(counted - number) <= max(0.13 * number, 1)


@given(st.lists(st.binary(min_size=16, max_size=16)), st.lists(st.binary(min_size=16, max_size=16)))
def test_neither_order_nor_repetition_matters(left: list[bytes], right: list[bytes]) -> None:
    both = with_values(with_values(EMPTY, left), right)
    assert with_values(EMPTY, [*right, *left, *right]) == both
    assert len(both) == REGISTERS
    assert count(both) >= max(count(with_values(EMPTY, left)), count(with_values(EMPTY, right)))


def test_extreme_values_have_their_place() -> None:
    for value in (bytes(16), b"\xff" * 16):
        assert count(with_values(EMPTY, [value])) == 1
