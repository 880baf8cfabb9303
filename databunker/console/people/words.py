"""What pages call the grounds, the parts of what is kept, and why something stays."""

from __future__ import annotations

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from gdpr.agreement_states import AgreementStatus
from gdpr.models import ExpirationStatus
from gdpr.queries import Part, Why
from gdpr.rights import Ground

__all__ = ["AGREEMENT_NAMES", "EXPIRATION_NAMES", "GROUND_NAMES", "PART_NAMES", "WHY_NAMES"]

GROUND_NAMES: dict[Ground, str | Promise] = {
    Ground.ACCURACY: gettext_lazy("the data is said to be wrong, and that is being verified"),
    Ground.UNLAWFUL: gettext_lazy("the processing is unlawful, and the data is not to be erased"),
    Ground.CLAIMS: gettext_lazy("the person needs the data for legal claims"),
    Ground.OBJECTION: gettext_lazy("the person has objected, and that is being weighed"),
}
PART_NAMES: dict[Part, str | Promise] = {
    Part.FIELDS: gettext_lazy("Fields of the profile"),
    Part.IDENTITIES: gettext_lazy("Identities to be found by"),
    Part.VERSIONS: gettext_lazy("Earlier profiles"),
    Part.APPS: gettext_lazy("Application data"),
    Part.APP_VERSIONS: gettext_lazy("Earlier application data"),
    Part.SESSIONS: gettext_lazy("Sessions"),
    Part.SHARES: gettext_lazy("Shared records"),
    Part.AGREEMENTS: gettext_lazy("Agreements"),
    Part.REQUESTS: gettext_lazy("Requests"),
    Part.RIGHTS: gettext_lazy("Exercised rights"),
    Part.EVENTS: gettext_lazy("Events"),
    Part.RECEIPT: gettext_lazy("Receipt"),
}
WHY_NAMES: dict[Why, str | Promise] = {
    Why.PRESERVED: gettext_lazy("The record schema preserves them."),
    Why.ACCOUNTABILITY: gettext_lazy("The bare facts show what was asked for and decided."),
    Why.TRAIL: gettext_lazy("They show who did what; what they say about the person can't be read any more."),
    Why.PROOF: gettext_lazy("It proves the erasure."),
}
# The words, and how they stand out.
AGREEMENT_NAMES: dict[AgreementStatus, tuple[str | Promise, str]] = {
    AgreementStatus.YES: (gettext_lazy("agreed"), "good"),
    AgreementStatus.NO: (gettext_lazy("not agreed, or withdrawn"), "bad"),
    AgreementStatus.EXPIRED: (gettext_lazy("expired"), ""),
    AgreementStatus.REVOKED: (gettext_lazy("revoked by the controller"), "warning"),
}
# By the word that stands in `gdpr.queries.ExpirationView`.
EXPIRATION_NAMES: dict[str, str | Promise] = {
    ExpirationStatus.WAIT.label: gettext_lazy("the person is forgotten then"),
    ExpirationStatus.RETAIN.label: gettext_lazy("the person is kept"),
    ExpirationStatus.EXPIRED.label: gettext_lazy("the time is over"),
}
