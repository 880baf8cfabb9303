"""Rights that people have exercised and that stand until they are taken back."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["ExercisedRight", "RightKind"]


class RightKind(models.IntegerChoices):
    """Numbers stand in the database: never change or reuse one."""

    RESTRICTION = 1, "restriction"  # GDPR Art. 18
    OBJECTION = 2, "objection"  # Art. 21
    ERASURE = 3, "erasure"  # Art. 17, while it can still be withdrawn


class ExercisedRight(models.Model):
    """One right that stands; taken back, the row goes, and the trail tells of it.

    `terms` holds who exercised it and why, sealed under the person's record key and bound to every other column: SQL
    alone restricts, objects and erases nothing.
    """

    pk = models.CompositePrimaryKey("tenant", "subject", "kind", "basis")
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    kind = models.SmallIntegerField(choices=RightKind.choices)
    basis = models.BigIntegerField(default=0, help_text="Number of the legal basis objected to; 0: no certain one")
    since = models.BigIntegerField(help_text="Unix seconds")
    due = models.BigIntegerField(null=True, help_text="Unix seconds; when an erasure is carried out")
    terms = SealedField()

    class Meta:
        db_table = "gdpr_right"
        indexes = [models.Index(fields=["kind", "due"], name="gdpr_right_by_due")]

    def __str__(self) -> str:
        return RightKind(self.kind).label
