"""Who may come in: tenants, access tokens and unlocks."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField

__all__ = ["DEFAULT_TENANT", "AccessToken", "Tenant", "TokenKind", "Unlock"]

DEFAULT_TENANT = 1


class Tenant(models.Model):
    """A wall: nothing of one tenant is found, counted or compared from another."""

    id = models.IntegerField(primary_key=True)
    name = models.CharField(max_length=64, unique=True)
    created = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "access_tenant"

    def __str__(self) -> str:
        return self.name


class TokenKind(models.IntegerChoices):
    ROOT = 1, "root"
    ADMIN = 2, "admin"
    PERSON = 3, "person"


class AccessToken(models.Model):
    """A caller's right to come in. Only a keyed hash of the token is kept."""

    tenant = models.IntegerField()
    kind = models.SmallIntegerField(choices=TokenKind.choices)
    digest = FixedBinaryField(length=16, unique=True)
    subject = FixedBinaryField(length=16, null=True, help_text="The person, for tokens of kind person")
    label = models.CharField(max_length=100, blank=True, help_text="What the token is for; no personal data")
    created = models.BigIntegerField(help_text="Unix seconds")
    expires = models.BigIntegerField(null=True, help_text="Unix seconds; empty: never")
    revoked = models.BigIntegerField(null=True, help_text="Unix seconds; empty: not revoked")
    mac = FixedBinaryField(length=32, help_text="Over all that the token may do, so that SQL alone grants nothing")

    class Meta:
        db_table = "access_token"
        constraints = [
            models.CheckConstraint(
                name="access_token_subject_iff_person",
                condition=models.Q(kind=TokenKind.PERSON, subject__isnull=False)
                | (~models.Q(kind=TokenKind.PERSON) & models.Q(subject__isnull=True)),
            )
        ]
        indexes = [models.Index(fields=["tenant", "subject"], name="access_token_by_subject")]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} token {self.pk}"


class Unlock(models.Model):
    """A short permission to list people in bulk, asked for beforehand and audited (see `POST /v1/users/unlock`)."""

    digest = FixedBinaryField(length=16, primary_key=True)
    tenant = models.IntegerField()
    token_id = models.BigIntegerField(help_text="The access token that asked; no other may use the unlock")
    expires = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "access_unlock"

    def __str__(self) -> str:
        return f"unlock of token {self.token_id}"
