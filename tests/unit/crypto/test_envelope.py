"""The sealed envelope: opens exactly where it was sealed, and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt

from databunker.crypto import envelope
from databunker.crypto.envelope import OVERHEAD, Place, key_id_of, open_sealed, seal, seal_with_nonce
from databunker.crypto.errors import IntegrityFailure

KEY = bytes(range(32))
PLACE = Place(1, b"record", b"profile", bytes(16), 3)
SHORT = st.binary(max_size=80)
numbers = st.integers(0, 2**32 - 1)
# Short and of few letters, so that boundaries between table, field and row can fall anywhere.
names = st.lists(st.sampled_from(b"ab"), max_size=4).map(bytes)
places = st.builds(Place, numbers, names, names, names, numbers)


def place_from(case: dict[str, Any]) -> Place:
    place = case["place"]
    return Place(
        place["tenant"],
        place["table"].encode(),
        place["field"].encode(),
        bytes.fromhex(place["row"]),
        place["version"],
    )


def test_vectors_are_reproduced(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("envelope_v1")["positive"]:
        key, nonce, plaintext = (bytes.fromhex(case[name]) for name in ("key", "nonce", "plaintext"))
        place = place_from(case)
        sealed = seal_with_nonce(plaintext, key=key, key_id=case["key_id"], place=place, nonce=nonce)
        assert sealed.hex() == case["envelope"], case["name"]
        assert open_sealed(sealed, key=key, place=place) == plaintext
        assert key_id_of(sealed) == case["key_id"]


def test_vectors_that_must_not_open(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("envelope_v1")["negative"]:
        with pytest.raises(IntegrityFailure):
            open_sealed(bytes.fromhex(case["envelope"]), key=bytes.fromhex(case["key"]), place=place_from(case))
            pytest.fail(case["name"])


def test_layout_written_out_by_hand() -> None:
    nonce = bytes(range(24))
    header = b"\x01" + (7).to_bytes(4, "big")
    associated = (
        header
        + (1).to_bytes(4, "big") + (3).to_bytes(4, "big") + bytes([len(b"record"), len(b"profile")])
        + b"record" + b"profile" + bytes(16)
    )  # fmt: skip
    expected = header + nonce + crypto_aead_xchacha20poly1305_ietf_encrypt(b"text", associated, nonce, KEY)
    assert seal_with_nonce(b"text", key=KEY, key_id=7, place=PLACE, nonce=nonce) == expected


@given(SHORT, st.binary(min_size=32, max_size=32), numbers, places)
def test_what_was_sealed_opens_at_its_place(plaintext: bytes, key: bytes, key_id: int, place: Place) -> None:
    sealed = seal(plaintext, key=key, key_id=key_id, place=place)
    assert open_sealed(sealed, key=key, place=place) == plaintext
    assert key_id_of(sealed) == key_id
    assert len(sealed) == len(plaintext) + OVERHEAD


def test_any_changed_byte_is_refused() -> None:
    sealed = seal(b"forty-two bytes of a person's record: Zoe.", key=KEY, key_id=1, place=PLACE)
    for at in range(len(sealed)):
        for mask in (0x01, 0x80, 0xFF):
            changed = sealed[:at] + bytes([sealed[at] ^ mask]) + sealed[at + 1 :]
            with pytest.raises(IntegrityFailure):
                open_sealed(changed, key=KEY, place=PLACE)


@given(SHORT, st.data())
def test_any_other_bytes_in_place_of_some_are_refused(plaintext: bytes, data: st.DataObject) -> None:
    sealed = seal(plaintext, key=KEY, key_id=1, place=PLACE)
    start = data.draw(st.integers(0, len(sealed)))
    end = data.draw(st.integers(start, len(sealed)))
    changed = sealed[:start] + data.draw(st.binary(max_size=8)) + sealed[end:]
    if changed != sealed:
        with pytest.raises(IntegrityFailure):
            open_sealed(changed, key=KEY, place=PLACE)


@given(SHORT)
def test_truncated_at_any_length_is_refused(plaintext: bytes) -> None:
    sealed = seal(plaintext, key=KEY, key_id=1, place=PLACE)
    for length in range(len(sealed)):
        with pytest.raises(IntegrityFailure):
            open_sealed(sealed[:length], key=KEY, place=PLACE)


@given(SHORT, st.binary(min_size=1, max_size=40))
def test_bytes_added_at_either_end_are_refused(plaintext: bytes, more: bytes) -> None:
    sealed = seal(plaintext, key=KEY, key_id=1, place=PLACE)
    for changed in (sealed + more, more + sealed):
        with pytest.raises(IntegrityFailure):
            open_sealed(changed, key=KEY, place=PLACE)


@given(places, st.data())
def test_any_single_change_of_the_place_is_refused(place: Place, data: st.DataObject) -> None:
    sealed = seal(b"secret", key=KEY, key_id=1, place=place)
    for name in Place._fields:
        old = getattr(place, name)
        new = data.draw((numbers if isinstance(old, int) else names).filter(lambda value, old=old: value != old))
        with pytest.raises(IntegrityFailure):
            open_sealed(sealed, key=KEY, place=place._replace(**{name: new}))


@given(places, places)
def test_a_ciphertext_opens_at_no_other_place(here: Place, there: Place) -> None:
    sealed = seal(b"secret", key=KEY, key_id=1, place=here)
    if here == there:
        assert open_sealed(sealed, key=KEY, place=there) == b"secret"
    else:
        with pytest.raises(IntegrityFailure):
            open_sealed(sealed, key=KEY, place=there)


@given(st.data())
def test_names_that_join_to_the_same_bytes_are_different_places(data: st.DataObject) -> None:
    joined = data.draw(st.lists(st.sampled_from(b"ab"), min_size=2, max_size=8).map(bytes))

    def cut() -> Place:
        first, second = sorted(data.draw(st.tuples(*[st.integers(0, len(joined))] * 2)))
        return Place(1, joined[:first], joined[first:second], joined[second:], 0)

    here, there = cut(), cut()
    if here != there:
        with pytest.raises(IntegrityFailure):
            open_sealed(seal(b"secret", key=KEY, key_id=1, place=here), key=KEY, place=there)


def test_two_rows_that_exchange_their_ciphertexts_are_both_refused() -> None:
    rows = [PLACE._replace(row=bytes([number]) * 16) for number in (1, 2)]
    first, second = (seal(b"secret", key=KEY, key_id=1, place=row) for row in rows)
    for sealed, row in ((second, rows[0]), (first, rows[1])):
        with pytest.raises(IntegrityFailure):
            open_sealed(sealed, key=KEY, place=row)


@given(SHORT, st.binary(min_size=32, max_size=32).filter(lambda key: key != KEY))
def test_another_key_is_refused(plaintext: bytes, other: bytes) -> None:
    with pytest.raises(IntegrityFailure):
        open_sealed(seal(plaintext, key=KEY, key_id=1, place=PLACE), key=other, place=PLACE)


@given(numbers, numbers)
def test_another_key_id_is_refused(key_id: int, other: int) -> None:
    sealed = seal(b"secret", key=KEY, key_id=key_id, place=PLACE)
    relabelled = sealed[:1] + other.to_bytes(4, "big") + sealed[5:]
    if key_id != other:
        with pytest.raises(IntegrityFailure):
            open_sealed(relabelled, key=KEY, place=PLACE)


@pytest.mark.parametrize("version", [0, 2, 3, 127, 255])
def test_unknown_format_versions_are_refused_before_any_key_is_tried(version: int) -> None:
    with pytest.raises(IntegrityFailure, match="unknown format version"):
        key_id_of(bytes([version]) + bytes(OVERHEAD))


@given(st.binary(max_size=200))
def test_arbitrary_bytes_never_open(noise: bytes) -> None:
    with pytest.raises(IntegrityFailure):
        open_sealed(noise, key=KEY, place=PLACE)


def test_nonces_are_fresh_so_that_equal_texts_look_unrelated() -> None:
    sealed = [seal(b"ann@example.com", key=KEY, key_id=1, place=PLACE) for _ in range(200)]
    nonces = {one[5:29] for one in sealed}
    assert len(nonces) == len(sealed)
    assert len({one[29:] for one in sealed}) == len(sealed)


def test_the_plaintext_does_not_show_through() -> None:
    plaintext = b"Ann Example, 1 Marker Street"
    assert plaintext not in seal(plaintext, key=KEY, key_id=1, place=PLACE)


@pytest.mark.parametrize("length", [0, 16, 31, 33, 64])
def test_keys_of_another_length_are_never_used(length: int) -> None:
    with pytest.raises(Exception, match="[Kk]ey"):
        seal(b"text", key=bytes(length), key_id=1, place=PLACE)


def test_refusals_tell_neither_key_nor_text() -> None:
    sealed = seal(b"MARKER-TEXT", key=KEY, key_id=1, place=PLACE)
    with pytest.raises(IntegrityFailure) as refusal:
        open_sealed(sealed[:-1] + b"\0\0", key=KEY, place=PLACE)
    shown = f"{refusal.value}{refusal.value.__cause__}{refusal.value.args}"
    assert "MARKER" not in shown
    assert KEY.hex() not in shown


def test_overhead_is_what_the_layout_says() -> None:
    assert OVERHEAD == 1 + 4 + envelope.NONCE_BYTES + envelope.TAG_BYTES == 45
