"""The copies of the keyring that recovery shares open: one for each key, also for those that come later."""

from __future__ import annotations

from .errors import IntegrityFailure, RecoveryError
from .keyring import Key, Keyring, Purpose
from .models import RecoveryCopy, WrappedKey
from .recovery import RecoveryKey, RecoverySecret

__all__ = ["complete", "delete_all", "delete_copy", "open_all"]

_OF_ANOTHER_SPLIT = (
    "these shares don't open this keyring: they are of another vault, or of an earlier split, which the last "
    "`manage.py keys split` has replaced"
)


def complete(keyring: Keyring, *added: Key) -> None:
    """Make the copies that are missing of the keyring and of keys that come to it, in the transaction that brings them.

    None where there is no recovery key, neither in the keyring nor among what comes.
    """
    own = next((key for key in added if key.purpose is Purpose.RECOVERY), keyring.recovery)
    if own is None:
        return
    recovery = RecoveryKey.from_bytes(own.secret)
    present = set(RecoveryCopy.objects.values_list("key", flat=True))
    RecoveryCopy.objects.bulk_create(
        [
            _copy(key, recovery)
            for key in (*keyring, *added)
            if key.purpose is not Purpose.RECOVERY and key.id not in present
        ],
        ignore_conflicts=True,
    )


def _copy(key: Key, recovery: RecoveryKey) -> RecoveryCopy:
    sealed = recovery.seal(key.secret, purpose=key.purpose.value.encode(), number=key.id)
    return RecoveryCopy(key=key.id, sealed=sealed)


def delete_all() -> None:
    RecoveryCopy.objects.all().delete()


def delete_copy(number: int) -> None:
    RecoveryCopy.objects.filter(key=number).delete()


def open_all(secret: RecoverySecret) -> list[Key]:
    """Every key of the keyring but the recovery key, from its copy. Needs no master key.

    Raises:
        RecoveryError: a copy is missing or was changed, or the secret is not of these copies.
    """
    copies = {copy.key: bytes(copy.sealed) for copy in RecoveryCopy.objects.all()}
    if not copies:
        raise RecoveryError("this vault has no recovery shares: `manage.py keys split` has not been run")
    rows = WrappedKey.objects.exclude(purpose=Purpose.RECOVERY.value).order_by("id").values_list("id", "purpose")
    opened: list[Key] = []
    broken: list[int] = []
    for number, purpose in rows:
        try:
            opened.append(secret.open_key(copies.get(number, b""), purpose=Purpose(purpose), number=number))
        except (IntegrityFailure, ValueError):
            broken.append(number)
    if broken and not opened:
        raise RecoveryError(_OF_ANOTHER_SPLIT)
    if broken:
        raise RecoveryError(f"the recovery copy of key {broken[0]} is missing, or was changed in the database")
    return opened
