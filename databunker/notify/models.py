"""What waits to be done outside of the vault's own transactions: one small table of jobs, the outbox among them."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["Job", "JobState"]


class JobState(models.IntegerChoices):
    DUE = 1, "due"
    DEAD = 2, "dead"


class Job(models.Model):
    """One message to deliver, or another thing to do; the row is deleted when it is done.

    `next_attempt` is the lease, too: who claims a job moves it into the future by a conditional UPDATE, so that no
    other deliverer takes the job while the lease holds, and another does when its holder died. The payload is sealed
    under the record key of the person whom it concerns, or under a data key: then `generation` is 0.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.IntegerField()
    kind = models.CharField(max_length=16, help_text="Who does it: webhook, mail, sms, …")
    topic = models.CharField(max_length=32, help_text="What it tells of, such as profilenew; no personal data")
    subject = FixedBinaryField(length=16, null=True, help_text="The person whom it concerns")
    generation = models.IntegerField(help_text="Of the record key; 0: sealed under a data key")
    key_id = models.IntegerField(help_text="The data key that sealed the payload; 0: a record key did")
    payload = SealedField()
    state = models.SmallIntegerField(choices=JobState.choices, default=JobState.DUE)
    attempts = models.IntegerField(default=0, help_text="Begun, whether or not they came to an end")
    next_attempt = models.BigIntegerField(help_text="Unix seconds; of a dead job, when it died")
    deadline = models.BigIntegerField(null=True, help_text="Unix seconds; worthless from then on")
    last_error = models.CharField(max_length=64, default="", help_text="The kind of failure, never its text")
    created = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "notify_job"
        indexes = [
            models.Index(fields=["state", "kind", "next_attempt"], name="notify_job_by_turn"),
            models.Index(fields=["tenant", "subject"], name="notify_job_by_subject"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"
