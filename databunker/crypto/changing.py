"""Change the keyring: add a key, destroy one, put all of them under another master key.

Each in the caller's transaction, so that its event stands or falls with it. Processes follow within
KEYRING_CACHE_SECONDS.
"""

from __future__ import annotations

from dataclasses import replace

from django.db import transaction

from . import recovery_copies, store
from .configured import required_master_key
from .keyring import Key, KeyState, Purpose
from .masterkey import MasterKey
from .models import WrappedKey
from .recovery import RecoverySecret

__all__ = [
    "add_key",
    "destroy_key",
    "lock_keyring",
    "put_under",
    "recover_keyring",
    "replace_recovery_key",
    "rewrap_keyring",
]


def lock_keyring() -> None:
    """Until the caller's transaction ends, nobody else changes the keyring."""
    # There is one key of this purpose, and it is never destroyed.
    list(WrappedKey.objects.select_for_update().filter(purpose=Purpose.REFERENCE.value).values_list("id"))


def add_key(purpose: Purpose, *, state: KeyState = KeyState.LIVE, epoch: int = 0) -> Key:
    """A new key, the newest of its purpose; an index key in the state and epoch that are given.

    Raises:
        KeyringError, MasterKeyError: see `store.reload_keyring`.
    """
    lock_keyring()
    keyring, master = store.reload_keyring(), store.master_in_use()
    key = replace(keyring.next_key(purpose), state=state, epoch=epoch)
    store.wrapped_row(key, master).save(force_insert=True)
    recovery_copies.complete(keyring, key)
    transaction.on_commit(store.read_again)
    return key


def destroy_key(key_id: int) -> None:
    """Destroy a key for good. The caller holds the lock and knows that nothing uses it.

    Raises:
        UnknownKey, KeyringError: see `Keyring.without`.
    """
    store.reload_keyring().without(key_id)
    WrappedKey.objects.filter(pk=key_id).delete()
    recovery_copies.delete_copy(key_id)
    transaction.on_commit(store.read_again)


def rewrap_keyring() -> int:
    """Put every key under the configured master key; how many were under another one.

    Raises:
        MasterKeyError: the keyring is under a master key that is not configured as the old one.
    """
    new = required_master_key()
    lock_keyring()
    if store.master_in_use().has(new.fingerprint):
        return 0
    return put_under(new)


def put_under(master: MasterKey) -> int:
    """Put every key under `master`; how many. The caller holds the lock."""
    keyring = store.reload_keyring()
    ids = list(WrappedKey.objects.values_list("id", flat=True))
    for key_id in ids:
        WrappedKey.objects.filter(pk=key_id).update(wrapped=master.wrap(keyring.get(key_id)))
    store.load_keyring(master)  # or nothing of it happens
    transaction.on_commit(store.read_again)
    return len(ids)


def replace_recovery_key(secret: RecoverySecret) -> None:
    """Have the shares of `secret`, and of no other, open the keyring.

    Raises:
        KeyringError, MasterKeyError: see `store.reload_keyring`.
    """
    lock_keyring()
    keyring, master = store.reload_keyring(), store.master_in_use()
    key = replace(keyring.next_key(Purpose.RECOVERY), secret=secret.key.to_bytes())
    WrappedKey.objects.filter(purpose=Purpose.RECOVERY.value).delete()
    recovery_copies.delete_all()
    store.wrapped_row(key, master).save(force_insert=True)
    recovery_copies.complete(keyring, key)
    transaction.on_commit(store.read_again)


def recover_keyring(secret: RecoverySecret, master: MasterKey) -> int:
    """Put every key under `master`, from its recovery copy: the present master key is not needed. How many there are.

    Raises:
        RecoveryError: see `recovery_copies.open_all`.
    """
    lock_keyring()
    keys = recovery_copies.open_all(secret)
    own = WrappedKey.objects.filter(purpose=Purpose.RECOVERY.value).values_list("id", flat=True)
    keys += [Key(number, Purpose.RECOVERY, secret.key.to_bytes()) for number in own]
    for key in keys:
        WrappedKey.objects.filter(pk=key.id).update(wrapped=master.wrap(key))
    store.use(master)
    return len(keys)
