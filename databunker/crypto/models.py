"""The keyring at rest: every key wrapped by the master key."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import SealedField

from .keyring import KeyState, Purpose

__all__ = ["RecoveryCopy", "WrappedKey"]


class WrappedKey(models.Model):
    """One key of the keyring. Holds no personal data; useless without the master key."""

    id = models.IntegerField(primary_key=True)
    purpose = models.CharField(max_length=16, choices=[(purpose.value, purpose.value) for purpose in Purpose])
    wrapped = SealedField()
    created = models.BigIntegerField(help_text="Unix seconds")
    warned = models.BigIntegerField(null=True, help_text="Unix seconds; when its age was last warned of")
    state = models.CharField(max_length=8, default=KeyState.LIVE.value, help_text="Of index keys, see KeyState")
    epoch = models.IntegerField(default=0, help_text="Of index keys, see Key")
    since = models.BigIntegerField(default=0, help_text="Unix seconds: when an index key got its state or epoch")

    class Meta:
        db_table = "crypto_key"

    def __str__(self) -> str:
        return f"{self.purpose} key {self.id}"


class RecoveryCopy(models.Model):
    """One key of the keyring, sealed for those who hold enough recovery shares; see `databunker.crypto.recovery`."""

    key = models.IntegerField(primary_key=True, help_text="Number of the key")
    sealed = models.BinaryField(help_text="No envelope: see RecoveryKey")

    class Meta:
        db_table = "crypto_recovery_copy"

    def __str__(self) -> str:
        return f"copy of key {self.key}"
