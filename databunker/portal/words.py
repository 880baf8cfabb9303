"""What the portal calls things, in words for the person whom they are about."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from gdpr.agreement_states import AgreementStatus
from gdpr.models import BasisType, RequestAction
from gdpr.queries import Part, Why
from gdpr.rights import Ground
from gdpr.states import State

__all__ = ["ACTIONS", "BASES", "GROUNDS", "PARTS", "SAID", "STATES", "WHY", "Words"]

Words = str | Promise

ACTIONS: dict[RequestAction, Words] = {
    RequestAction.FORGET_ME: _("Delete me"),
    RequestAction.CHANGE_PROFILE: _("Change my data"),
    RequestAction.CHANGE_APP_DATA: _("Change what an application keeps"),
    RequestAction.AGREEMENT_WITHDRAW: _("Withdraw a consent"),
}
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
GROUNDS: dict[Ground, Words] = {
    Ground.ACCURACY: _("My data is wrong, and I want that verified."),
    Ground.UNLAWFUL: _("My data may not be used, and I don't want it deleted."),
    Ground.CLAIMS: _("I need the data for legal claims."),
    Ground.OBJECTION: _("I have objected, and wait for the answer."),
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
