"""What the printed report calls things, in words for the person whom it is about."""

from __future__ import annotations

from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.access.actor import ActorKind

from .agreement_states import AgreementStatus
from .models import ExpirationStatus, RequestAction
from .rights import Ground
from .states import State

__all__ = ["ACTIONS", "ACTORS", "FREE", "GROUNDS", "TIMES", "label_of", "outcome_of", "value_of", "who_words"]

Words = str | Promise

ACTORS: dict[ActorKind, Words] = {
    ActorKind.ANYONE: gettext_lazy("Somebody who was not signed in"),
    ActorKind.ROOT: gettext_lazy("An administrator"),
    ActorKind.ADMIN: gettext_lazy("An application"),
    ActorKind.PERSON: gettext_lazy("You"),
    ActorKind.OPERATOR: gettext_lazy("The vault itself"),
    ActorKind.ACCOUNT: gettext_lazy("Somebody at the console"),
}
ACTIONS: dict[RequestAction, Words] = {
    RequestAction.FORGET_ME: gettext_lazy("Delete me"),
    RequestAction.CHANGE_PROFILE: gettext_lazy("Change my data"),
    RequestAction.CHANGE_APP_DATA: gettext_lazy("Change what an application keeps"),
    RequestAction.AGREEMENT_WITHDRAW: gettext_lazy("Withdraw a consent"),
}
GROUNDS: dict[Ground, Words] = {
    Ground.ACCURACY: gettext_lazy("My data is wrong, and I want that verified."),
    Ground.UNLAWFUL: gettext_lazy("My data may not be used, and I don't want it deleted."),
    Ground.CLAIMS: gettext_lazy("I need the data for legal claims."),
    Ground.OBJECTION: gettext_lazy("I have objected, and wait for the answer."),
}

# What stands under these names is the person's, or the application's: it keeps the names that it has.
FREE = frozenset({"data", "original", "change"})
TIMES = frozenset(
    {"created", "changed", "expires", "stored", "when", "creationtime", "starttime", "endtime", "due", "since"}
)

# By the names of the JSON report, see `gdpr.queries.read_report`.
_LABELS: dict[str, Words] = {
    "action": gettext_lazy("What you asked for"),
    "agreementmethod": gettext_lazy("How it was given"),
    "app": gettext_lazy("Application"),
    "brief": gettext_lazy("Legal basis"),
    "by": gettext_lazy("Who"),
    "change": gettext_lazy("After"),
    "changed": gettext_lazy("Changed"),
    "created": gettext_lazy("Created"),
    "creationtime": gettext_lazy("Created"),
    "data": gettext_lazy("Data"),
    "decision": gettext_lazy("of the decision"),
    "due": gettext_lazy("To be done by"),
    "endtime": gettext_lazy("Until"),
    "erasure": gettext_lazy("Erasure"),
    "expires": gettext_lazy("Ends"),
    "extension": gettext_lazy("of the longer time"),
    "fields": gettext_lazy("Field"),
    "fulldesc": gettext_lazy("Full text"),
    "ground": gettext_lazy("Why"),
    "history": gettext_lazy("What was said"),
    "identity": gettext_lazy("of asking for a proof of identity"),
    "lastmodifiedby": gettext_lazy("Last changed by"),
    "mode": gettext_lazy("Named by"),
    "notice": gettext_lazy("What you were told"),
    "objections": gettext_lazy("Objection"),
    "of_session": gettext_lazy("Of a session"),
    "original": gettext_lazy("Before"),
    "partner": gettext_lazy("Shared with"),
    "proof": gettext_lazy("of accepting the proof of identity"),
    "reason": gettext_lazy("Reason"),
    "reasons": gettext_lazy("Reason"),
    "receipt": gettext_lazy("Receipt"),
    "referencecode": gettext_lazy("Reference"),
    "request": gettext_lazy("Request"),
    "requiredmsg": gettext_lazy("What happens without it"),
    "restriction": gettext_lazy("Restriction of processing"),
    "shortdesc": gettext_lazy("Short text"),
    "shortened": gettext_lazy("Shortened"),
    "since": gettext_lazy("Since"),
    "starttime": gettext_lazy("From"),
    "state": gettext_lazy("State"),
    "status": gettext_lazy("State"),
    "stored": gettext_lazy("Stored"),
    "texts": gettext_lazy("Text"),
    "textversion": gettext_lazy("Version of the text"),
    "token": gettext_lazy("Record"),
    "when": gettext_lazy("When"),
    "who": gettext_lazy("Who"),
}
_VALUES: dict[str, dict[str, Words]] = {
    "action": {action.label: words for action, words in ACTIONS.items()},
    "ground": {ground.value: words for ground, words in GROUNDS.items()},
    "state": {
        State.OPEN.label: gettext_lazy("waits for a decision"),
        State.AWAITING_IDENTITY.label: gettext_lazy("we need to know that it is you"),
        State.APPROVED.label: gettext_lazy("done"),
        State.CANCELED.label: gettext_lazy("taken back"),
        State.REFUSED.label: gettext_lazy("refused"),
    },
    "status": {
        AgreementStatus.YES.label: gettext_lazy("agreed"),
        AgreementStatus.NO.label: gettext_lazy("not agreed"),
        AgreementStatus.EXPIRED.label: gettext_lazy("over"),
        AgreementStatus.REVOKED.label: gettext_lazy("ended for everyone"),
        ExpirationStatus.WAIT.label: gettext_lazy("your data is deleted at the end"),
        ExpirationStatus.RETAIN.label: gettext_lazy("your data is kept"),
    },
}
_OUTCOMES: dict[str, Words] = {
    "ok": gettext_lazy("done"),
    "denied": gettext_lazy("denied"),
    "not_found": gettext_lazy("not found"),
    "conflict": gettext_lazy("conflict"),
    "invalid": gettext_lazy("malformed"),
}


def label_of(name: str) -> str:
    """What a name of the report is called; itself, where it has no words."""
    return str(_LABELS.get(name, name))


def value_of(name: str, value: Any) -> str:
    """A value under this name in words. Times are told by their numbers: see `gdpr.pdf.moment`."""
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(_VALUES.get(name, {}).get(str(value), value))


def who_words(who: str) -> str:
    """Who it was, by the words of the trail: `admin 7` is an application, with its number to tell it from others."""
    kind, _space, number = who.partition(" ")
    known = next((one for one in ActorKind if one.label == kind), None)
    if known is None:
        return str(_TIME) if who == "time" else who
    return f"{ACTORS[known]} ({number})" if known is ActorKind.ADMIN and number else str(ACTORS[known])


_TIME = gettext_lazy("the end of its time")


def outcome_of(outcome: str) -> str:
    """How it ended; of what another vault did, in its own words."""
    return str(_OUTCOMES.get(outcome, outcome))
