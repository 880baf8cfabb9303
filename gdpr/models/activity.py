"""The processing register at rest (GDPR Art. 30): what is done with people's data, and on which legal bases."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField

__all__ = ["ARTICLE_30", "ActivityBasis", "ProcessingActivity"]

# What Art. 30(1) wants to know of an activity, in the order of its letters. The controller and the officer are those
# of the settings; `controller` names others that an activity has.
ARTICLE_30 = (
    "controller",
    "purposes",
    "datasubjects",
    "datacategories",
    "recipients",
    "transfers",
    "safeguards",
    "retention",
    "security",
)


class ProcessingActivity(models.Model):
    """One purpose that data is processed for. No personal data."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    activity = models.CharField(max_length=65, help_text="Its name in the API; may change")
    title = models.TextField()
    script = models.TextField(blank=True, help_text="What a web page runs where its legal bases are agreed to")
    fulldesc = models.TextField(blank=True)
    applicableto = models.TextField(blank=True)
    controller = models.TextField(blank=True, help_text="Joint controllers, and representatives, with their contact")
    purposes = models.TextField(blank=True)
    datasubjects = models.TextField(blank=True, help_text="Categories of people")
    datacategories = models.TextField(blank=True, help_text="Categories of their data")
    recipients = models.TextField(blank=True)
    transfers = models.TextField(blank=True, help_text="Third countries and international organisations")
    safeguards = models.TextField(blank=True, help_text="What makes the transfers lawful")
    retention = models.TextField(blank=True, help_text="When which categories of data are erased")
    security = models.TextField(blank=True, help_text="Technical and organisational measures")
    created = models.BigIntegerField(help_text="Unix seconds")
    changed = models.BigIntegerField(help_text="Unix seconds")
    mac = FixedBinaryField(length=32, help_text="SQL alone can't change the script")

    class Meta:
        db_table = "gdpr_activity"
        constraints = [models.UniqueConstraint(fields=["tenant", "activity"], name="gdpr_activity_unique_name")]

    def __str__(self) -> str:
        return self.activity


class ActivityBasis(models.Model):
    """A legal basis that an activity rests on; by number, so that both may be renamed."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    activity = models.BigIntegerField(help_text="Number of the processing activity")
    basis = models.BigIntegerField(help_text="Number of the legal basis")
    mac = FixedBinaryField(length=32, help_text="SQL alone lets nothing run on another basis")

    class Meta:
        db_table = "gdpr_activity_basis"
        constraints = [models.UniqueConstraint(fields=["activity", "basis"], name="gdpr_activity_basis_unique")]
        indexes = [models.Index(fields=["tenant", "basis"], name="gdpr_activity_basis_by_basis")]

    def __str__(self) -> str:
        return f"activity {self.activity} on basis {self.basis}"
