"""Who may come in: tenants, access tokens and unlocks; people's login codes, and how often something is tried."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField

__all__ = ["DEFAULT_TENANT", "AccessToken", "LoginCode", "Tenant", "Throttle", "TokenKind", "Unlock", "UsedCaptcha"]

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
    scope = models.TextField(
        blank=True, help_text="What narrows the token, see databunker/access/scopes.py; empty: nothing"
    )
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
        indexes = [
            models.Index(fields=["tenant", "subject"], name="access_token_by_subject"),
            models.Index(fields=["expires"], name="access_token_by_end"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} token {self.pk}"


class Unlock(models.Model):
    """A short permission to list people in bulk, asked for beforehand and audited (see `POST /v1/users/unlock`)."""

    digest = FixedBinaryField(length=16, primary_key=True)
    tenant = models.IntegerField()
    token_id = models.BigIntegerField(help_text="The access token that asked; no other may use the unlock")
    expires = models.BigIntegerField(help_text="Unix seconds")
    mac = FixedBinaryField(length=32, help_text="Over all of the row, so that SQL alone unlocks nothing")

    class Meta:
        db_table = "access_unlock"

    def __str__(self) -> str:
        return f"unlock of token {self.token_id}"


class LoginCode(models.Model):
    """A code that was sent to a person, or would have been: of nobody's identity there is a row that looks alike.

    `digest` is the keyed hash of the identity. Only a keyed hash of the code is kept.
    """

    pk = models.CompositePrimaryKey("tenant", "digest")
    tenant = models.IntegerField()
    digest = FixedBinaryField(length=16)
    subject = FixedBinaryField(length=16, null=True, help_text="Empty where nobody has the identity")
    mac = FixedBinaryField(length=32, help_text="Over the code, the identity, the person and the end")
    tries = models.SmallIntegerField(default=0)
    expires = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "access_login_code"
        indexes = [
            models.Index(fields=["tenant", "subject"], name="access_login_code_by_subject"),
            models.Index(fields=["expires"], name="access_login_code_by_end"),
        ]

    def __str__(self) -> str:
        return "login code"


class UsedCaptcha(models.Model):
    """A captcha that was used and must not be used again before its end. `digest` is the keyed hash of its id."""

    pk = models.CompositePrimaryKey("tenant", "digest")
    tenant = models.IntegerField()
    digest = FixedBinaryField(length=16)
    expires = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "access_used_captcha"
        indexes = [models.Index(fields=["expires"], name="access_used_captcha_by_end")]

    def __str__(self) -> str:
        return "used captcha"


class Throttle(models.Model):
    """How much of a limit is used up. `digest` is the keyed hash of what is limited and of whom it is about."""

    pk = models.CompositePrimaryKey("tenant", "digest")
    tenant = models.IntegerField()
    digest = FixedBinaryField(length=16)
    full_at = models.BigIntegerField(help_text="Unix time in microseconds from which nothing is used up")

    class Meta:
        db_table = "access_throttle"
        indexes = [models.Index(fields=["full_at"], name="access_throttle_by_end")]

    def __str__(self) -> str:
        return "throttle"
