"""The key of a backup: wrapped by the master key, and sealed for those who hold recovery shares, if there are any."""

from __future__ import annotations

from typing import NamedTuple

from . import envelope, store
from .errors import IntegrityFailure, RecoveryError
from .recovery import RecoveryKey, RecoverySecret

__all__ = ["WrappedBackupKey", "open_with_master_key", "open_with_shares", "wrap"]

_PURPOSE = b"backup "


class WrappedBackupKey(NamedTuple):
    """Two ways to the same key, as they stand in the backup; `for_shares` is None where nobody holds shares."""

    by_master_key: bytes
    for_shares: bytes | None


def wrap(secret: bytes, *, backup: bytes) -> WrappedBackupKey:
    """Under the master key that the keyring in the backup is under, and for the shares that open that keyring.

    Raises:
        KeyringError, MasterKeyError: see `store.reload_keyring`.
    """
    master = store.master_in_use()
    own = store.current_keyring().recovery
    for_shares = (
        None if own is None else RecoveryKey.from_bytes(own.secret).seal(secret, purpose=_PURPOSE + backup, number=0)
    )
    return WrappedBackupKey(master.wrap_backup_key(secret, backup=backup), for_shares)


def open_with_master_key(wrapped: bytes, *, backup: bytes) -> bytes:
    """Needs no database; the old master key is as good as the present one.

    Raises:
        MasterKeyError: also where no master key is configured.
        IntegrityFailure: it was changed.
    """
    return store.master_for(envelope.key_id_of(wrapped)).unwrap_backup_key(wrapped, backup=backup)


def open_with_shares(sealed: bytes | None, *, backup: bytes, shares: RecoverySecret) -> bytes:
    """Needs neither a database nor a master key.

    Raises:
        RecoveryError: the vault had no shares when the backup was made, or others than these.
    """
    if sealed is None:
        raise RecoveryError(
            "shares don't open this backup: it was made before `manage.py keys split`, and needs the master key"
        )
    try:
        return shares.open(sealed, purpose=_PURPOSE + backup, number=0)
    except IntegrityFailure:
        raise RecoveryError(
            "these shares don't open this backup: it is of another vault, or the shares are of another split than the "
            "one that was in force when it was made"
        ) from None
