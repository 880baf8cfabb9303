"""JSON in and out: nothing lost, nothing rounded, nothing but BadRequest for what is refused."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from databunker.errors import BadRequest
from databunker.jsontext import MAX_DEPTH, depth_within, dumps, loads

numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
values = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(texts, children, max_size=4),
    max_leaves=15,
)
# Numbers as RFC 8259 writes them, with every freedom that it gives: 1E+07, -0.10, 3e-005.
digits = st.text("0123456789", min_size=1, max_size=40)
whole = st.just("0") | st.tuples(st.sampled_from("123456789"), st.text("0123456789", max_size=40)).map("".join)
fractions = st.just("") | digits.map(lambda text: "." + text)
exponents = st.just("") | st.tuples(
    st.sampled_from("eE"), st.sampled_from(["", "+", "-"]), st.text("0123456789", min_size=1, max_size=22)
).map("".join)
number_texts = st.tuples(st.sampled_from(["", "-"]), whole, fractions, exponents).map("".join)


def exact(text: bytes) -> Any:
    """What Python's own parser reads, each number as the decimal that it writes."""
    return json.loads(text, parse_int=Decimal, parse_float=Decimal)


def nested(depth: int, opening: bytes = b"[", closing: bytes = b"]", core: bytes = b"") -> bytes:
    return opening * depth + core + closing * depth


# What is kept


@given(values)
def test_values_of_pythons_own_writer_round_trip(value: Any) -> None:
    text = json.dumps(value).encode()
    try:
        found = loads(text)
    except BadRequest as refusal:
        pytest.fail(f"{refusal}: {text!r}")
    assert exact(dumps(found)) == exact(text)


