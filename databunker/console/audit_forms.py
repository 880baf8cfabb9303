"""What is looked for in the trail."""

from __future__ import annotations

import datetime as dt
from itertools import groupby
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from audit.events import Outcome, all_types
from audit.search import Search
from databunker.access.actor import ActorKind
from vault import references

__all__ = ["KIND_NAMES", "OUTCOME_NAMES", "SearchForm", "outcome_words", "who_words"]

KIND_NAMES: dict[ActorKind, str | Promise] = {
    ActorKind.ACCOUNT: _("account"),
    ActorKind.ADMIN: _("application"),
    ActorKind.PERSON: _("the person"),
    ActorKind.OPERATOR: _("command line or scheduler"),
    ActorKind.ROOT: _("root token"),
    ActorKind.ANYONE: _("without a token"),
}
# The words, and how they stand out; what is usual doesn't.
OUTCOME_NAMES: dict[Outcome, tuple[str | Promise, str]] = {
    Outcome.OK: (_("done"), ""),
    Outcome.DENIED: (_("denied"), "bad"),
    Outcome.NOT_FOUND: (_("not found"), "warning"),
    Outcome.CONFLICT: (_("conflict"), "warning"),
    Outcome.INVALID: (_("malformed"), "warning"),
}
_BY_TIME = _("the end of its time")
_DAY = dt.timedelta(days=1)
_MAX_NUMBER = 2**63 - 1


def who_words(who: str) -> str:
    """Who it was, as the trail and the history of an agreement have it: `admin 7` is the application 7."""
    kind, _space, number = who.partition(" ")
    names = {"time": _BY_TIME, **{one.label: name for one, name in KIND_NAMES.items()}}
    return f"{names.get(kind, kind)} {number}".strip()


def outcome_words(outcome: str) -> tuple[str | Promise, str]:
    """The words for an outcome, and how they stand out. Of an event that another vault wrote it is its own."""
    known = Outcome.__members__.get(outcome.upper())
    return OUTCOME_NAMES[known] if known else (outcome, "warning")


def _day(label: Any) -> forms.DateField:
    return forms.DateField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )


def _kinds() -> list[tuple[str, Any]]:
    return [("", _("anybody")), *((kind.label, name) for kind, name in KIND_NAMES.items())]


def _actions() -> list[tuple[str, Any]]:
    """Under the first word of their codes, which says what they are about."""
    groups = groupby(all_types(), key=lambda one: one.code.partition(".")[0])
    return [("", _("anything")), *((about, [(one.code, one.code) for one in types]) for about, types in groups)]


def _outcomes() -> list[tuple[str, Any]]:
    return [("", _("any")), *((outcome.name.lower(), words) for outcome, (words, _tone) in OUTCOME_NAMES.items())]


class SearchForm(forms.Form):
    """As the address has it; no identity stands there, but a person's token may."""

    since = _day(_("From"))
    until = _day(_("To"))
    who = forms.ChoiceField(label=_("Who"), choices=_kinds, required=False)
    number = forms.IntegerField(
        label=_("Its number"), required=False, min_value=0, max_value=_MAX_NUMBER, widget=forms.TextInput()
    )
    action = forms.ChoiceField(label=_("Action"), choices=_actions, required=False)
    status = forms.ChoiceField(label=_("Status"), choices=_outcomes, required=False)
    person = forms.UUIDField(
        label=_("Token of the person"),
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if cleaned.get("number") is not None and not cleaned.get("who"):
            self.add_error("who", _("Say of which kind the number is."))
        if cleaned.get("since") and cleaned.get("until") and cleaned["until"] < cleaned["since"]:
            self.add_error("until", _("This is before the beginning."))
        return cleaned

    def wanted(self, tenant: int) -> Search:
        """Of a valid form. Days are those of UTC, the last one included."""
        found = self.cleaned_data
        kind = next((kind for kind in KIND_NAMES if kind.label == found["who"]), None)
        return Search(
            since=_seconds(found["since"]),
            until=_seconds(found["until"], after=_DAY),
            subject=references.subject_of(found["person"], tenant=tenant) if found["person"] else None,
            actor_kind=kind,
            actor_token=found["number"],
            type={one.code: one.number for one in all_types()}.get(found["action"]),
            outcome=Outcome[found["status"].upper()] if found["status"] else None,
        )


def _seconds(day: dt.date | None, after: dt.timedelta = dt.timedelta()) -> int | None:
    if day is None:
        return None
    return int((dt.datetime.combine(day, dt.time(), tzinfo=dt.UTC) + after).timestamp())
