"""The keyring in the database, and the copy that a process keeps."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from databunker.crypto import backup_keys, changing, masterkey, store
from databunker.crypto.errors import KeyringError, MasterKeyError, UnknownKey
from databunker.crypto.keyring import REQUIRED, Key, Keyring, Purpose
from databunker.crypto.masterkey import MasterKey
from databunker.crypto.models import WrappedKey
from tests.support.damage import flipped

pytestmark = pytest.mark.django_db

MASTER = MasterKey(bytes(range(32)))
OTHER = MasterKey(bytes(range(1, 33)))


@pytest.fixture(autouse=True)
def configured(settings: Any) -> Iterator[None]:
    settings.DATABUNKER_MASTERKEY = MASTER.secret.hex()
    settings.DATABUNKER_MASTERKEY_FILE = settings.DATABUNKER_MASTERKEY_COMMAND = ""
    settings.KEYRING_CACHE_SECONDS = 30
    WrappedKey.objects.all().delete()
    store.forget_cached()
    yield
    store.forget_cached()


def make_keyring() -> Keyring:
    """A stored keyring, as another process left it."""
    keyring = store.create_keyring(MASTER)
    store.forget_cached()
    return keyring


def add_data_key(key_id: int, master: MasterKey = MASTER) -> None:
    key = Key(key_id, Purpose.DATA, b"\x01" * 31 + b"\x02")
    WrappedKey.objects.create(id=key_id, purpose="data", wrapped=master.wrap(key), created=1)


def test_without_a_keyring_the_message_says_how_to_make_one() -> None:
    with pytest.raises(KeyringError, match="manage.py init"):
        store.load_keyring(MASTER)


def test_a_created_keyring_loads_again_and_is_stored_wrapped() -> None:
    keyring = make_keyring()
    again = store.load_keyring(MASTER)
    rows = list(WrappedKey.objects.all())
    assert len(rows) == len(keyring) == len(REQUIRED)
    for row in rows:
        assert again.get(row.id) == keyring.get(row.id)
        assert keyring.get(row.id).secret not in bytes(row.wrapped)


def test_creating_twice_keeps_the_first() -> None:
    first = store.create_keyring(MASTER)
    second = store.create_keyring(MASTER)
    assert [second.secret(purpose) for purpose in REQUIRED] == [first.secret(purpose) for purpose in REQUIRED]


def test_a_second_host_with_another_master_key_is_refused_and_changes_nothing() -> None:
    first = make_keyring()
    with pytest.raises(MasterKeyError):
        store.create_keyring(OTHER)
    with pytest.raises(MasterKeyError, match="not the one"):
        store.load_keyring(OTHER)
    assert store.load_keyring(MASTER).secret(Purpose.DATA) == first.secret(Purpose.DATA)


def test_two_rows_that_exchange_their_keys_are_refused() -> None:
    make_keyring()
    first, second = WrappedKey.objects.order_by("id")[:2]
    first.wrapped, second.wrapped = second.wrapped, first.wrapped
    WrappedKey.objects.bulk_update([first, second], ["wrapped"])
    with pytest.raises(MasterKeyError, match="changed in the database"):
        store.load_keyring(MASTER)


def test_a_key_given_another_purpose_is_refused() -> None:
    make_keyring()
    WrappedKey.objects.filter(purpose="index").update(purpose="data")
    with pytest.raises(MasterKeyError, match="changed in the database"):
        store.load_keyring(MASTER)


def test_a_key_of_no_known_purpose_is_refused_as_a_broken_keyring() -> None:
    make_keyring()
    WrappedKey.objects.filter(purpose="index").update(purpose="garbage")
    with pytest.raises(KeyringError):
        store.load_keyring(MASTER)


def test_a_truncated_key_is_refused_as_a_broken_keyring() -> None:
    make_keyring()
    WrappedKey.objects.filter(purpose="index").update(wrapped=b"\x01")
    with pytest.raises(KeyringError):
        store.load_keyring(MASTER)


@pytest.mark.parametrize("purpose", [purpose.value for purpose in REQUIRED])
def test_a_removed_key_is_missed_and_named(purpose: str) -> None:
    make_keyring()
    WrappedKey.objects.filter(purpose=purpose).delete()
    with pytest.raises(KeyringError, match=purpose):
        store.load_keyring(MASTER)


def test_current_keyring_without_any_master_key_names_the_settings(settings: Any) -> None:
    make_keyring()
    settings.DATABUNKER_MASTERKEY = ""
    with pytest.raises(MasterKeyError, match="DATABUNKER_MASTERKEY_FILE, DATABUNKER_MASTERKEY_COMMAND or"):
        store.current_keyring()


def test_current_keyring_reads_the_master_key_file(settings: Any, tmp_path: Path) -> None:
    make_keyring()
    settings.DATABUNKER_MASTERKEY, settings.DATABUNKER_MASTERKEY_FILE = "", str(tmp_path / "key")
    masterkey.write_new_file(tmp_path / "key", MASTER)
    assert len(store.current_keyring()) == len(REQUIRED)


def test_a_wrong_master_key_is_refused_each_time(settings: Any) -> None:
    make_keyring()
    settings.DATABUNKER_MASTERKEY = OTHER.secret.hex()
    for _ in range(2):
        with pytest.raises(MasterKeyError, match="not the one"):
            store.current_keyring()


def test_the_process_that_created_it_uses_it_at_once(django_assert_num_queries: Any) -> None:
    keyring = store.create_keyring(MASTER)
    with django_assert_num_queries(0):
        assert store.current_keyring().get(1) == keyring.get(1)


def test_whether_there_is_one() -> None:
    assert not store.keyring_exists()
    make_keyring()
    assert store.keyring_exists()


def test_the_keyring_is_read_once_within_its_time(django_assert_num_queries: Any) -> None:
    make_keyring()
    with django_assert_num_queries(1):
        assert store.current_keyring() is store.current_keyring()


def test_a_new_key_is_seen_after_the_cache_time(monkeypatch: pytest.MonkeyPatch) -> None:
    make_keyring()
    store.current_keyring()
    add_data_key(9)
    assert 9 not in store.current_keyring()
    later = time.monotonic() + 31
    monkeypatch.setattr(store.time, "monotonic", lambda: later)
    assert store.current_keyring().newest(Purpose.DATA).id == 9


def test_cache_seconds_of_zero_read_each_time(settings: Any, django_assert_num_queries: Any) -> None:
    settings.KEYRING_CACHE_SECONDS = 0
    make_keyring()
    with django_assert_num_queries(2):
        store.current_keyring()
        store.current_keyring()


def test_reload_for_finds_a_key_that_another_host_added() -> None:
    make_keyring()
    store.current_keyring()
    add_data_key(9)
    assert store.reload_for(9).get(9).purpose is Purpose.DATA
    assert 9 in store.current_keyring()


def test_reload_for_a_key_that_nobody_has_is_refused() -> None:
    make_keyring()
    with pytest.raises(UnknownKey):
        store.reload_for(99)


def test_a_keyring_wrapped_anew_is_opened_by_the_newly_configured_master_key(settings: Any) -> None:
    keyring = make_keyring()
    store.current_keyring()
    for row in WrappedKey.objects.all():
        WrappedKey.objects.filter(pk=row.id).update(wrapped=OTHER.wrap(keyring.get(row.id)))
    settings.DATABUNKER_MASTERKEY = OTHER.secret.hex()
    assert store.reload_for(1).secret(Purpose.DATA) == keyring.secret(Purpose.DATA)


def test_a_failed_reload_keeps_no_wrong_keyring(settings: Any) -> None:
    make_keyring()
    store.current_keyring()
    WrappedKey.objects.all().delete()
    with pytest.raises(KeyringError):
        store.reload_for(1)


def test_forget_cached_drops_keys_and_master_key(settings: Any) -> None:
    make_keyring()
    store.current_keyring()
    settings.DATABUNKER_MASTERKEY = ""
    store.forget_cached()
    with pytest.raises(MasterKeyError):
        store.current_keyring()


def test_a_stored_key_names_itself_without_its_content() -> None:
    make_keyring()
    row = WrappedKey.objects.get(pk=1)
    assert str(row) == "data key 1"
    assert bytes(row.wrapped).hex() not in repr(row)


# Two master keys


def put_under_other(keyring: Keyring) -> None:
    """As `keys rewrap-keyring` on another host does it."""
    for row in WrappedKey.objects.all():
        WrappedKey.objects.filter(pk=row.id).update(wrapped=OTHER.wrap(keyring.get(row.id)))


def test_the_old_master_key_opens_as_well(settings: Any) -> None:
    keyring = make_keyring()
    settings.DATABUNKER_MASTERKEY, settings.DATABUNKER_MASTERKEY_OLD = OTHER.secret.hex(), MASTER.secret.hex()
    assert store.current_keyring().secret(Purpose.DATA) == keyring.secret(Purpose.DATA)
    assert store.master_in_use() == MASTER
    put_under_other(keyring)
    assert store.reload_keyring().secret(Purpose.DATA) == keyring.secret(Purpose.DATA)
    assert store.master_in_use() == OTHER


def test_the_old_master_key_is_not_read_where_the_present_one_fits(settings: Any) -> None:
    make_keyring()
    settings.DATABUNKER_MASTERKEY_OLD_FILE = "/no/such/file"
    assert len(store.current_keyring()) == len(REQUIRED)
    settings.DATABUNKER_MASTERKEY = OTHER.secret.hex()
    store.forget_cached()
    with pytest.raises(MasterKeyError, match="DATABUNKER_MASTERKEY_OLD_FILE can't be read"):
        store.current_keyring()


def test_a_process_that_knows_only_the_old_one_goes_on_with_what_it_has(
    settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.KEYRING_CACHE_SECONDS = 0
    keyring = make_keyring()
    assert store.current_keyring().secret(Purpose.DATA) == keyring.secret(Purpose.DATA)
    put_under_other(keyring)
    for _ in range(3):
        assert store.current_keyring().secret(Purpose.DATA) == keyring.secret(Purpose.DATA)
    assert [record.getMessage()[:45] for record in caplog.records] == ["the keyring was put under another master key "]
    with pytest.raises(MasterKeyError):
        store.reload_keyring()
    with pytest.raises(MasterKeyError):
        backup_keys.wrap(bytes(32), backup=bytes(16))
    settings.DATABUNKER_MASTERKEY = OTHER.secret.hex()
    assert store.master_in_use() == OTHER


@pytest.mark.parametrize("change", ["added", "destroyed", "replaced"])
def test_it_does_not_go_on_with_keys_that_are_not_those_of_the_database(settings: Any, change: str) -> None:
    """It would seal under a key that is about to be destroyed, or has been."""
    settings.KEYRING_CACHE_SECONDS = 0
    keyring = make_keyring()
    store.current_keyring()
    put_under_other(keyring)
    if change != "destroyed":
        add_data_key(9, OTHER)
    if change != "added":
        WrappedKey.objects.filter(pk=1).delete()
    with pytest.raises(MasterKeyError):
        store.current_keyring()


def test_a_new_process_with_the_old_one_alone_does_not_start(settings: Any) -> None:
    put_under_other(make_keyring())
    with pytest.raises(MasterKeyError, match="rewrap-keyring` has put it under since"):
        store.current_keyring()


def test_a_keyring_that_was_changed_is_never_taken_for_one_under_another_master_key(settings: Any) -> None:
    """The header still says that this process could open it."""
    settings.KEYRING_CACHE_SECONDS = 0
    make_keyring()
    store.current_keyring()
    row = WrappedKey.objects.get(pk=1)
    WrappedKey.objects.filter(pk=1).update(wrapped=flipped(bytes(row.wrapped)))
    with pytest.raises(MasterKeyError, match="changed in the database"):
        store.current_keyring()


def test_a_backup_opens_with_the_old_master_key_too(settings: Any) -> None:
    make_keyring()
    wrapped = backup_keys.wrap(bytes(range(32)), backup=bytes(16)).by_master_key
    settings.DATABUNKER_MASTERKEY = OTHER.secret.hex()
    store.forget_cached()
    with pytest.raises(MasterKeyError, match="DATABUNKER_MASTERKEY_OLD"):
        backup_keys.open_with_master_key(wrapped, backup=bytes(16))
    settings.DATABUNKER_MASTERKEY_OLD = MASTER.secret.hex()
    assert backup_keys.open_with_master_key(wrapped, backup=bytes(16)) == bytes(range(32))


# Changes


@pytest.mark.parametrize("purpose", REQUIRED)
def test_a_keyring_of_an_older_release_gets_the_purposes_that_it_lacks(purpose: Purpose) -> None:
    keyring = make_keyring()
    WrappedKey.objects.filter(purpose=purpose.value).delete()
    with pytest.raises(MasterKeyError):
        store.create_keyring(OTHER)
    mended = store.create_keyring(MASTER)
    assert mended.newest(purpose).id not in {key.id for key in keyring._by_id.values()} - {len(REQUIRED)}
    for other in set(REQUIRED) - {purpose}:
        assert mended.newest(other) == keyring.newest(other)


def test_a_new_key_is_the_newest_and_under_the_master_key_in_use(settings: Any) -> None:
    make_keyring()
    settings.DATABUNKER_MASTERKEY, settings.DATABUNKER_MASTERKEY_OLD = OTHER.secret.hex(), MASTER.secret.hex()
    key = changing.add_key(Purpose.DATA)
    assert key.id == len(REQUIRED) + 1
    assert store.load_keyring(MASTER).newest(Purpose.DATA) == key


def test_a_key_is_destroyed_but_never_the_newest() -> None:
    make_keyring()
    changing.add_key(Purpose.DATA)
    with pytest.raises(KeyringError, match="in use"):
        changing.destroy_key(7)
    changing.destroy_key(1)
    assert store.stored_keys()[0].id == 2
    with pytest.raises(UnknownKey):
        changing.destroy_key(1)
    with pytest.raises(KeyringError):
        changing.destroy_key(3)


def test_the_keyring_goes_under_the_configured_master_key_once(settings: Any) -> None:
    keyring = make_keyring()
    assert changing.rewrap_keyring() == 0
    settings.DATABUNKER_MASTERKEY = OTHER.secret.hex()
    store.forget_cached()
    with pytest.raises(MasterKeyError):
        changing.rewrap_keyring()
    settings.DATABUNKER_MASTERKEY_OLD = MASTER.secret.hex()
    assert changing.rewrap_keyring() == len(REQUIRED)
    assert changing.rewrap_keyring() == 0
    again = store.load_keyring(OTHER)
    assert [again.get(key.id) for key in keyring._by_id.values()] == list(keyring._by_id.values())
    with pytest.raises(MasterKeyError):
        store.load_keyring(MASTER)
