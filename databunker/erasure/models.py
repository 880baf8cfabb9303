"""The erasure journal at rest: who was forgotten, as keyed hashes, in one chain over the whole vault; and receipts."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField

__all__ = ["Erasure", "Journal", "Receipt"]


class Erasure(models.Model):
    """One forgetting; written once, in its transaction, and never changed.

    `subject` is the person's reference, a keyed hash of the token: the same that the person's record keeps. Numbers
    have no gaps, and each row carries the MAC of the one before it.
    """

    sequence = models.BigIntegerField(primary_key=True, help_text="Counts the forgettings of the vault, from 1")
    tenant = models.IntegerField()
    at = models.BigIntegerField(help_text="Unix seconds")
    subject = FixedBinaryField(length=16)
    generation = models.IntegerField(help_text="Of the record key that the forgetting began")
    previous = FixedBinaryField(length=32, help_text="The MAC of the row before")
    mac = FixedBinaryField(length=32)

    class Meta:
        db_table = "erasure_entry"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "subject", "generation"], name="erasure_entry_unique_forgetting")
        ]

    def __str__(self) -> str:
        return f"erasure {self.sequence}"


class Journal(models.Model):
    """The one row that whoever forgets somebody locks: where the chain ends.

    `restored` is the backup that this database came from, as long as nobody has replayed a journal upon it.
    """

    id = models.SmallIntegerField(primary_key=True)
    sequence = models.BigIntegerField(default=0)
    mac = FixedBinaryField(length=32)
    restored = models.UUIDField(null=True)

    class Meta:
        db_table = "erasure_journal"

    def __str__(self) -> str:
        return f"journal at {self.sequence}"


class Receipt(models.Model):
    """What a receipt of a forgetting states; the proof is added to it when it is asked for.

    `digest` is the keyed hash of the receipt's id, `person` a hash by which only those who know both the id and the
    person's token recognise the person.
    """

    digest = FixedBinaryField(length=16, primary_key=True)
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    event = models.UUIDField(help_text="Of the forgetting, in the audit trail")
    kept = models.BooleanField(help_text="Whether the record schema preserves something")
    person = FixedBinaryField(length=32)
    mac = FixedBinaryField(length=32, help_text="Over the row, so that SQL alone has nothing signed")

    class Meta:
        db_table = "erasure_receipt"

    def __str__(self) -> str:
        return "receipt"
