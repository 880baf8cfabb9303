"""The search that proves that nothing is in clear would find what is."""

from __future__ import annotations

import base64
import os
import random

import pytest

from tests.support.search import Needles, leaks, personal_values, spellings

VALUES = [
    "Zoë’s friend",
    "ann@example.com",
    "+447700900001",
    'back\\slash "q"',
    "12345678",
    "שלום",
    bytes(range(90, 106)),
]


@pytest.mark.parametrize("value", VALUES)
def test_every_spelling_is_found_wherever_it_stands(value: str | bytes) -> None:
    needles = Needles([value, *(str(number) * 5 for number in range(100))])
    shown = value if isinstance(value, str) else value.hex()
    noise = os.urandom(70_000)
    for name, text in spellings(value):
        for at in (0, 1, 2, 3, 2_046, 65_535, 65_536, len(noise)):
            data = noise[:at] + b"\x00" + text + b"\x00" + noise[at:]
            assert shown in {found.value for found in leaks(needles, data)}, (name, at)
    assert leaks(needles, noise) == []


@pytest.mark.parametrize("value", VALUES)
def test_it_is_found_in_the_base64_of_something_longer(value: str | bytes) -> None:
    raw = value if isinstance(value, bytes) else value.encode()
    for before in range(7):
        data = base64.b64encode(os.urandom(before) + raw + os.urandom(5))
        assert Needles([value]).find(data) != []
        assert Needles([value]).find(data.replace(b"+", b"-").replace(b"/", b"_")) != []


def test_short_values_count_once_there_are_several() -> None:
    needles = Needles(["Paris", "Leeds", "Łódź", "Milan"])
    assert leaks(needles, b"... Paris ... Leeds") == []
    assert {found.value for found in leaks(needles, b"... Paris ... Leeds ... Milan")} == {"Paris", "Leeds", "Milan"}


def test_digits_within_other_digits_are_no_find() -> None:
    assert Needles(["12345678"]).find(b"1123456789 a12345678b") == []
    assert Needles(["12345678"]).find(b"1123456789,12345678,") != []


def test_what_is_known_anyway_is_left_out() -> None:
    needles = Needles(["example.com", "ann@example.org"], known=[b"see https://example.com"])
    assert needles.left_out == {"example.com"}
    assert {found.value for found in needles.find(b"example.com ann@example.org")} == {"ann@example.org"}


def test_thousands_of_needles_all_are_found() -> None:
    dice = random.Random(1)
    values = [f"{dice.getrandbits(64):x}-{number}" for number in range(3_000)]
    noise = os.urandom(1_000)
    data = b"".join(noise[: dice.randrange(40)] + value.encode() for value in values)
    assert {found.value for found in Needles(values).find(data)} == set(values)


def test_personal_values_are_found_at_any_depth() -> None:
    value = {"a": ["12345", {"b": 123456.5, "c": 7, "d": True, "e": None, "f": "short"}], "g": "abc", "h": 1234567}
    assert set(personal_values(value)) == {"12345", "123456.5", "short", "1234567"}
