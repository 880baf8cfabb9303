"""Accounts of those who work at the console, their recovery codes, and everybody's sessions of pages."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

__all__ = ["Account", "RecoveryCode", "WebSession"]


class Account(models.Model):
    """Somebody who works at the console.

    `digest` is the keyed hash of the name to sign in with. What is personal or secret about the account (names,
    password hash, secret of the second factor) is sealed under a data key, see `rows.Private`. It leaves with the
    row; events keep the account's number alone.
    """

    tenant = models.IntegerField()
    digest = FixedBinaryField(length=16)
    role = models.CharField(max_length=16, help_text="See databunker.access.roles")
    private = SealedField()
    identity = FixedBinaryField(length=16, null=True, help_text="Keyed hash of issuer and subject at OpenID Connect")
    totp_step = models.BigIntegerField(default=0, help_text="Time step of the last code used: each is good once")
    created = models.BigIntegerField(help_text="Unix seconds")
    signed_in = models.BigIntegerField(null=True, help_text="Unix seconds of the last sign-in")
    disabled = models.BigIntegerField(null=True, help_text="Unix seconds; empty: not disabled")
    mac = FixedBinaryField(length=32, help_text="Over all that the account may do, so that SQL alone grants nothing")

    class Meta:
        db_table = "account"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "digest"], name="account_name_once"),
            models.UniqueConstraint(fields=["tenant", "identity"], name="account_identity_once"),
        ]

    def __str__(self) -> str:
        return f"account {self.pk}"


class RecoveryCode(models.Model):
    """One way in without the second factor, good once. Only a keyed hash over code and account is kept."""

    pk = models.CompositePrimaryKey("account", "digest")
    tenant = models.IntegerField()
    account = models.BigIntegerField()
    digest = FixedBinaryField(length=16)

    class Meta:
        db_table = "account_recovery_code"

    def __str__(self) -> str:
        return f"recovery code of account {self.account}"


class WebSession(models.Model):
    """Somebody signed in at the console or the portal. `digest` is the keyed hash of what the cookie holds.

    `data` is sealed under a data key; `account` is for finding the sessions of one, and empty for the portal's.
    """

    digest = FixedBinaryField(length=16, primary_key=True)
    tenant = models.IntegerField()
    account = models.BigIntegerField(null=True)
    data = SealedField()
    created = models.BigIntegerField(help_text="Unix seconds")
    used = models.BigIntegerField(help_text="Unix seconds, to the minute")
    expires = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "account_session"
        indexes = [
            models.Index(fields=["tenant", "account"], name="account_session_by_account"),
            models.Index(fields=["expires"], name="account_session_by_end"),
        ]

    def __str__(self) -> str:
        return "session"
