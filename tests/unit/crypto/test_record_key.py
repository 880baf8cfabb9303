from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.crypto import envelope
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure, UnknownKey
from databunker.crypto.keyring import REQUIRED, Key, Keyring, Purpose, new_keys
from databunker.crypto.record_key import RecordKey
from tests.support.damage import flipped

SUBJECT = bytes(range(16))
PLACE = Place(1, b"record", b"profile", SUBJECT, 1)
numbers = st.integers(0, 2**32 - 1)
subjects = st.binary(min_size=16, max_size=16)


def vector_keyring(content: dict[str, Any]) -> Keyring:
    """The vectors' keys, and for purposes that came later keys that nothing there is sealed under."""
    keys = [Key(key["id"], Purpose(key["purpose"]), bytes.fromhex(key["secret"])) for key in content["keyring"]]
    missing = set(REQUIRED) - {key.purpose for key in keys}
    return Keyring([*keys, *new_keys(1000, purposes=missing)])


def unwrap_case(case: dict[str, Any], keyring: Keyring) -> RecordKey:
    return RecordKey.unwrap(
        bytes.fromhex(case["wrapped"]),
        keyring=keyring,
        tenant=case["tenant"],
        subject=bytes.fromhex(case["subject"]),
        generation=case["generation"],
    )


def test_vectors_unwrap_and_are_reproduced(vectors: Callable[[str], dict[str, Any]]) -> None:
    content = vectors("record_key")
    keyring = vector_keyring(content)
    for case in content["positive"]:
        secret, subject = bytes.fromhex(case["secret"]), bytes.fromhex(case["subject"])
        assert unwrap_case(case, keyring).secret == secret
        again = envelope.seal_with_nonce(
            secret,
            key=keyring.get(case["key_id"]).secret,
            key_id=case["key_id"],
            place=Place(case["tenant"], b"record", b"key", subject, case["generation"]),
            nonce=bytes.fromhex(case["nonce"]),
        )
        assert again.hex() == case["wrapped"]


def test_vectors_that_must_not_unwrap(vectors: Callable[[str], dict[str, Any]]) -> None:
    content = vectors("record_key")
    keyring = vector_keyring(content)
    for case in content["negative"]:
        with pytest.raises((IntegrityFailure, UnknownKey)):
            unwrap_case(case, keyring)
            pytest.fail(case["name"])


@given(numbers, subjects, numbers)
def test_wrap_round_trip(keyring: Keyring, tenant: int, subject: bytes, generation: int) -> None:
    key = RecordKey.fresh(tenant=tenant, subject=subject, generation=generation)
    wrapped = key.wrap(keyring)
    assert RecordKey.unwrap(wrapped, keyring=keyring, tenant=tenant, subject=subject, generation=generation) == key
    assert envelope.key_id_of(wrapped) == keyring.newest(Purpose.DATA).id


@given(numbers, subjects, numbers, st.data())
def test_a_wrapped_key_of_another_tenant_person_or_generation_is_refused(
    keyring: Keyring, tenant: int, subject: bytes, generation: int, data: st.DataObject
) -> None:
    right = {"tenant": tenant, "subject": subject, "generation": generation}
    wrapped = RecordKey.fresh(**right).wrap(keyring)
    for name, values in (("tenant", numbers), ("subject", subjects), ("generation", numbers)):
        other = data.draw(values.filter(lambda value, name=name: value != right[name]))
        with pytest.raises(IntegrityFailure):
            RecordKey.unwrap(wrapped, keyring=keyring, **{**right, name: other})


def test_a_sealed_token_is_no_wrapped_key(keyring: Keyring) -> None:
    token = keyring.seal(bytes(32), Place(1, b"record", b"token", SUBJECT, 1))
    with pytest.raises(IntegrityFailure):
        RecordKey.unwrap(token, keyring=keyring, tenant=1, subject=SUBJECT, generation=1)


@given(st.binary(max_size=100), numbers)
def test_seal_round_trip_names_the_generation(plaintext: bytes, generation: int) -> None:
    key = RecordKey.fresh(tenant=1, subject=SUBJECT, generation=generation)
    sealed = key.seal(plaintext, PLACE)
    assert envelope.key_id_of(sealed) == generation
    assert key.open(sealed, PLACE) == plaintext


def test_any_changed_byte_is_refused() -> None:
    key = RecordKey.fresh(tenant=1, subject=SUBJECT)
    sealed = key.seal(b"a profile", PLACE)
    for at in range(len(sealed)):
        with pytest.raises(IntegrityFailure):
            key.open(flipped(sealed, at), PLACE)


def test_the_next_generation_opens_nothing_of_the_last() -> None:
    old = RecordKey.fresh(tenant=1, subject=SUBJECT, generation=1)
    new = RecordKey.fresh(tenant=1, subject=SUBJECT, generation=2)
    with pytest.raises(IntegrityFailure, match="another generation"):
        new.open(old.seal(b"a profile", PLACE), PLACE)


def test_a_destroyed_key_of_the_same_generation_cannot_be_made_again() -> None:
    sealed = RecordKey.fresh(tenant=1, subject=SUBJECT).seal(b"a profile", PLACE)
    with pytest.raises(IntegrityFailure):
        RecordKey.fresh(tenant=1, subject=SUBJECT).open(sealed, PLACE)


def test_another_keyring_can_not_unwrap() -> None:
    wrapped = RecordKey.fresh(tenant=1, subject=SUBJECT).wrap(Keyring(new_keys()))
    with pytest.raises(IntegrityFailure):
        RecordKey.unwrap(wrapped, keyring=Keyring(new_keys()), tenant=1, subject=SUBJECT, generation=1)


def test_a_record_key_shows_neither_its_secret_nor_its_person() -> None:
    key = RecordKey.fresh(tenant=1, subject=SUBJECT)
    shown = f"{key!r}{key}{[key]}"
    for hidden in (key.secret, key.subject):
        assert hidden.hex() not in shown
        assert repr(hidden)[2:-1] not in shown
