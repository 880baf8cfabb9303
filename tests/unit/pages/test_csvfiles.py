"""CSV files that a spreadsheet opens: nothing in them is run, in whatever language the spreadsheet speaks."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.pages.csvfiles import as_csv


def written(*cells: Any) -> str:
    answer: Any = as_csv(["a", "b"], [cells], filename="x.csv")
    return b"".join(answer.streaming_content).decode().split("\r\n", 1)[1].removesuffix("\r\n")


@pytest.mark.parametrize(
    ("text", "cell"),
    [
        ("=1+1", "'=1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "' =1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("-1+cmd", "'-1+cmd"),
        ("\tx", "'\tx"),
        ("x;=1+1", "x;'=1+1"),
        ("x; +1", "x;' +1"),
        ("x\t=1+1;@y", "x\t'=1+1;'@y"),
        ("x\n=1+1", '"x\n\'=1+1"'),
        ('x;"=1+1"', '"x;\'""=1+1"""'),
        ('"=1+1"', '"\'""=1+1"""'),
    ],
)
def test_what_begins_a_cell_anywhere_is_no_formula(text: str, cell: str) -> None:
    assert written(text) == cell


@pytest.mark.parametrize("value", ["ann@example.com", "a = b", "a-b; c", "-12.5", "+44", -3, 0, "12;5", "2026-11-28"])
def test_what_is_none_stays_as_it_is(value: Any) -> None:
    assert written(value) == str(value)


def test_a_long_cell_takes_no_long_time() -> None:
    assert len(written(";" * 1_000_000 + " " * 1_000_000)) == 2_000_000
