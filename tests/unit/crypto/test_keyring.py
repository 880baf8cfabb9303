from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from databunker.crypto import envelope
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure, KeyringError, UnknownKey
from databunker.crypto.keyring import Key, Keyring, Purpose, new_keys

PLACE = Place(1, b"record", b"token", bytes(16))


def rotated(keys: list[Key]) -> list[Key]:
    """The same keys and a newer data key."""
    return [*keys, Key(max(key.id for key in keys) + 1, Purpose.DATA, b"\x09" * 32)]


def test_new_keys_are_one_for_each_purpose_random_and_numbered() -> None:
    keys = new_keys(10)
    assert [key.id for key in keys] == list(range(10, 10 + len(Purpose)))
    assert {key.purpose for key in keys} == set(Purpose)
    secrets = {key.secret for key in [*keys, *new_keys(10)]}
    assert len(secrets) == 2 * len(Purpose)
    assert {len(secret) for secret in secrets} == {32}


@pytest.mark.parametrize("missing", list(Purpose))
def test_a_keyring_without_a_purpose_is_refused_and_named(missing: Purpose) -> None:
    with pytest.raises(KeyringError, match=missing.value):
        Keyring(key for key in new_keys() if key.purpose is not missing)


def test_an_empty_keyring_is_refused() -> None:
    with pytest.raises(KeyringError):
        Keyring([])


def test_the_newest_key_has_the_highest_id_whatever_the_order() -> None:
    keys = rotated(rotated(new_keys()))
    for seed in range(5):
        shuffled = keys.copy()
        random.Random(seed).shuffle(shuffled)
        keyring = Keyring(shuffled)
        assert keyring.newest(Purpose.DATA) == keys[-1]
        assert keyring.secret(Purpose.DATA) == keys[-1].secret
        assert keyring.newest(Purpose.AUDIT).id == 4


def test_contents() -> None:
    keys = new_keys(3)
    keyring = Keyring(keys)
    assert len(keyring) == len(keys)
    assert 3 in keyring
    assert 2 not in keyring
    assert keyring.get(5) == keys[2]


def test_an_unknown_key_is_named_by_id_only(keyring: Keyring) -> None:
    with pytest.raises(UnknownKey, match="key 99 is not in the keyring"):
        keyring.get(99)


@given(st.binary(max_size=100))
def test_round_trip(keyring: Keyring, plaintext: bytes) -> None:
    assert keyring.open(keyring.seal(plaintext, PLACE), PLACE) == plaintext


def test_what_an_older_data_key_sealed_still_opens_and_the_newest_seals() -> None:
    keys = new_keys()
    old = Keyring(keys).seal(b"text", PLACE)
    keyring = Keyring(rotated(keys))
    assert keyring.open(old, PLACE) == b"text"
    assert envelope.key_id_of(keyring.seal(b"text", PLACE)) == 6


def test_a_keyring_that_lacks_the_key_says_so() -> None:
    keys = new_keys()
    sealed = Keyring(rotated(keys)).seal(b"text", PLACE)
    with pytest.raises(UnknownKey):
        Keyring(keys).open(sealed, PLACE)


@pytest.mark.parametrize("purpose", [purpose for purpose in Purpose if purpose is not Purpose.DATA])
def test_only_data_keys_open_ciphertexts(keyring: Keyring, purpose: Purpose) -> None:
    key = keyring.newest(purpose)
    sealed = envelope.seal(b"text", key=key.secret, key_id=key.id, place=PLACE)
    with pytest.raises(UnknownKey, match="not a data key"):
        keyring.open(sealed, PLACE)


def test_a_moved_ciphertext_is_refused(keyring: Keyring) -> None:
    with pytest.raises(IntegrityFailure):
        keyring.open(keyring.seal(b"text", PLACE), PLACE._replace(tenant=2))


def test_the_same_id_with_another_secret_is_refused(keyring: Keyring) -> None:
    with pytest.raises(IntegrityFailure):
        Keyring(new_keys()).open(keyring.seal(b"text", PLACE), PLACE)


def test_keys_and_keyrings_never_show_a_secret() -> None:
    keys = new_keys()
    shown = "".join(f"{key!r}{key}{key!s:>1}" for key in keys) + f"{keys!r}{Keyring(keys)!r}{Keyring(keys)}"
    for key in keys:
        assert key.secret.hex() not in shown
        assert repr(key.secret)[2:-1] not in shown
        assert f"Key(id={key.id}" in shown


def test_a_key_cannot_be_changed(keyring: Keyring) -> None:
    with pytest.raises(AttributeError):
        keyring.get(1).secret = b"x" * 32  # type: ignore[misc]
