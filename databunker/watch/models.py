"""How many people each token reads, what of that was unusual, and who is a canary."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import SealedField

__all__ = ["Canary", "Incident", "IncidentKind", "Progress", "Reading"]


class Reading(models.Model):
    """How many different people an application's token, or an account, has read in one hour or one day (UTC).

    `sketch` is a HyperLogLog sketch of their references: it counts them, and names none.
    """

    pk = models.CompositePrimaryKey("tenant", "actor_kind", "token_id", "seconds", "start")
    tenant = models.IntegerField()
    actor_kind = models.SmallIntegerField(help_text="See databunker.access.actor.ActorKind")
    token_id = models.BigIntegerField(help_text="Row of the access token, or of the account")
    seconds = models.IntegerField(help_text="Length of the period")
    start = models.BigIntegerField(help_text="Unix seconds")
    people = models.BigIntegerField()
    sketch = models.BinaryField()
    unusual = models.BooleanField(default=False, help_text="It was told of, and is no measure of what is usual")

    class Meta:
        db_table = "watch_reading"
        indexes = [models.Index(fields=["start"], name="watch_reading_by_start")]

    def __str__(self) -> str:
        return f"readings of token {self.token_id}"


class Progress(models.Model):
    """How far the trail has been looked through."""

    id = models.IntegerField(primary_key=True)
    position = models.UUIDField(help_text="The last event that was counted")

    class Meta:
        db_table = "watch_progress"

    def __str__(self) -> str:
        return "progress"


class IncidentKind(models.IntegerChoices):
    HOUR = 1, "unusually many people in an hour"
    DAY = 2, "unusually many people in a day"
    CANARY = 3, "a canary was read"


class Incident(models.Model):
    """Something that looked wrong, told once. `start` is the period in which it began; it goes on until `last`."""

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    kind = models.SmallIntegerField(choices=IncidentKind.choices)
    actor_kind = models.SmallIntegerField(help_text="See databunker.access.actor.ActorKind")
    token_id = models.BigIntegerField(help_text="Row of the access token, or of the account; 0: none")
    start = models.BigIntegerField(help_text="Unix seconds")
    last = models.BigIntegerField(help_text="Unix seconds")
    people = models.BigIntegerField()
    usual = models.BigIntegerField(help_text="The most that was to be expected")
    acknowledged = models.BigIntegerField(null=True, help_text="Unix seconds; when somebody had looked into it")
    acknowledged_kind = models.SmallIntegerField(null=True, help_text="Who, see databunker.access.actor.ActorKind")
    acknowledged_by = models.BigIntegerField(null=True, help_text="Row of that one's account or access token")

    class Meta:
        db_table = "watch_incident"
        constraints = [
            models.UniqueConstraint(
                fields=["tenant", "kind", "actor_kind", "token_id", "start"], name="watch_incident_once"
            )
        ]
        indexes = [models.Index(fields=["tenant", "last"], name="watch_incident_by_end")]

    def __str__(self) -> str:
        return self.get_kind_display()


class Canary(models.Model):
    """Somebody who doesn't exist, and whom nobody has reason to read. `sealed` is the reference of the record.

    Nothing else tells such a record from others; how many there are is to be seen.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    sealed = SealedField()

    class Meta:
        db_table = "watch_canary"
        verbose_name_plural = "canaries"

    def __str__(self) -> str:
        return "canary"
