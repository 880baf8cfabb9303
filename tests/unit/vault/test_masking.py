"""How values are masked, by their kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vault.masking import MASK, masked


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("email", "ann@example.com", "a***@e***.com"),
        ("contact", " Ann.Example@mail.example.co.uk ", "A***@m***.uk"),
        ("email", "ann@localhost", "a***@l***"),
        ("email", "ünn@exämple.de", "ü***@e***.de"),
        ("email", "not an address", MASK),
        ("email", "a@b@c.de", MASK),
        ("email", "a@b.somethingsecret", "a***@b***"),
        ("email", "a@b.1234", "a***@b***"),
        ("phone", "+44 7700 900123", "***23"),
        ("phone", "07700 900-123", "***23"),
        ("phone", "12345", MASK),
        ("mobile", "07700900123", "***23"),
        ("note", "+447700900123", "***23"),
        ("ssn", "123-45-6789", MASK),
        ("card", "4111111111111111", MASK),
        ("note", "", MASK),
        ("note", "x", MASK),
        ("age", 42, MASK),
        ("rate", 1.5, MASK),
        ("vip", True, MASK),
        ("gone", None, None),
    ],
)
def test_each_kind_has_its_mask(name: str, value: Any, shown: Any) -> None:
    assert masked({name: value}) == {name: shown}


def test_objects_and_lists_keep_their_form() -> None:
    document = {"a": {"b": [1, {"email": "x@y.org"}, ["+447700900123"]]}, "phone": ["+447700900123", None], "e": {}}
    assert masked(document) == {
        "a": {"b": [MASK, {"email": "x***@y***.org"}, ["***23"]]},
        "phone": ["***23", None],
        "e": {},
    }


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    max_leaves=20,
)


def _same_form(left: Any, right: Any) -> bool:
    if isinstance(left, dict):
        return (
            isinstance(right, dict)
            and left.keys() == right.keys()
            and all(map(_same_form, left.values(), right.values()))
        )
    if isinstance(left, list):
        return isinstance(right, list) and len(left) == len(right) and all(map(_same_form, left, right))
    return right is None if left is None else isinstance(right, str) and MASK in right


@given(JSON)
def test_every_leaf_is_masked_and_nothing_else_changes(document: Any) -> None:
    assert _same_form(document, masked(document))


@given(st.text(min_size=20))
def test_of_a_text_next_to_nothing_is_left(text: str) -> None:
    shown = masked({"any": text})["any"]
    # Two letters, the sign between them, and the end of a domain.
    assert len(shown.replace(MASK, "")) <= 3 + 13
