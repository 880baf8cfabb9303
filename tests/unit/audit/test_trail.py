"""How an event is made: its MAC, its time, its sealed detail. Writing it is tested through the API."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.encoding import RawEncoder
from nacl.hash import blake2b

from audit import events, trail
from audit.trail import EventRow, build, detail_place, event_mac
from databunker.access.actor import Actor, ActorKind
from databunker.crypto.errors import IntegrityFailure, UnknownKey
from databunker.crypto.keyring import Keyring, Purpose
from databunker.crypto.record_key import RecordKey

KEY = bytes(range(32))
SUBJECT = bytes(range(16))
SOMETHING = events.EventType(65_000, "test.event", "tested")
small = st.integers(0, 2**15)
rows = st.builds(
    EventRow,
    st.uuids(), st.integers(0, 2**32 - 1), st.integers(0, 2**53), small, small, small,
    st.none() | st.integers(0, 2**53), st.none() | st.binary(max_size=16), st.uuids(), st.none() | st.binary(max_size=60),
    small, st.just(b""),
)  # fmt: skip


@pytest.fixture(autouse=True)
def plain_settings(settings: Any) -> None:
    settings.AUDIT_CLIENT_ADDRESS = False


def row_from(case: dict[str, Any]) -> EventRow:
    row = {
        name: bytes.fromhex(value) if name in ("subject", "detail") and value is not None else value
        for name, value in case["row"].items()
    }
    return EventRow(**{**row, "id": UUID(row["id"]), "request": UUID(row["request"])}, mac=b"")


# The MAC


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("event_mac")["positive"]:
        assert event_mac(row_from(case), bytes.fromhex(case["key"])).hex() == case["mac"], case["name"]


def test_rows_that_the_mac_must_not_fit(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("event_mac")["negative"]:
        assert event_mac(row_from(case), bytes.fromhex(case["key"])).hex() != case["mac"], case["name"]


@given(rows)
def test_the_mac_written_out_by_hand(row: EventRow) -> None:
    def number(value: int | None) -> bytes:
        return b"\x00" if value is None else b"i" + str(value).encode()

    def raw(value: bytes | None) -> bytes:
        return b"\x00" if value is None else b"b" + value

    pieces = [
        b"u" + row.id.bytes, number(row.tenant), number(row.at), number(row.type), number(row.outcome),
        number(row.actor_kind), number(row.actor_token), raw(row.subject), b"u" + row.request.bytes, raw(row.detail),
        number(row.key_id),
    ]  # fmt: skip
    message = b"".join(len(piece).to_bytes(4, "big") + piece for piece in pieces)
    assert event_mac(row, KEY) == blake2b(
        message, key=KEY, person=b"databunker.mac.1", digest_size=32, encoder=RawEncoder
    )


@given(rows, rows)
def test_any_other_value_in_any_column_needs_another_mac(row: EventRow, other: EventRow) -> None:
    for name in EventRow._fields[:-1]:
        changed = row._replace(**{name: getattr(other, name)})
        assert (event_mac(changed, KEY) == event_mac(row, KEY)) == (changed == row)


@given(rows, st.binary(min_size=32, max_size=32).filter(lambda key: key != KEY))
def test_another_key_gives_another_mac(row: EventRow, other: bytes) -> None:
    assert event_mac(row, KEY) != event_mac(row, other)


@given(rows, st.binary(max_size=32))
def test_the_mac_does_not_depend_on_the_mac_column(row: EventRow, mac: bytes) -> None:
    assert event_mac(row._replace(mac=mac), KEY) == event_mac(row, KEY)


# A finished event


def actor(**more: Any) -> Actor:
    return Actor(**{"kind": ActorKind.ADMIN, "tenant": 3, "token_id": 5, "address": "192.0.2.7", **more})


def test_an_event_says_who_did_what_when(keyring_in_use: Keyring) -> None:
    caller = actor()
    before = time.time_ns() // 1000
    row = build(caller, SOMETHING, subject=SUBJECT, outcome=events.Outcome.OK)
    assert before <= row.at <= time.time_ns() // 1000
    assert row.id.version == 7
    assert row.id.int >> 80 == row.at // 1000
    assert row[1:2] + row[3:9] == (3, 65_000, 1, 2, 5, SUBJECT, caller.request_id)
    assert row.detail is None
    assert row.key_id == keyring_in_use.newest(Purpose.AUDIT).id
    assert row.mac == event_mac(row, keyring_in_use.secret(Purpose.AUDIT))


@given(
    st.dictionaries(
        st.text(st.characters(codec="utf-8"), max_size=5), st.text(st.characters(codec="utf-8"), max_size=9), min_size=1
    )
)
def test_the_detail_of_a_persons_event_opens_with_the_persons_key_alone(
    keyring: Keyring, detail: dict[str, str]
) -> None:
    record_key = RecordKey.fresh(tenant=3, subject=SUBJECT)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trail.store, "current_keyring", lambda: keyring)
        row = build(actor(), SOMETHING, subject=SUBJECT, sealer=record_key, detail=detail)
    assert row.detail is not None
    assert json.loads(record_key.open(row.detail, detail_place(row.id, 3))) == detail
    with pytest.raises((IntegrityFailure, UnknownKey)):
        keyring.open(row.detail, detail_place(row.id, 3))


def test_the_detail_of_an_event_without_a_person_opens_with_the_keyring(keyring_in_use: Keyring) -> None:
    row = build(actor(), SOMETHING, detail={"count": 5})
    assert row.detail is not None
    assert json.loads(keyring_in_use.open_detail(row.detail, detail_place(row.id, 3))) == {"count": 5}
    for place in (detail_place(row.id, 4), detail_place(row.request, 3)):
        with pytest.raises(IntegrityFailure):
            keyring_in_use.open_detail(row.detail, place)


def test_the_detail_of_a_persons_event_is_never_sealed_under_a_data_key(keyring_in_use: Keyring) -> None:
    with pytest.raises(ValueError, match="must be sealed under the person's key"):
        build(actor(), SOMETHING, subject=SUBJECT, detail={"before": "MARKER"})


@pytest.mark.parametrize("outcome", [outcome for outcome in events.Outcome if outcome is not events.Outcome.OK])
def test_a_refusal_concerning_a_person_is_sealed_under_a_data_key(
    keyring_in_use: Keyring, outcome: events.Outcome
) -> None:
    row = build(actor(), SOMETHING, subject=SUBJECT, detail={"message": "no"}, outcome=outcome)
    assert row.detail is not None
    assert not trail.sealed_by_person(SUBJECT, outcome)
    assert json.loads(keyring_in_use.open_detail(row.detail, detail_place(row.id, 3))) == {"message": "no"}


def test_whose_key_seals() -> None:
    assert trail.sealed_by_person(SUBJECT, events.Outcome.OK)
    assert not trail.sealed_by_person(None, events.Outcome.OK)


@pytest.mark.parametrize("detail", [None, {}])
def test_without_detail_nothing_is_sealed(keyring_in_use: Keyring, detail: dict[str, Any] | None) -> None:
    assert build(actor(), SOMETHING, detail=detail).detail is None


def test_the_client_address_is_kept_only_if_set_and_then_sealed(keyring_in_use: Keyring, settings: Any) -> None:
    without = build(actor(), SOMETHING, detail={"count": 1})
    assert without.detail is not None
    assert json.loads(keyring_in_use.open_detail(without.detail, detail_place(without.id, 3))) == {"count": 1}
    settings.AUDIT_CLIENT_ADDRESS = True
    row = build(actor(), SOMETHING)
    assert row.detail is not None
    assert json.loads(keyring_in_use.open_detail(row.detail, detail_place(row.id, 3))) == {"address": "192.0.2.7"}
    assert b"192.0.2.7" not in b"".join(part for part in row if isinstance(part, bytes))
    assert build(actor(address=""), SOMETHING).detail is None


def test_the_detail_given_is_left_alone(keyring_in_use: Keyring, settings: Any) -> None:
    settings.AUDIT_CLIENT_ADDRESS = True
    detail = {"count": 1}
    build(actor(), SOMETHING, detail=detail)
    assert detail == {"count": 1}


def test_events_of_one_request_share_its_id_and_nothing_else(keyring_in_use: Keyring) -> None:
    caller = actor()
    first, second = build(caller, SOMETHING), build(caller, SOMETHING)
    assert first.request == second.request
    assert first.id != second.id
    assert first.mac != second.mac


def test_the_rows_to_insert_are_the_columns_of_the_table(keyring_in_use: Keyring) -> None:
    from audit.models import Event

    row = build(actor(), SOMETHING)
    insert = trail.insert(row, row)
    assert insert.table == Event._meta.db_table
    assert insert.columns == tuple(field.column for field in Event._meta.concrete_fields)
    assert list(insert.rows) == [row, row]


# Event types


def test_a_number_is_registered_once() -> None:
    known = events.TRAIL_LISTED
    with pytest.raises(ValueError, match=f"{known.number} is registered already"):
        events.register(known.number, "other", "other")
    assert events.by_number(known.number) == known


def test_unknown_numbers_have_a_plain_title() -> None:
    assert events.by_number(64_999) == events.EventType(64_999, "unknown.64999", "event of type 64999")


def test_codes_and_numbers_of_all_types_are_unique() -> None:
    import vault.events  # noqa: F401 - registers its types

    codes = [event_type.code for event_type in events._types.values()]
    assert len(codes) == len(set(codes))
