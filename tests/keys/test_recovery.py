"""Recovery shares over a keyring that grows, in a database that somebody else may write to."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import pytest

from audit.models import Event
from databunker.access.actor import operator
from databunker.crypto import changing, index_keys, masterkey, store
from databunker.crypto.errors import MasterKeyError, RecoveryError
from databunker.crypto.keyring import Purpose
from databunker.crypto.models import RecoveryCopy, WrappedKey
from databunker.crypto.recovery import RecoveryKey, RecoverySecret
from databunker.crypto.shares import Shares, split
from databunker.db.statements import atomically
from databunker.keys import has_shares, recover_keyring, replace_shares, rotate_key, verify_shares
from tests.conftest import Api


@pytest.fixture
def secret(api: Api) -> RecoverySecret:
    """Of the shares that open the keyring."""
    made = RecoverySecret.fresh()
    replace_shares(operator(), made, threshold=3, shares=5)
    return made


def lose_the_master_key(settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY = settings.DATABUNKER_MASTERKEY_FILE = ""
    store.forget_cached()


def recover(secret: RecoverySecret, settings: Any) -> int:
    """With nothing but the shares and the database; the vault then has the new master key."""
    lose_the_master_key(settings)
    master = masterkey.generate()
    keys = recover_keyring(operator(), secret, master)
    settings.DATABUNKER_MASTERKEY = master.secret.hex()
    return keys


def test_a_new_vault_has_no_shares(api: Api) -> None:
    assert not has_shares()
    assert not RecoveryCopy.objects.exists()
    with pytest.raises(RecoveryError, match="has not been run"):
        verify_shares(RecoverySecret.fresh())


def test_any_three_of_five_shares_recover_a_vault_whose_master_key_is_lost(api: Api, settings: Any) -> None:
    token = api.create(login="ann", email="ann@example.com")
    secret = RecoverySecret.fresh()
    words = split(secret, threshold=3, shares=5)
    replace_shares(operator(), secret, threshold=3, shares=5)
    for chosen in combinations(words, 3):
        assert verify_shares(Shares.of(chosen).combined()) == WrappedKey.objects.count() - 1
    recover(Shares.of(words[2:]).combined(), settings)
    assert api.get("/v1/user/email/ann@example.com").json()["token"] == token
    assert api.create(login="bob")
    types = Event.objects.filter(type__in=(316, 317)).order_by("at").values_list("type", flat=True)
    assert list(types) == [316, 317]


def test_the_old_master_key_opens_nothing_afterwards(secret: RecoverySecret, settings: Any) -> None:
    old = settings.DATABUNKER_MASTERKEY
    recover(secret, settings)
    settings.DATABUNKER_MASTERKEY = old
    store.forget_cached()
    with pytest.raises(MasterKeyError):
        store.current_keyring()


def test_shares_go_on_to_open_what_comes_later(api: Api, secret: RecoverySecret, settings: Any) -> None:
    """Keys that are added have a copy in the same transaction, and destroyed ones none; also after a recovery."""
    before = verify_shares(secret)
    rotate_key(operator(), purpose=Purpose.DATA)
    with atomically():
        index_keys.announce(index_keys.index_keys())
    assert verify_shares(secret) == before + 2
    token = api.create(login="ann")
    recover(secret, settings)
    rotate_key(operator(), purpose=Purpose.AUDIT)
    assert verify_shares(secret) == before + 3
    recover(secret, settings)
    assert api.get("/v1/user/login/ann").json()["token"] == token
    old = number_of(Purpose.INDEX)
    for step in (index_keys.switch, index_keys.settle, index_keys.destroy):
        with atomically():
            step(index_keys.index_keys())
    assert not RecoveryCopy.objects.filter(key=old).exists()
    assert verify_shares(secret) == before + 2


def number_of(purpose: Purpose) -> int:
    return store.current_keyring().newest(purpose).id


def test_a_purpose_that_a_newer_release_adds_has_its_copy_too(secret: RecoverySecret) -> None:
    before = verify_shares(secret)
    WrappedKey.objects.filter(purpose=Purpose.DETAIL.value).delete()
    RecoveryCopy.objects.exclude(key__in=WrappedKey.objects.values("id")).delete()
    store.forget_cached()
    master = store.configured_master_key()
    assert master is not None
    store.create_keyring(master)
    assert verify_shares(secret) == before


def test_a_key_that_can_not_be_copied_is_not_added(secret: RecoverySecret, monkeypatch: Any) -> None:
    def fails(*_: Any, **__: Any) -> bytes:
        raise RuntimeError

    before = WrappedKey.objects.count()
    monkeypatch.setattr(RecoveryKey, "seal", fails)
    with pytest.raises(RuntimeError):
        rotate_key(operator(), purpose=Purpose.DATA)
    assert WrappedKey.objects.count() == before


def test_a_new_split_makes_the_old_shares_worthless(secret: RecoverySecret) -> None:
    newer = RecoverySecret.fresh()
    replace_shares(operator(), newer, threshold=2, shares=3)
    with pytest.raises(RecoveryError, match="earlier split"):
        verify_shares(secret)
    assert verify_shares(newer) > 0
    assert WrappedKey.objects.filter(purpose=Purpose.RECOVERY.value).count() == 1


def test_wrong_shares_change_nothing(secret: RecoverySecret, settings: Any) -> None:
    lose_the_master_key(settings)
    before = list(WrappedKey.objects.order_by("id").values_list("id", "wrapped"))
    with pytest.raises(RecoveryError, match="don't open this keyring"):
        recover_keyring(operator(), RecoverySecret.fresh(), masterkey.generate())
    assert list(WrappedKey.objects.order_by("id").values_list("id", "wrapped")) == before


def test_the_keyring_is_put_under_a_new_master_key_with_its_recovery_key(secret: RecoverySecret, settings: Any) -> None:
    settings.DATABUNKER_MASTERKEY_OLD = settings.DATABUNKER_MASTERKEY
    settings.DATABUNKER_MASTERKEY = masterkey.generate().secret.hex()
    with atomically():
        assert changing.rewrap_keyring() == WrappedKey.objects.count()
    settings.DATABUNKER_MASTERKEY_OLD = ""
    store.forget_cached()
    rotate_key(operator(), purpose=Purpose.DATA)
    assert verify_shares(secret) == WrappedKey.objects.count() - 1


# --- somebody who can write to the database --------------------------------------------------------------------------


def copies() -> dict[int, bytes]:
    return {copy.key: bytes(copy.sealed) for copy in RecoveryCopy.objects.all()}


def test_copies_can_not_be_swapped_left_out_or_changed(secret: RecoverySecret) -> None:
    first, second, *_ = sorted(copies())
    for sealed in (copies()[second], b"", copies()[first][:-1], bytes(113)):
        kept = copies()[first]
        RecoveryCopy.objects.filter(key=first).update(sealed=sealed)
        with pytest.raises(RecoveryError, match=f"copy of key {first} is missing, or was changed"):
            verify_shares(secret)
        RecoveryCopy.objects.filter(key=first).update(sealed=kept)
    RecoveryCopy.objects.filter(key=first).delete()
    with pytest.raises(RecoveryError, match=f"copy of key {first}"):
        verify_shares(secret)


def test_a_key_of_the_attacker_s_own_is_not_taken_into_the_keyring(secret: RecoverySecret) -> None:
    """It would be the newest data key, under which everything is sealed after the recovery."""
    forged = RecoveryKey(secret.key.public, bytes(32)).seal(bytes(32), purpose=b"data", number=99)
    WrappedKey.objects.create(id=99, purpose="data", wrapped=bytes(80), created=0)
    RecoveryCopy.objects.create(key=99, sealed=forged)
    with pytest.raises(RecoveryError, match="copy of key 99"):
        recover_keyring(operator(), secret, masterkey.generate())


def test_a_public_key_of_the_attacker_s_own_is_not_sealed_to(secret: RecoverySecret) -> None:
    """The vault has it wrapped by the master key: another one, or that of an earlier split in its row, does not open."""
    row = WrappedKey.objects.get(purpose=Purpose.RECOVERY.value)
    own = masterkey.generate()
    forged = own.wrap(store.current_keyring().get(row.id))
    WrappedKey.objects.filter(id=row.id).update(wrapped=forged)
    store.forget_cached()
    with pytest.raises(MasterKeyError):
        rotate_key(operator(), purpose=Purpose.DATA)


def test_keys_of_another_vault_are_not_taken_for_this_one_s(api: Api, secret: RecoverySecret, settings: Any) -> None:
    """Whoever holds the shares could make copies of any keys; they must open what is stored."""
    api.create(login="ann")
    for key, sealed in copies().items():
        assert sealed
        purpose = WrappedKey.objects.get(id=key).purpose
        RecoveryCopy.objects.filter(key=key).update(
            sealed=secret.key.seal(bytes([key]) * 32, purpose=purpose.encode(), number=key)
        )
    lose_the_master_key(settings)
    before = list(WrappedKey.objects.order_by("id").values_list("id", "wrapped"))
    with pytest.raises(RecoveryError, match="they don't fit the vault"):
        recover_keyring(operator(), secret, masterkey.generate())
    assert list(WrappedKey.objects.order_by("id").values_list("id", "wrapped")) == before
