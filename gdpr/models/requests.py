"""What people have asked for and may not do alone."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

from ..states import State

__all__ = ["Request", "RequestAction"]


class RequestAction(models.IntegerChoices):
    """Numbers stand in the database: never change or reuse one."""

    FORGET_ME = 1, "forget-me"
    CHANGE_PROFILE = 2, "change-profile"
    CHANGE_APP_DATA = 3, "change-app-data"
    AGREEMENT_WITHDRAW = 4, "agreement-withdraw"


class Request(models.Model):
    """One request of a person, and what became of it.

    `digest` is the keyed hash of the request's token. The token, what is asked for, the values that it would change
    and all reasons are sealed under the person's record key, and emptied when the person is forgotten: then nothing
    but the bare facts is left.

    `slot` is the keyed hash of what the request is about while it waits for a decision, and null afterwards. So the
    database itself refuses a second one about the same.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    digest = FixedBinaryField(length=16, unique=True)
    subject = FixedBinaryField(length=16)
    action = models.SmallIntegerField(choices=RequestAction.choices)
    state = models.SmallIntegerField(choices=[(state.value, state.label) for state in State])
    slot = FixedBinaryField(length=16, null=True)
    sealed_id = SealedField(null=True)
    terms = SealedField(null=True)
    original = SealedField(null=True)
    change = SealedField(null=True)
    reasons = SealedField(null=True)
    created = models.BigIntegerField(help_text="Unix seconds; when the clock was started")
    changed = models.BigIntegerField(help_text="Unix seconds")
    extended = models.BigIntegerField(null=True, help_text="Unix seconds; when two further months were taken")
    asked = models.BigIntegerField(null=True, help_text="Unix seconds; when proof of identity was asked for")
    verified = models.BigIntegerField(null=True, help_text="Unix seconds; when it was given")
    decided = models.BigIntegerField(null=True, help_text="Unix seconds")
    decided_kind = models.SmallIntegerField(null=True, help_text="Who decided, see databunker.access.actor.ActorKind")
    decided_token = models.BigIntegerField(null=True, help_text="The access token of whoever decided")
    assignee = models.BigIntegerField(null=True, help_text="The account that looks after it")
    mac = FixedBinaryField(length=32, help_text="Over the bare facts, so that SQL alone decides and delays nothing")

    class Meta:
        db_table = "gdpr_request"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "subject", "slot"], name="gdpr_request_one_undecided"),
        ]
        indexes = [
            models.Index(fields=["tenant", "state", "id"], name="gdpr_request_by_state"),
            models.Index(fields=["tenant", "subject", "id"], name="gdpr_request_by_subject"),
            models.Index(fields=["tenant", "assignee", "state"], name="gdpr_request_by_assignee"),
        ]

    def __str__(self) -> str:
        return f"request {self.pk}"
