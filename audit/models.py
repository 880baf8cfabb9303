"""The trail at rest: one row an event, written once and never changed."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["Event"]


class Event(models.Model):
    """What happened: who did what to whom, when, with what outcome.

    `subject` is the person's reference, a keyed hash that outlives the person's data. `detail` (looked-up
    identity, message, versions, client address) is sealed under the person's own key, or under a data key
    where no person is concerned; it becomes unreadable when the person is forgotten, the event does not.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    tenant = models.IntegerField()
    at = models.BigIntegerField(help_text="Unix time in microseconds")
    type = models.SmallIntegerField(help_text="Number of the event type, see audit/events.py")
    outcome = models.SmallIntegerField(help_text="See audit.events.Outcome")
    actor_kind = models.SmallIntegerField(help_text="See databunker.access.actor.ActorKind")
    actor_token = models.BigIntegerField(null=True, help_text="Row of the access token used")
    subject = FixedBinaryField(length=16, null=True)
    request = models.UUIDField(help_text="The same for all events of one request")
    detail = SealedField(null=True)
    key_id = models.IntegerField(help_text="The audit key of the MAC")
    mac = FixedBinaryField(length=32)

    class Meta:
        db_table = "audit_event"
        indexes = [models.Index(fields=["tenant", "subject", "id"], name="audit_event_by_subject")]

    def __str__(self) -> str:
        return f"event {self.id}"
