"""What the portal calls things, in words for the person whom they are about."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gdpr.agreement_states import AgreementStatus
from gdpr.models import BasisType
from gdpr.queries import Part, Why
from gdpr.report_words import ACTIONS, GROUNDS
from gdpr.states import State

__all__ = ["ACTIONS", "BASES", "GROUNDS", "PARTS", "SAID", "STATES", "WHY", "Words"]

Words = str | Promise

# Each with the tone of its badge.
STATES: dict[State, tuple[Words, str]] = {
    State.OPEN: (_("waits for a decision"), "info"),
    State.AWAITING_IDENTITY: (_("we need to know that it is you"), "warning"),
    State.APPROVED: (_("done"), "good"),
    State.CANCELED: (_("taken back"), ""),
    State.REFUSED: (_("refused"), "bad"),
}
SAID: dict[str, tuple[Words, str]] = {
    AgreementStatus.YES.label: (_("agreed"), "good"),
    AgreementStatus.NO.label: (_("not agreed"), ""),
    AgreementStatus.EXPIRED.label: (_("over"), "warning"),
    AgreementStatus.REVOKED.label: (_("ended for everyone"), "warning"),
}
BASES: dict[str, Words] = {
    BasisType.CONSENT: _("Your consent"),
    BasisType.CONTRACT: _("A contract with you"),
    BasisType.LEGAL_REQUIREMENT: _("The law demands it"),
    BasisType.VITAL_INTEREST: _("It protects somebody's life"),
    BasisType.PUBLIC_INTEREST: _("A task in the public interest"),
    BasisType.LEGITIMATE_INTEREST: _("A legitimate interest"),
}
PARTS: dict[Part, Words] = {
    Part.FIELDS: _("Your data"),
    Part.IDENTITIES: _("What you can be found by"),
    Part.VERSIONS: _("Your data as it was before"),
    Part.APPS: _("What applications keep"),
    Part.APP_VERSIONS: _("What applications kept before"),
    Part.SESSIONS: _("Sessions"),
    Part.SHARES: _("What is shared of you"),
    Part.AGREEMENTS: _("Your consents"),
    Part.REQUESTS: _("Your requests"),
    Part.RIGHTS: _("Rights that you have used"),
    Part.EVENTS: _("The record of who did what"),
    Part.RECEIPT: _("The receipt of the deletion"),
}
WHY: dict[Why, Words] = {
    Why.PRESERVED: _("The law demands that this is kept."),
    Why.ACCOUNTABILITY: _("The bare facts show what was asked for and decided."),
    Why.TRAIL: _("It shows who did what; what it says about you can't be read any more."),
    Why.PROOF: _("It proves that you were deleted, and holds nothing personal."),
}
