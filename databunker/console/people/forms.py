"""The forms of the pages about one person."""

from __future__ import annotations

import datetime as dt
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker import periods
from gdpr.actions import MAX_REASON

from ..erasures import TypedForm
from .words import GROUND_NAMES

__all__ = [
    "EraseForm",
    "ExpirationForm",
    "ObjectForm",
    "PurposeForm",
    "ReasonedForm",
    "RestrictForm",
    "RevealForm",
    "TakeBackForm",
]


class PurposeForm(forms.Form):
    purpose = forms.CharField(
        label=gettext_lazy("Purpose"),
        max_length=MAX_REASON,
        help_text=gettext_lazy("What you need it for. It stands in the trail, and the person can read it."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class RevealForm(PurposeForm):
    """Fields of the profile, or with `everything` all of it; `fields` are JSON Pointers."""

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.chosen: list[str] = data.getlist("field") if data else []
        self.everything = bool(data and data.get("everything"))

    def clean(self) -> dict[str, Any]:
        if not self.chosen and not self.everything:
            raise forms.ValidationError(_("Choose the fields that you need to see."))
        return super().clean() or {}


class ReasonedForm(forms.Form):
    """Why; on a page of several forms each has its own `prefix` of ids."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=MAX_REASON, widget=forms.Textarea(attrs={"rows": 2})
    )

    def __init__(self, data: Any = None, *, name: str, needs_reason: bool = False) -> None:
        super().__init__(data, auto_id=f"{name}-%s")
        self.name = name
        self.fields["reason"].required = needs_reason


class RestrictForm(ReasonedForm):
    ground = forms.ChoiceField(label=gettext_lazy("Ground"), choices=list(GROUND_NAMES.items()))


class ObjectForm(ReasonedForm):
    """`briefs` are the legal bases that people may object to."""

    brief = forms.ChoiceField(label=gettext_lazy("To what is done on"), required=False)

    def __init__(self, data: Any = None, *, briefs: list[str]) -> None:
        super().__init__(data, name="object")
        choices = [("", _("all that may be objected to")), *((brief, brief) for brief in briefs)]
        self.fields["brief"].choices = choices  # type: ignore[attr-defined]


class TakeBackForm(ReasonedForm):
    """`briefs` are the legal bases that the person objects to; empty: to all that may be."""

    brief = forms.ChoiceField(label=gettext_lazy("Objection to"), required=False)

    def __init__(self, data: Any = None, *, briefs: list[str]) -> None:
        super().__init__(data, name="take-back")
        choices = [(brief, brief or _("all that may be objected to")) for brief in briefs]
        self.fields["brief"].choices = choices  # type: ignore[attr-defined]


class ExpirationForm(ReasonedForm):
    day = forms.DateField(
        label=gettext_lazy("Last day"),
        help_text=gettext_lazy("The person is forgotten when this day (UTC) is over."),
        input_formats=["%Y-%m-%d"],
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data, name="expiration", needs_reason=True)

    def clean_day(self) -> dt.date:
        day: dt.date = self.cleaned_data["day"]
        today = dt.datetime.now(tz=dt.UTC).date()
        latest = today + dt.timedelta(seconds=periods.seconds_of(settings.MAX_USER_RETENTION), days=-1)
        if day < today:
            raise forms.ValidationError(_("This day is over already."))
        if day > latest:
            raise forms.ValidationError(_("Nobody is kept for so long: the last day can be %s.") % latest.isoformat())
        return day

    @property
    def endtime(self) -> int:
        """Of a valid form: the first second after the last day."""
        after = self.cleaned_data["day"] + dt.timedelta(days=1)
        return int(dt.datetime.combine(after, dt.time(), tzinfo=dt.UTC).timestamp())


class EraseForm(TypedForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        required=False,
        max_length=MAX_REASON,
        help_text=gettext_lazy("No personal data: it may outlive the person, in the event."),
    )
