"""The keyring at rest: every key wrapped by the master key."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import SealedField

from .keyring import Purpose

__all__ = ["WrappedKey"]


class WrappedKey(models.Model):
    """One key of the keyring. Holds no personal data; useless without the master key."""

    id = models.IntegerField(primary_key=True)
    purpose = models.CharField(max_length=16, choices=[(purpose.value, purpose.value) for purpose in Purpose])
    wrapped = SealedField()
    created = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "crypto_key"

    def __str__(self) -> str:
        return f"{self.purpose} key {self.id}"
