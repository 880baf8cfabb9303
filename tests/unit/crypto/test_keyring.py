from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from databunker.crypto import envelope
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure, KeyringError, UnknownKey
from databunker.crypto.keyring import REQUIRED, Key, Keyring, Purpose, new_keys

PLACE = Place(1, b"record", b"token", bytes(16))


def rotated(keys: list[Key]) -> list[Key]:
    """The same keys and a newer data key."""
    return [*keys, Key(max(key.id for key in keys) + 1, Purpose.DATA, b"\x09" * 32)]


def test_new_keys_are_one_for_each_purpose_random_and_numbered() -> None:
    keys = new_keys(10)
    assert [key.id for key in keys] == list(range(10, 10 + len(REQUIRED)))
    assert {key.purpose for key in keys} == set(REQUIRED)
    secrets = {key.secret for key in [*keys, *new_keys(10)]}
    assert len(secrets) == 2 * len(REQUIRED)
    assert {len(secret) for secret in secrets} == {32}


@pytest.mark.parametrize("missing", REQUIRED)
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
    assert envelope.key_id_of(keyring.seal(b"text", PLACE)) == 7


def test_a_keyring_that_lacks_the_key_says_so() -> None:
    keys = new_keys()
    sealed = Keyring(rotated(keys)).seal(b"text", PLACE)
    with pytest.raises(UnknownKey):
        Keyring(keys).open(sealed, PLACE)


@pytest.mark.parametrize("purpose", [purpose for purpose in REQUIRED if purpose is not Purpose.DATA])
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


# Changes of the value


def test_details_of_events_have_keys_of_their_own(keyring: Keyring) -> None:
    """Neither kind of key opens what the other has sealed."""
    sealed, detail = keyring.seal(b"text", PLACE), keyring.seal_detail(b"text", PLACE)
    assert keyring.open_detail(detail, PLACE) == b"text"
    assert envelope.key_id_of(detail) == keyring.newest(Purpose.DETAIL).id
    with pytest.raises(UnknownKey, match="not a data key"):
        keyring.open(detail, PLACE)
    with pytest.raises(UnknownKey, match="not a detail key"):
        keyring.open_detail(sealed, PLACE)


def test_the_newest_key_of_a_purpose_can_not_be_taken_out() -> None:
    keyring = Keyring(rotated(new_keys()))
    for purpose in REQUIRED:
        with pytest.raises(KeyringError, match=f"newest {purpose} key"):
            keyring.without(keyring.newest(purpose).id)
    with pytest.raises(UnknownKey):
        keyring.without(99)
    assert 1 not in keyring.without(1)
    assert 1 in keyring, "a keyring is a value"


class Changes(RuleBasedStateMachine):
    """Keys are added and taken out in any order; whatever was sealed opens as long as its key lives."""

    def __init__(self) -> None:
        super().__init__()
        self.keyring = Keyring(new_keys())
        self.sealed: list[bytes] = []
        self.given = set(range(1, len(REQUIRED) + 1))

    @rule(purpose=st.sampled_from(REQUIRED))
    def add(self, purpose: Purpose) -> None:
        before = self.keyring
        key = before.next_key(purpose)
        assert key.id not in self.given, "a number is never given again"
        self.given.add(key.id)
        self.keyring = Keyring([*before._by_id.values(), key])
        assert self.keyring.newest(purpose) == key
        for other in set(REQUIRED) - {purpose}:
            assert self.keyring.newest(other) == before.newest(other)

    @rule(data=st.data())
    def take_out(self, data: st.DataObject) -> None:
        key_id = data.draw(st.sampled_from(sorted(self.given)))
        if key_id not in self.keyring:
            with pytest.raises(UnknownKey):
                self.keyring.without(key_id)
        elif self.keyring.newest(self.keyring.get(key_id).purpose).id == key_id:
            with pytest.raises(KeyringError):
                self.keyring.without(key_id)
        else:
            self.keyring = self.keyring.without(key_id)

    @rule()
    def seal(self) -> None:
        self.sealed.append(self.keyring.seal(b"text", PLACE))

    @rule()
    def seal_anew(self) -> None:
        living = [one for one in self.sealed if envelope.key_id_of(one) in self.keyring]
        self.sealed = [self.keyring.seal(self.keyring.open(one, PLACE), PLACE) for one in living]

    @invariant()
    def what_lives_opens(self) -> None:
        for sealed in self.sealed:
            if envelope.key_id_of(sealed) in self.keyring:
                assert self.keyring.open(sealed, PLACE) == b"text"
            else:
                with pytest.raises(UnknownKey):
                    self.keyring.open(sealed, PLACE)

    @invariant()
    def every_purpose_has_a_key(self) -> None:
        assert {self.keyring.newest(purpose).purpose for purpose in REQUIRED} == set(REQUIRED)


TestChanges = Changes.TestCase
TestChanges.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