@given(values, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_spacing_and_escapes_change_nothing(value: Any, indent: Any, ascii_only: bool) -> None:
    written = json.dumps(value, indent=indent, ensure_ascii=ascii_only).encode()
    assert exact(dumps(loads(written))) == exact(written)


@pytest.mark.parametrize(
    "text",
    [
        "0", "-1", "0.1", "0.10", "1.0", "1.00", "100.50", "9007199254740992", "9007199254740993", "-9007199254740993",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "-9223372036854775809",
        "18446744073709551615", "18446744073709551616", "340282366920938463463374607431768211456",
        "0.1000000000000000055511151231257827", "123456789012345678901234567890.123456789",
    ],
)  # fmt: skip
def test_numbers_come_out_digit_by_digit(text: str) -> None:
    for around in ("{}", " {} ", '{{"a":[{}]}}', '{{ "a" : {}}}'):
        written = around.format(text).encode()
        assert dumps(loads(written)) == written.replace(b" ", b"")


@pytest.mark.parametrize(
    "text", ["1e400", "-1e400", "1E+400", "1e-400", "1.5e300", "1e308", "2.5E-10", "1e6144", "1e-6144", "0.1e1", "1e5"]
)
def test_numbers_with_an_exponent_keep_their_value(text: str) -> None:
    assert Decimal(dumps(loads(text.encode())).decode()) == Decimal(text)


@pytest.mark.parametrize("length", [309, 400, 1000])
def test_numbers_of_up_to_a_thousand_digits_are_kept(length: int) -> None:
    for text in (b"9" * length, b"0." + b"3" * (length - 2), b"-" + b"7" * (length - 1)):
        assert dumps(loads(text)) == text
        assert dumps(loads(b'{"a": [' + text + b"]}")) == b'{"a":[' + text + b"]}"


@settings(max_examples=200)
@given(number_texts)
@example("1e-9999999999999999999")
@example("0e99999999999999999999")
@example("-1E+999999999999999999999")
def test_any_number_is_kept_exactly_or_refused(text: str) -> None:
    try:
        found = loads(text.encode())
    except BadRequest:
        # Only what is out of range may be refused.
        assert (
            len(text) > 1000 or abs(Decimal(text[: text.lower().find("e")] or text).adjusted() + _exponent(text)) > 6144
        )
        return
    assert Decimal(dumps(found).decode()) == Decimal(text)


def _exponent(text: str) -> int:
    _, _, exponent = text.lower().partition("e")
    return int(exponent or 0)


@given(number_texts)
def test_what_was_written_is_read_alike(text: str) -> None:
    try:
        once = dumps(loads(text.encode()))
    except BadRequest:
        return
    assert exact(dumps(loads(once))) == exact(once)


def test_unicode_is_kept_as_it_is() -> None:
    text = '{"name":"Zoë ☎ 👩\u200d🚀 e\u0301 \u0000"}'
    written = json.dumps(json.loads(text, strict=False), ensure_ascii=True).encode()
    assert loads(written) == {"name": "Zoë ☎ 👩\u200d🚀 e\u0301 \u0000"}
    assert json.loads(dumps(loads(written))) == loads(written)


# What is refused


@pytest.mark.parametrize(
    "text",
    [
        b'{"a":1,"a":2}', b'{"a":1,"a":1}', b'{"a":1,"\\u0061":1}', b'{"":1,"":2}', b'[{"a":1,"b":2,"a":3}]',
        b'{"x":{"y":[{"z":{"a":1,"a":1}}]}}', '{"ë":1,"\\u00eb":1}'.encode(), b'{"a":{"a":1},"a":{"a":1}}',
        b'{"a":1e400,"a":1}', b'{"a":' + nested(200) + b',"a":1}', b'{"a":' + nested(1020) + b',"a":1}',
    ],
)  # fmt: skip
def test_duplicate_keys_are_refused_wherever_they_are(text: bytes) -> None:
    with pytest.raises(BadRequest):
        loads(text)


@given(st.integers(0, 20), texts, values, values)
def test_a_duplicate_key_at_any_depth_is_refused(depth: int, key: str, first: Any, second: Any) -> None:
    name = json.dumps(key)
    inside = f"{{{name}:{json.dumps(first)},{name}:{json.dumps(second)}}}".encode()
    for text in (nested(depth, core=inside), nested(depth, b'{"k":', b"}", core=inside)):
        with pytest.raises(BadRequest, match="duplicate key|too many digits|out of range"):
            loads(text)


def test_the_same_key_in_different_objects_is_no_duplicate() -> None:
    assert loads(b'[{"a":1},{"a":{"a":2}}]') == [{"a": 1}, {"a": {"a": 2}}]


@pytest.mark.parametrize("text", [b"NaN", b"Infinity", b"-Infinity", b"nan", b"inf"])
@pytest.mark.parametrize("around", [b"%b", b"[%b]", b'{"a":%b}', b"[1e400,%b]"])
def test_what_is_no_number_is_refused(text: bytes, around: bytes) -> None:
    with pytest.raises(BadRequest):
        loads(around % text)


@pytest.mark.parametrize(
    "text",
    [
        b'"\\ud800"', b'"\\udc00"', b'"\\udc00\\ud800"', b'"a\\ud83d"', b'"\\ud83d\\u0041"', b'{"\\ud800":1}',
        b'"\xed\xa0\x80"', b'[1e400,"\\ud800"]', b'[1e400,{"\\udfff":1}]', b'{"a":1,"b":{"c":"\\ud800"},"a":1}',
    ],
)  # fmt: skip
def test_lone_surrogates_are_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        loads(text)


def test_a_surrogate_pair_is_one_character() -> None:
    assert loads(b'"\\ud83d\\ude00"') == "\U0001f600"
    assert loads(b'[1e400,"\\ud83d\\ude00"]')[1] == "\U0001f600"


@pytest.mark.parametrize(
    "text",
    [
        b"\xff", b'"\xc3\x28"', b'"\xc0\x80"', b'"\xf5\x80\x80\x80"', b'{"\xe9":1}', b'[1e400,"\xc3\x28"]',
        '{"é":1}'.encode("latin-1"), '{"a":1}'.encode("utf-16"), '{"a":1}'.encode("utf-16-le"), '{"a":1}'.encode("utf-32"),
    ],
)  # fmt: skip
def test_anything_but_utf_8_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        loads(text)


@pytest.mark.parametrize("text", [b"\xef\xbb\xbf{}", b"\xef\xbb\xbf[1e400]", b"[\xef\xbb\xbf]", b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        loads(text)


@pytest.mark.parametrize(
    "text",
    [
        b"", b" ", b"\x00", b"{", b"[1,]", b'{"a":1,}', b"{a:1}", b"{'a':1}", b"[1]x", b"[1][2]", b"01", b"+1", b".5", b"1.",
        b"0x10", b"1e", b"--1", b"tru", b"True", b'"\n"', b'"\t"', b'"\x00"', b'"\\x41"', b'"\\u12"', b'"a', b"// c\n1",
        b"[1 2]", b'{"a" 1}', b"\x0b1", b"\xc2\xa01", b"1_000", b"[01e400]", b"[1e400,]",
    ],
)  # fmt: skip
def test_what_rfc_8259_does_not_allow_is_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        loads(text)


@pytest.mark.parametrize(
    ("opening", "core", "closing"),
    [(b"[", b"", b"]"), (b'{"a":', b"1", b"}"), (b'{"a":[', b"", b"]}"), (b"[ ", b"1e400", b"]")],
)
def test_exactly_64_levels_are_accepted_and_65_refused(opening: bytes, core: bytes, closing: bytes) -> None:
    levels = sum(opening.count(sign) for sign in (b"[", b"{"))
    loads(nested(MAX_DEPTH // levels, opening, closing, core))
    with pytest.raises(BadRequest, match="deeper than 64"):
        loads(nested(MAX_DEPTH // levels + 1, opening, closing, core))


@pytest.mark.parametrize("depth", [65, 254, 255, 256, 999, 1000, 1024, 1025, 5000, 200_000])
def test_any_greater_depth_is_refused(depth: int) -> None:
    for text in (nested(depth), nested(depth, b'{"a":', b"}", b"1"), b"[1e400," + nested(depth) + b"]", b"[" * depth):
        with pytest.raises(BadRequest):
            loads(text)


def test_many_brackets_side_by_side_are_not_deep() -> None:
    assert loads(b"[" + b",".join([b"[]"] * 200) + b"]") == [[]] * 200
    assert loads(b'["' + b"[" * 200 + b'"]') == ["[" * 200]


@pytest.mark.parametrize("length", [1001, 4301, 20_000])
def test_longer_numbers_are_refused(length: int) -> None:
    for text in (b"9" * length, b"-" + b"9" * length, b"0." + b"3" * length, b"[" + b"1" * length + b".5]"):
        with pytest.raises(BadRequest, match="too many digits"):
            loads(text)


@pytest.mark.parametrize(
    "text", [b"1e6145", b"1e-6145", b"1e999999", b"-1e-999999999", b"1e99999999999999999999", b"0e9999999"]
)
def test_numbers_out_of_range_are_refused(text: bytes) -> None:
    with pytest.raises(BadRequest):
        loads(text)


json_like = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b",", b":", b'"', b'"a"', b'"a":', b"1", b"1e400", b"-", b"0.10", b"1e-99999999999999999999",
         b"NaN", b"null", b" ", b"\\", b"\\ud800", b"\xff", b"\xef\xbb\xbf", b'{"a":1,"a":', b"9" * 400]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


@settings(max_examples=200)
@given(st.binary(max_size=60) | json_like)
def test_arbitrary_bytes_are_read_exactly_or_are_a_bad_request(text: bytes) -> None:
    try:
        found = loads(text)
    except BadRequest:
        return
    assert exact(dumps(found)) == exact(text)


@given(json_like)
def test_refusals_never_quote_the_input(noise: bytes) -> None:
    for text in (b'{"MARKER":"MARKER",' + noise, b'["MARKER"' + noise, b'{"MARKER":1,"MARKER":' + noise + b"}"):
        try:
            loads(text)
        except BadRequest as refusal:
            assert "MARKER" not in f"{refusal}{refusal.message}{refusal.args}{refusal.__cause__}"


# Writing and depth


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", {1: 2}, "\ud800", {"a": [complex(1)]}])
def test_what_is_no_json_is_not_written(value: Any) -> None:
    with pytest.raises(TypeError):
        dumps(value)


def test_decimals_are_written_as_numbers() -> None:
    assert dumps({"a": Decimal("0.10"), "b": [Decimal("1E+400")]}) == b'{"a":0.10,"b":[1E+400]}'


@given(st.integers(0, 6), st.integers(1, 6))
def test_depth_within_counts_containers(depth: int, limit: int) -> None:
    value: Any = 1
    for level in range(depth):
        value = [value, 1] if level % 2 else {"a": value, "b": 1}
    if depth <= limit:
        assert depth_within(value, limit)
    else:
        assert not depth_within(value, limit)


def test_depth_within_does_not_recurse() -> None:
    value: Any = 1
    for _ in range(100_000):
        value = [value]
    assert not depth_within(value, 99_999)
    assert depth_within(value, 100_000)
    while isinstance(value, list):  # taken apart by hand: freeing it nested deep is work for the interpreter
        value = value.pop()
