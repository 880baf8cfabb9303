"""Which fields a change touches, and that nothing else of a document has a say in what it does."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from databunker.errors import VaultError
from gdpr.touched import original_of, touched_paths, unchanged
from vault.patch import apply, equal

DOCUMENT = {"login": "ann", "name": {"first": "Ann", "last": "E"}, "tags": ["a", {"b": 1}], "n": None, "empty": {}}


@pytest.mark.parametrize(
    ("change", "paths", "original"),
    [
        ({"login": "x"}, [("login",)], {"login": "ann"}),
        ({"login": None, "new": 1}, [("login",), ("new",)], {"login": "ann"}),
        ({"name": {"first": "A", "title": "Dr"}}, [("name", "first"), ("name", "title")], {"name": {"first": "Ann"}}),
        ({"login": {"deep": 1}}, [("login",)], {"login": "ann"}),
        ({"new": {"deep": 1}}, [("new",)], {}),
        ({"name": {}}, [("name",)], {"name": {"first": "Ann", "last": "E"}}),
        ({"empty": {"x": 1}}, [("empty", "x")], {"empty": {}}),
        ({"n": {"x": 1}}, [("n",)], {"n": None}),
        ([{"op": "replace", "path": "/name/first", "value": 1}], [("name", "first")], {"name": {"first": "Ann"}}),
        ([{"op": "add", "path": "/tags/-", "value": 1}], [("tags",)], {"tags": ["a", {"b": 1}]}),
        ([{"op": "add", "path": "/tags/1/b", "value": 1}], [("tags",)], {"tags": ["a", {"b": 1}]}),
        ([{"op": "move", "from": "/login", "path": "/a~1b"}], [("a/b",), ("login",)], {"login": "ann"}),
        ([{"op": "copy", "from": "/name", "path": "/x"}], [("name",), ("x",)], {"name": {"first": "Ann", "last": "E"}}),
        ([{"op": "test", "path": "/login", "value": "ann"}], [], {}),
        ([{"op": "add", "path": "/x", "value": {}}, {"op": "add", "path": "/x/y", "value": 1}], [("x",)], {}),
        ([{"op": "add", "path": "", "value": {"login": "x"}}, {"op": "remove", "path": "/login"}], [()], DOCUMENT),
    ],
)
def test_touched_paths_and_what_was_there(change: Any, paths: list[tuple[str, ...]], original: Any) -> None:
    assert touched_paths(DOCUMENT, change) == paths
    assert original_of(DOCUMENT, paths) == original
    assert unchanged(DOCUMENT, original, paths)


@pytest.mark.parametrize(
    ("change", "meanwhile"),
    [
        ({"login": "x"}, {"login": "bob"}),
        ({"login": "x"}, {"login": None}),
        ({"new": 1}, {"new": 1}),
        ({"new": None}, {"new": 5}),
        ({"name": {"first": "A"}}, {"name": None}),
        ({"name": {"first": "A"}}, {"name": "text"}),
        ({"name": {"title": "Dr"}}, {"name": None}),
        ({"name": {"title": "Dr"}}, {"name": "text"}),
        ({"name": {"title": "Dr"}}, {"name": {"title": "Mr"}}),
        ({"name": {}}, {"name": None}),
        ({"n": 1}, [{"op": "remove", "path": "/n"}]),
        ({"empty": 1}, {"empty": {"x": 1}}),
        ([{"op": "add", "path": "/tags/0", "value": 1}], [{"op": "add", "path": "/tags/-", "value": 1}]),
        ([{"op": "copy", "from": "/login", "path": "/x"}], {"login": "bob"}),
        ([{"op": "add", "path": "", "value": {}}], {"anything": 1}),
    ],
)
def test_a_change_of_the_same_fields_is_noticed(change: Any, meanwhile: Any) -> None:
    paths = touched_paths(DOCUMENT, change)
    original = original_of(DOCUMENT, paths)
    assert not unchanged(apply(DOCUMENT, meanwhile, max_bytes=9999), original, paths)


@pytest.mark.parametrize("meanwhile", [{"other": 1}, {"name": {"last": "F"}}, {"name": {"middle": "M"}}])
def test_a_change_of_other_fields_is_none_of_its_business(meanwhile: Any) -> None:
    change = {"login": "x", "name": {"first": "A"}}
    paths = touched_paths(DOCUMENT, change)
    assert unchanged(apply(DOCUMENT, meanwhile, max_bytes=9999), original_of(DOCUMENT, paths), paths)


def test_a_number_written_otherwise_is_the_same_and_true_is_not_one() -> None:
    assert unchanged({"n": 1.0}, {"n": 1}, [("n",)])
    assert not unchanged({"n": True}, {"n": 1}, [("n",)])


def test_nothing_that_was_kept_is_still_nothing() -> None:
    assert unchanged(None, None, [()])
    assert not unchanged({}, None, [()])
    assert not unchanged(None, {"a": 1}, [()])


NAMES = st.sampled_from(["a", "b", "c"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["x", "y"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(NAMES, inner, max_size=2),
    max_leaves=6,
)
DOCUMENTS = st.dictionaries(NAMES, VALUES, max_size=3)
POINTERS = st.lists(NAMES | st.sampled_from(["0", "-"]), max_size=3).map(
    lambda names: "".join(f"/{name}" for name in names)
)
OPERATIONS = st.one_of(
    st.fixed_dictionaries({"op": st.sampled_from(["add", "replace"]), "path": POINTERS, "value": VALUES}),
    st.fixed_dictionaries({"op": st.just("remove"), "path": POINTERS}),
    st.fixed_dictionaries({"op": st.sampled_from(["move", "copy"]), "path": POINTERS, "from": POINTERS}),
)
CHANGES = DOCUMENTS | st.lists(OPERATIONS, max_size=3)


def applied(document: dict[str, Any], change: Any) -> Any:
    try:
        return apply(copy.deepcopy(document), change, max_bytes=9999)
    except VaultError:
        return None


@example({"a": {}}, {"a": {}}, {"a": None})
@given(DOCUMENTS, CHANGES, DOCUMENTS | CHANGES)
def test_where_the_touched_fields_are_as_they_were_the_change_does_the_same(
    document: dict[str, Any], change: Any, meanwhile: Any
) -> None:
    """Whatever happened to the rest: the touched fields become what they would have become, the rest is left alone."""
    wanted = applied(document, change)
    assume(wanted is not None)
    paths = touched_paths(document, change)
    original = original_of(document, paths)
    assert unchanged(document, original, paths)
    other = applied(document, meanwhile)
    assume(other is not None and unchanged(other, original, paths))
    result = applied(other, change)
    assert result is not None
    assert unchanged(result, wanted, paths)
    assert equal(without(result, paths), without(other, paths))


def without(document: Any, paths: list[tuple[str, ...]]) -> Any:
    """The document less everything at these paths."""
    copied = copy.deepcopy(document)
    for path in paths:
        if not path:
            return None
        place = copied
        for name in path[:-1]:
            place = place.get(name) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place.pop(path[-1], None)
    return copied
