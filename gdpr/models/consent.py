"""Consents at rest: legal bases with every version of their texts, agreements, and the history of each."""

from __future__ import annotations

from django.db import models

from databunker.db.fields import FixedBinaryField, SealedField

from ..agreement_states import AgreementStatus

__all__ = ["Agreement", "AgreementEvent", "BasisStatus", "BasisType", "LegalBasis", "LegalBasisText"]


class BasisStatus(models.IntegerChoices):
    ACTIVE = 1, "active"
    DELETED = 2, "deleted"


class BasisType(models.TextChoices):
    """GDPR Art. 6(1), a to f."""

    CONSENT = "consent"
    CONTRACT = "contract"
    LEGAL_REQUIREMENT = "legal-requirement"
    VITAL_INTEREST = "vital-interest"
    PUBLIC_INTEREST = "public-interest"
    LEGITIMATE_INTEREST = "legitimate-interest"


class LegalBasis(models.Model):
    """Why data may be processed, and what people agree to. No personal data; its texts are shown to everyone.

    Agreements point to its number, so that `brief` may change.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    brief = models.CharField(max_length=65, help_text="Its name in the API")
    status = models.SmallIntegerField(choices=BasisStatus.choices, default=BasisStatus.ACTIVE)
    module = models.CharField(max_length=64, blank=True, help_text="Where it is asked for, such as cookie-popup")
    basistype = models.CharField(max_length=32, choices=BasisType.choices, default=BasisType.CONSENT)
    usercontrol = models.BooleanField(default=False, help_text="People may withdraw by themselves")
    requiredflag = models.BooleanField(default=False)
    text_version = models.IntegerField(default=1, help_text="The version of the texts that is shown now")
    created = models.BigIntegerField(help_text="Unix seconds")
    changed = models.BigIntegerField(help_text="Unix seconds")

    class Meta:
        db_table = "gdpr_legal_basis"
        constraints = [models.UniqueConstraint(fields=["tenant", "brief"], name="gdpr_legal_basis_unique_brief")]

    def __str__(self) -> str:
        return self.brief


class LegalBasisText(models.Model):
    """The texts of a legal basis as they were shown, one row a version, written once and never changed."""

    pk = models.CompositePrimaryKey("basis", "version")
    tenant = models.IntegerField()
    basis = models.BigIntegerField(help_text="Number of the legal basis")
    version = models.IntegerField(help_text="From 1")
    shortdesc = models.TextField(blank=True)
    fulldesc = models.TextField(blank=True)
    requiredmsg = models.TextField(blank=True)
    created = models.BigIntegerField(help_text="Unix seconds")
    mac = FixedBinaryField(length=32, help_text="SQL alone can't change what people have agreed to")

    class Meta:
        db_table = "gdpr_legal_basis_text"

    def __str__(self) -> str:
        return f"version {self.version}"


class Agreement(models.Model):
    """What somebody's agreement to one legal basis is now: the last line of its history.

    `subject` is the person's reference. Before the person exists it is null, and `digest` is the blind index of
    the e-mail or phone that the agreement was given by; who then gets that identity gets the agreement.
    """

    id = models.BigAutoField(primary_key=True)
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16, null=True)
    digest = FixedBinaryField(length=16, null=True)
    basis = models.BigIntegerField(help_text="Number of the legal basis")
    status = models.SmallIntegerField(choices=AgreementStatus.choices)
    number = models.IntegerField(help_text="Of the last event")
    said = models.IntegerField(help_text="Number of the last event in which somebody spoke: accepted or withdrew")
    text_version = models.IntegerField(help_text="The version of the texts that was spoken of")
    starts = models.BigIntegerField(default=0, help_text="Unix seconds; 0: at once")
    ends = models.BigIntegerField(null=True, help_text="Unix seconds; empty: never")
    created = models.BigIntegerField(help_text="Unix seconds")
    changed = models.BigIntegerField(help_text="Unix seconds, of the last event")

    class Meta:
        db_table = "gdpr_agreement"
        constraints = [
            models.UniqueConstraint(fields=["tenant", "subject", "basis"], name="gdpr_agreement_unique_subject"),
            models.UniqueConstraint(fields=["tenant", "digest", "basis"], name="gdpr_agreement_unique_digest"),
            models.CheckConstraint(
                name="gdpr_agreement_of_person_or_digest",
                condition=models.Q(subject__isnull=True, digest__isnull=False)
                | models.Q(subject__isnull=False, digest__isnull=True),
            ),
        ]
        indexes = [
            models.Index(fields=["tenant", "basis", "status", "text_version"], name="gdpr_agreement_by_basis"),
            models.Index(fields=["status", "ends"], name="gdpr_agreement_by_end"),
            models.Index(fields=["digest", "changed"], name="gdpr_agreement_pending"),
        ]

    def __str__(self) -> str:
        return f"agreement {self.pk}"


class AgreementEvent(models.Model):
    """One line of an agreement's history: what it became, when, by whom, how, to which texts. Never changed.

    Where somebody spoke, `words` holds how (method, reference code, identity used), sealed under the record key,
    or under a data key before the person exists. Every column is bound to that seal, so a consent can't be
    invented, dated back or put under other texts by SQL. Revocation and expiry, which only ever take a consent
    away, have no words.
    """

    pk = models.CompositePrimaryKey("agreement", "number")
    agreement = models.BigIntegerField()
    number = models.IntegerField(help_text="Counts up; what was bound to the person later, but is older, counts down")
    tenant = models.IntegerField()
    subject = FixedBinaryField(length=16, null=True)
    basis = models.BigIntegerField(help_text="Number of the legal basis")
    status = models.SmallIntegerField(choices=AgreementStatus.choices)
    text_version = models.IntegerField()
    at = models.BigIntegerField(help_text="Unix seconds")
    starts = models.BigIntegerField(default=0)
    ends = models.BigIntegerField(null=True)
    actor_kind = models.SmallIntegerField(null=True, help_text="See ActorKind; empty: its time was over")
    actor_token = models.BigIntegerField(null=True, help_text="Row of the access token used")
    request = models.UUIDField(null=True, help_text="As in the audit trail")
    words = SealedField(null=True)

    class Meta:
        db_table = "gdpr_agreement_event"
        indexes = [models.Index(fields=["tenant", "subject"], name="gdpr_agreement_event_by_person")]

    def __str__(self) -> str:
        return f"event {self.number}"
