"""Merge patch and JSON Patch against the examples of their standards, and against hostile patches."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker import jsontext
from databunker.errors import BadRequest, Conflict, VaultError
from vault.patch import MAX_OPERATIONS, apply, json_patch, merge_patch

MANY = 1_000_000
keys = st.sampled_from(["a", "b", "c", "", "~", "/", "0"])
scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from(["", "x", 0.5, Decimal("0.10")])
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
documents = st.dictionaries(keys, values, max_size=4)
pointers = st.lists(
    keys.map(lambda key: key.replace("~", "~0").replace("/", "~1")) | st.sampled_from(["-", "1", "01"]), max_size=3
).map(lambda parts: "".join("/" + part for part in parts))
operations = st.fixed_dictionaries(
    {"op": st.sampled_from(["add", "remove", "replace", "move", "copy", "test"]), "path": pointers},
    optional={"from": pointers, "value": values},
)

# RFC 7396, appendix A: original, patch, result.
MERGES = [
    ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    ({"a": "b"}, {"a": None}, {}),
    ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    (["a", "b"], ["c", "d"], ["c", "d"]),
    ({"a": "b"}, ["c"], ["c"]),
    ({"a": "foo"}, None, None),
    ({"a": "foo"}, "bar", "bar"),
    ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
]

# RFC 6902, appendix A: section, document, patch, result.
PATCHES = [
    ("A.1", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux"}], {"baz": "qux", "foo": "bar"}),
    ("A.2", {"foo": ["bar", "baz"]}, [{"op": "add", "path": "/foo/1", "value": "qux"}], {"foo": ["bar", "qux", "baz"]}),
    ("A.3", {"baz": "qux", "foo": "bar"}, [{"op": "remove", "path": "/baz"}], {"foo": "bar"}),
    ("A.4", {"foo": ["bar", "qux", "baz"]}, [{"op": "remove", "path": "/foo/1"}], {"foo": ["bar", "baz"]}),
    (
        "A.5", {"baz": "qux", "foo": "bar"}, [{"op": "replace", "path": "/baz", "value": "boo"}],
        {"baz": "boo", "foo": "bar"},
    ),
    (
        "A.6",
        {"foo": {"bar": "baz", "waldo": "fred"}, "qux": {"corge": "grault"}},
        [{"op": "move", "from": "/foo/waldo", "path": "/qux/thud"}],
        {"foo": {"bar": "baz"}, "qux": {"corge": "grault", "thud": "fred"}},
    ),
    (
        "A.7",
        {"foo": ["all", "grass", "cows", "eat"]},
        [{"op": "move", "from": "/foo/1", "path": "/foo/3"}],
        {"foo": ["all", "cows", "eat", "grass"]},
    ),
    (
        "A.8",
        {"baz": "qux", "foo": ["a", 2, "c"]},
        [{"op": "test", "path": "/baz", "value": "qux"}, {"op": "test", "path": "/foo/1", "value": 2}],
        {"baz": "qux", "foo": ["a", 2, "c"]},
    ),
    (
        "A.10", {"foo": "bar"}, [{"op": "add", "path": "/child", "value": {"grandchild": {}}}],
        {"foo": "bar", "child": {"grandchild": {}}},
    ),
    ("A.11", {"foo": "bar"}, [{"op": "add", "path": "/baz", "value": "qux", "xyz": 123}], {"foo": "bar", "baz": "qux"}),
    ("A.14", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": 10}], {"/": 9, "~1": 10}),
    ("A.16", {"foo": ["bar"]}, [{"op": "add", "path": "/foo/-", "value": ["abc", "def"]}], {"foo": ["bar", ["abc", "def"]]}),
]  # fmt: skip
REFUSED_PATCHES = [
    ("A.9", {"baz": "qux"}, [{"op": "test", "path": "/baz", "value": "bar"}], Conflict),
    ("A.12", {"foo": "bar"}, [{"op": "add", "path": "/baz/bat", "value": "qux"}], BadRequest),
    ("A.15", {"/": 9, "~1": 10}, [{"op": "test", "path": "/~01", "value": "10"}], Conflict),
]


@pytest.mark.parametrize(("original", "patch", "result"), MERGES)
def test_rfc_7396_appendix_a(original: Any, patch: Any, result: Any) -> None:
    assert merge_patch(original, patch) == result


@pytest.mark.parametrize(("section", "document", "patch", "result"), PATCHES)
def test_rfc_6902_appendix_a(section: str, document: Any, patch: Any, result: Any) -> None:
    assert apply(document, patch, max_bytes=MANY) == result, section


@pytest.mark.parametrize(("section", "document", "patch", "refusal"), REFUSED_PATCHES)
def test_rfc_6902_appendix_a_refusals(section: str, document: Any, patch: Any, refusal: type[VaultError]) -> None:
    with pytest.raises(refusal):
        apply(document, patch, max_bytes=MANY)
        pytest.fail(section)


def test_rfc_6902_appendix_a_13_is_refused_as_json_already() -> None:
    with pytest.raises(BadRequest, match="duplicate key"):
        jsontext.loads(b'[{"op":"add","path":"/baz","value":"qux","op":"remove"}]')


# Merge patch, its laws


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without_nulls(child) for name, child in value.items() if child is not None}
    return value


@given(documents, documents)
def test_merging_twice_is_merging_once(document: dict[str, Any], change: dict[str, Any]) -> None:
    once = merge_patch(document, change)
    assert merge_patch(once, change) == once


@given(documents)
def test_an_empty_merge_changes_nothing(document: dict[str, Any]) -> None:
    assert merge_patch(document, {}) == document


@given(documents)
def test_merging_into_nothing_gives_the_patch_without_its_nulls(change: dict[str, Any]) -> None:
    assert merge_patch({}, change) == without_nulls(change)


@given(documents)
def test_nulls_delete_every_field(document: dict[str, Any]) -> None:
    assert merge_patch(document, dict.fromkeys(document)) == {}


# What is left alone, what comes out


@given(documents, documents | st.lists(operations, max_size=6))
def test_neither_document_nor_change_is_ever_touched(document: dict[str, Any], change: Any) -> None:
    before = copy.deepcopy((document, change))
    try:
        result = apply(document, change, max_bytes=MANY)
    except VaultError:
        result = {}
    result["touched"] = 1
    assert (document, change) == before


@given(documents, st.lists(operations, max_size=6))
def test_a_json_patch_gives_an_object_or_a_refusal_and_nothing_else(
    document: dict[str, Any], change: list[dict[str, Any]]
) -> None:
    try:
        result = apply(document, change, max_bytes=MANY)
    except (BadRequest, Conflict):
        return
    assert isinstance(result, dict)
    assert jsontext.loads(jsontext.dumps(result)) == result


def test_a_nested_document_is_not_touched_by_a_patch_within_it() -> None:
    document = {"a": {"b": {"c": [1, 2]}}}
    apply(document, [{"op": "add", "path": "/a/b/c/0", "value": 0}], max_bytes=MANY)
    apply(document, {"a": {"b": {"d": 1}}}, max_bytes=MANY)
    assert document == {"a": {"b": {"c": [1, 2]}}}


def test_a_patch_that_fails_at_its_end_changes_nothing() -> None:
    document = {"a": [1]}
    change = [{"op": "add", "path": "/a/0", "value": 0}, {"op": "test", "path": "/a/0", "value": 9}]
    with pytest.raises(Conflict):
        apply(document, change, max_bytes=MANY)
    assert document == {"a": [1]}


@pytest.mark.parametrize("change", [None, True, 0, 1.5, "text", Decimal("0.10"), ""])
def test_a_change_is_an_object_or_an_array(change: Any) -> None:
    with pytest.raises(BadRequest, match="a change is"):
        apply({"a": 1}, change, max_bytes=MANY)


@pytest.mark.parametrize("value", [None, 1, "text", [], [{"a": 1}], True])
def test_the_whole_record_is_only_ever_replaced_by_an_object(value: Any) -> None:
    for name in ("replace", "add"):
        with pytest.raises(BadRequest, match="must be an object"):
            apply({"a": 1}, [{"op": name, "path": "", "value": value}], max_bytes=MANY)
    assert apply({"a": 1}, [{"op": "replace", "path": "", "value": {"b": 2}}], max_bytes=MANY) == {"b": 2}


@pytest.mark.parametrize(
    "operation",
    [
        "add", 1, None, [], [[]], {}, {"op": "add"}, {"op": "add", "path": "/a"}, {"op": "nope", "path": "/a"},
        {"op": ["add"], "path": "/a"}, {"op": None, "path": "/a"}, {"op": "ADD", "path": "/a", "value": 1},
        {"op": "add", "path": 1, "value": 1}, {"op": "add", "path": None, "value": 1}, {"op": "add", "path": ["a"], "value": 1},
        {"op": "add", "path": "a", "value": 1}, {"op": "add", "path": "/~2", "value": 1}, {"op": "add", "path": "/~", "value": 1},
        {"op": "add", "path": "/list/3", "value": 1}, {"op": "add", "path": "/list/01", "value": 1},
        {"op": "add", "path": "/list/-1", "value": 1}, {"op": "add", "path": "/list/1e0", "value": 1},
        {"op": "add", "path": "/list/٣", "value": 1}, {"op": "add", "path": "/list/" + "9" * 5000, "value": 1},
        {"op": "add", "path": "/list/x", "value": 1}, {"op": "add", "path": "/text/0", "value": 1},
        {"op": "add", "path": "/null/0", "value": 1}, {"op": "add", "path": "/absent/0", "value": 1},
        {"op": "remove", "path": ""}, {"op": "remove", "path": "/absent"}, {"op": "remove", "path": "/list/-"},
        {"op": "remove", "path": "/list/2"}, {"op": "remove", "path": "/text/0"}, {"op": "replace", "path": "/absent", "value": 1},
        {"op": "replace", "path": "/list/2", "value": 1}, {"op": "replace", "path": "/list/-", "value": 1},
        {"op": "move", "path": "/a"}, {"op": "move", "from": "/absent", "path": "/a"}, {"op": "move", "from": 5, "path": "/a"},
        {"op": "move", "from": "/object", "path": "/object/inside"}, {"op": "move", "from": "", "path": "/a"},
        {"op": "copy", "path": "/a"}, {"op": "copy", "from": "/absent", "path": "/a"}, {"op": "copy", "from": None, "path": "/a"},
        {"op": "copy", "from": "/list/-", "path": "/a"}, {"op": "copy", "from": "/a~2", "path": "/a"},
    ],
)  # fmt: skip
def test_malformed_operations_are_a_bad_request_that_quotes_nothing(operation: Any) -> None:
    document = {"list": ["MARKER", 2], "text": "MARKER", "null": None, "object": {"MARKER": 1}}
    with pytest.raises(BadRequest, match="^the JSON Patch is malformed or does not fit the record$"):
        apply(document, [operation], max_bytes=MANY)


@pytest.mark.parametrize("path", ["/absent", "/list/9", "/list/-", "/text/0", "/null/a", "/text", ""])
def test_a_test_that_does_not_hold_is_a_conflict_that_quotes_nothing(path: str) -> None:
    document = {"list": ["MARKER"], "text": "MARKER", "null": None}
    with pytest.raises(Conflict) as refusal:
        apply(document, [{"op": "test", "path": path, "value": "WANTED"}], max_bytes=MANY)
    assert str(refusal.value) == "a test operation of the JSON Patch does not hold"


@pytest.mark.parametrize(
    ("held", "tested", "holds"),
    [
        (1, 1, True), (1, 2, False), (1, True, False), (0, False, False), ("1", 1, False), (None, False, False), (1, 1.0, True),
        (Decimal("0.10"), Decimal("0.1"), True), (Decimal("1E+2"), 100, True), (Decimal(2**70), Decimal("1180591620717411303424.0"), True),
        ([1, 2], [2, 1], False), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ([True], [1], False),
        (9007199254740993, Decimal(9007199254740992), False),
    ],
)  # fmt: skip
def test_a_test_compares_as_rfc_6902_says(held: Any, tested: Any, holds: bool) -> None:
    change = [{"op": "test", "path": "/a", "value": tested}]
    if holds:
        assert apply({"a": held}, change, max_bytes=MANY) == {"a": held}
    else:
        with pytest.raises(Conflict):
            apply({"a": held}, change, max_bytes=MANY)


@pytest.mark.parametrize(
    ("held", "tested"), [(b"0.1", b"0.10"), (b"0.10", b"0.1"), (b"[0.5]", b"[0.50]"), (b"1e-1", b"0.1")]
)
def test_a_number_equals_itself_however_it_is_written(held: bytes, tested: bytes) -> None:
    document = {"a": jsontext.loads(held)}
    change = [{"op": "test", "path": "/a", "value": jsontext.loads(tested)}]
    assert apply(document, change, max_bytes=MANY) == document


# Limits


def test_the_result_may_have_exactly_its_most_bytes() -> None:
    result = {"a": "x" * 10}
    size = len(json.dumps(result, separators=(",", ":")))
    assert apply({}, {"a": "x" * 10}, max_bytes=size) == result
    for change in ({"a": "x" * 10}, [{"op": "add", "path": "/a", "value": "x" * 10}]):
        with pytest.raises(BadRequest, match="too large"):
            apply({}, change, max_bytes=size - 1)


def test_a_patch_has_at_most_a_thousand_operations() -> None:
    change = [{"op": "test", "path": "/a", "value": 1}] * MAX_OPERATIONS
    assert apply({"a": 1}, change, max_bytes=MANY) == {"a": 1}
    with pytest.raises(BadRequest, match="at most 1000"):
        apply({"a": 1}, [*change, change[0]], max_bytes=MANY)


def test_a_copy_that_doubles_the_record_each_time_is_stopped() -> None:
    doubling = [{"op": "copy", "from": "/a", "path": "/a/-"}] * 40
    with pytest.raises(BadRequest, match="too large"):
        json_patch({"a": ["x" * 10]}, doubling, max_bytes=10_000)
    sideways = [{"op": "copy", "from": "", "path": f"/{number}"} for number in range(40)]
    with pytest.raises(BadRequest, match="too large"):
        json_patch({"a": ["x" * 10]}, sideways, max_bytes=10_000)


def test_copying_a_large_part_again_and_again_is_stopped() -> None:
    """Each copy overwrites the last, so the record stays small enough; the work must have an end all the same."""
    document = {"a": [0] * 2_000}
    copies = [{"op": "copy", "from": "/a", "path": "/b"}] * MAX_OPERATIONS
    with pytest.raises(BadRequest):
        apply(document, copies, max_bytes=10_000)


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


def test_the_result_may_be_64_deep_and_no_deeper() -> None:
    assert apply({}, nested(64), max_bytes=MANY) == nested(64)
    for change in (nested(65), [{"op": "add", "path": "/a", "value": nested(64)}]):
        with pytest.raises(BadRequest, match="deeper than 64"):
            apply({}, change, max_bytes=MANY)


@pytest.mark.parametrize("steps", [1, 2, 5, 20, 100])
def test_a_patch_that_digs_deeper_with_each_operation_is_a_bad_request(steps: int) -> None:
    change = [{"op": "add", "path": "/a" * (1 + 63 * step), "value": nested(63)} for step in range(steps + 1)]
    with pytest.raises(BadRequest, match="deeper"):
        apply({}, change, max_bytes=MANY)


def test_a_patch_that_copies_the_record_into_its_own_depth_is_a_bad_request() -> None:
    change: list[dict[str, Any]] = [{"op": "add", "path": "/a", "value": {}}]
    depth = 2
    for _ in range(12):
        change.append({"op": "copy", "from": "", "path": "/a" * depth})
        depth *= 2
    with pytest.raises(BadRequest):
        apply({}, change, max_bytes=MANY)


def test_numbers_stay_exact_through_a_change() -> None:
    document = jsontext.loads(b'{"money":0.10,"id":123456789012345678901234567890}')
    changed = apply(document, jsontext.loads(b'{"more":1.50}'), max_bytes=MANY)
    assert jsontext.dumps(changed) == b'{"money":0.10,"id":123456789012345678901234567890,"more":1.50}'
    moved = apply(document, jsontext.loads(b'[{"op":"move","from":"/money","path":"/cash"}]'), max_bytes=MANY)
    assert jsontext.dumps(moved) == b'{"id":123456789012345678901234567890,"cash":0.10}'
