"""When people are to be forgotten."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["Expiration", "ExpirationStatus"]


class ExpirationStatus(models.IntegerChoices):
    """What becomes of the person; `gdpr.expirations.STEPS` says what leads from one to another."""

    WAIT = 1, "wait"
    RETAIN = 2, "retain"
    EXPIRED = 3, "expired"


class Expiration(models.Model):
    """The end of one person's stay, and the link by which the holder decides about it.

    `digest` is the keyed hash of the link's token. The token itself is sealed under the person's record key, bound to
    `status` and `endtime`: to move the end in the database makes it unreadable, and nobody is forgotten by it. Both
    are empty once the link was used.
    """

    pk = models.CompositePrimaryKey("tenant", "subject")
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16)
    status = models.SmallIntegerField(choices=ExpirationStatus.choices)
    endtime = models.BigIntegerField(help_text="Unix seconds; 0: none")
    digest = FixedBinaryField(length=16, null=True, unique=True)
    sealed_token = SealedField(null=True)
    started = models.BigIntegerField(help_text="Unix seconds")
    started_by = models.BigIntegerField(null=True, help_text="Row of the access token that started it")

    class Meta:
        db_table = "gdpr_expiration"
        indexes = [models.Index(fields=["status", "endtime"], name="gdpr_expiration_by_end")]

    def __str__(self) -> str:
        return f"expiration, {ExpirationStatus(self.status).label}"
