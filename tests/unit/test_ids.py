from __future__ import annotations

import time
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker import ids

# Until the year 10889, when 48 bits of milliseconds are used up.
micros = st.integers(0, 2**48 * 1000 - 1)
CANONICAL = "9f1c2b34-5d6e-4f70-8a9b-0c1d2e3f4a5b"


@given(micros)
def test_event_ids_are_uuids_of_version_7_that_carry_their_time(at: int) -> None:
    event_id = ids.new_event_id(at)
    assert event_id.version == 7
    assert event_id.variant == uuid.RFC_4122
    assert event_id.int >> 80 == at // 1000
    assert (event_id.int >> 64) & 0xFFF == at % 1000 * 4096 // 1000
    assert uuid.UUID(str(event_id)) == event_id


@given(micros, micros)
def test_event_ids_sort_by_time(first: int, second: int) -> None:
    earlier, later = sorted((first, second))
    if earlier < later:
        left, right = ids.new_event_id(earlier), ids.new_event_id(later)
        assert left < right
        assert left.bytes < right.bytes
        assert left.hex < right.hex


@given(micros.filter(lambda at: at + 1 < 2**48 * 1000))
def test_one_microsecond_is_enough_to_sort(at: int) -> None:
    assert ids.new_event_id(at) < ids.new_event_id(at + 1)


def test_event_ids_of_one_microsecond_differ() -> None:
    assert len({ids.new_event_id(1) for _ in range(1000)}) == 1000


def test_times_are_now_in_their_units() -> None:
    before = time.time()
    seconds, microseconds = ids.unix_now(), ids.unix_micros()
    after = time.time()
    assert int(before) <= seconds <= after
    assert before - 1e-3 <= microseconds / 1e6 <= after + 1e-3


def test_tokens_are_random_uuids_of_version_4() -> None:
    tokens = {ids.new_token() for _ in range(1000)}
    assert len(tokens) == 1000
    assert {token.version for token in tokens} == {4}


@given(st.uuids())
def test_canonical_texts_are_tokens_in_any_case(value: uuid.UUID) -> None:
    assert ids.parse_token(str(value)) == value
    assert ids.parse_token(str(value).upper()) == value


@given(st.uuids(), st.data())
def test_mixed_case_is_a_token(value: uuid.UUID, data: st.DataObject) -> None:
    text = "".join(data.draw(st.sampled_from([sign.lower(), sign.upper()])) for sign in str(value))
    assert ids.parse_token(text) == value


@pytest.mark.parametrize(
    "text",
    [
        "", " ", CANONICAL + " ", " " + CANONICAL, CANONICAL + "\n", CANONICAL[:-1], CANONICAL + "0", CANONICAL.replace("-", ""),
        "{" + CANONICAL + "}", "urn:uuid:" + CANONICAL, "{" + CANONICAL.replace("-", "") + "}--", CANONICAL.replace("-", "_"),
        "9f1c2b345d6e-4f70-8a9b-0c1d-2e3f4a5b", "9f1c2b34-5d6e-4f70-8a9b0-c1d2e3f4a5b", "-" + CANONICAL[:8] + CANONICAL[9:],
        CANONICAL[:-1] + "g", CANONICAL[:-1] + "٣", CANONICAL[:-1] + "１", CANONICAL[:-2] + "_b", CANONICAL[:-1] + "\x00",
        "urn:uuid:9f1c2b345d6e4f708a9b0c1d2e3", "0x1c2b34-5d6e-4f70-8a9b-0c1d2e3f4a5b", "DEMO",
    ],
)  # fmt: skip
def test_other_spellings_are_no_tokens(text: str) -> None:
    assert ids.parse_token(text) is None


@given(st.text(max_size=40) | st.text("0123456789abcdefABCDEF-{}", min_size=36, max_size=36))
def test_any_text_is_canonical_or_no_token(text: str) -> None:
    found = ids.parse_token(text)
    if found is not None:
        assert str(found) == text.lower()


@given(st.uuids(), st.integers(0, 35), st.sampled_from("-_ gG{}0٣\n"))
def test_a_canonical_text_with_one_other_sign_is_a_token_only_if_canonical(
    value: uuid.UUID, at: int, sign: str
) -> None:
    text = str(value)[:at] + sign + str(value)[at + 1 :]
    found = ids.parse_token(text)
    assert found is None or str(found) == text
