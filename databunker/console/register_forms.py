"""The forms of the registers: legal bases, and processing activities."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any, Self

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.errors import BadRequest
from gdpr.actions import MAX_REASON
from gdpr.inputs import MAX_TEXT, activity_name, brief_name
from gdpr.models import BasisType

__all__ = ["BASIS_TYPES", "FIELD_NAMES", "ActivityForm", "DeleteBasisForm", "LegalBasisForm", "LinkForm", "RevokeForm"]

BASIS_TYPES: dict[BasisType, str | Promise] = {
    BasisType.CONSENT: gettext_lazy("consent, Art. 6(1)(a)"),
    BasisType.CONTRACT: gettext_lazy("contract, Art. 6(1)(b)"),
    BasisType.LEGAL_REQUIREMENT: gettext_lazy("legal obligation, Art. 6(1)(c)"),
    BasisType.VITAL_INTEREST: gettext_lazy("vital interests, Art. 6(1)(d)"),
    BasisType.PUBLIC_INTEREST: gettext_lazy("public interest, Art. 6(1)(e)"),
    BasisType.LEGITIMATE_INTEREST: gettext_lazy("legitimate interests, Art. 6(1)(f)"),
}
# What is said of a processing activity, in the order in which it is shown; `bases` are the legal bases.
FIELD_NAMES: dict[str, str | Promise] = {
    "fulldesc": gettext_lazy("Description"),
    "applicableto": gettext_lazy("Applies to"),
    "purposes": gettext_lazy("Purposes"),
    "bases": gettext_lazy("Legal bases"),
    "datasubjects": gettext_lazy("Categories of people"),
    "datacategories": gettext_lazy("Categories of data"),
    "recipients": gettext_lazy("Recipients"),
    "transfers": gettext_lazy("Transfers to third countries"),
    "safeguards": gettext_lazy("Safeguards of the transfers"),
    "retention": gettext_lazy("Retention periods"),
    "security": gettext_lazy("Security measures"),
    "controller": gettext_lazy("Joint controllers and representatives"),
}
_MAX_NAME = 65
_MAX_MODULE = 64
_NAME_HELP = gettext_lazy("Small letters, digits and hyphens, with a letter first. Applications call it so.")
_BAD_NAME = gettext_lazy("Two to 65 small letters, digits and hyphens, with a letter first.")


class _Words(forms.CharField):
    """A text that may have lines. They end as the API's do: browsers send other ends, which are no change."""

    def __init__(self, *, rows: int = 2, **options: Any) -> None:
        super().__init__(required=False, max_length=MAX_TEXT, widget=forms.Textarea(attrs={"rows": rows}), **options)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        return text.replace("\r\n", "\n").replace("\r", "\n") if isinstance(text, str) else text


def _name_field(help_text: Any = _NAME_HELP) -> forms.CharField:
    attributes = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}
    return forms.CharField(
        label=gettext_lazy("Name"), max_length=_MAX_NAME, help_text=help_text, widget=forms.TextInput(attrs=attributes)
    )


class _EntryForm(forms.Form):
    """An entry of a register. `seen` stands for what the entry said when the form was opened."""

    seen = forms.CharField(required=False, max_length=8, widget=forms.HiddenInput)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        return cls(initial={**values, "seen": _mark(values)})

    def is_outdated(self, values: Mapping[str, Any]) -> bool:
        """Whether the entry says something else by now. Then the form says so, and may be sent once more."""
        if self.cleaned_data["seen"] in ("", _mark(values)):
            return False
        self.go_outdated(values)
        return True

    def go_outdated(self, values: Mapping[str, Any]) -> None:
        """Say that the entry has `values` by now, whatever the form has seen."""
        self.add_error(None, _("Somebody else has changed this since you opened it. Saving again overwrites that."))
        self.data = {**{name: self.data.get(name) for name in self.data}, "seen": _mark(values)}


def _mark(values: Mapping[str, Any]) -> str:
    return f"{zlib.crc32(repr(sorted(values.items())).encode()):08x}"


class LegalBasisForm(_EntryForm):
    """All that the register has of a legal basis, by the names that the API has for it."""

    brief = _name_field()
    basistype = forms.ChoiceField(label=gettext_lazy("Kind"), choices=list(BASIS_TYPES.items()))
    module = forms.CharField(
        label=gettext_lazy("Where it is asked for"),
        required=False,
        max_length=_MAX_MODULE,
        help_text=gettext_lazy("A word of your applications, such as cookie-popup or signup."),
    )
    usercontrol = forms.BooleanField(label=gettext_lazy("People may withdraw by themselves"), required=False)
    requiredflag = forms.BooleanField(label=gettext_lazy("A service depends on it"), required=False)
    shortdesc = _Words(label=gettext_lazy("Short text"), help_text=gettext_lazy("What people say yes to."))
    fulldesc = _Words(label=gettext_lazy("Full text"), rows=5)
    requiredmsg = _Words(label=gettext_lazy("What happens without it"))

    def clean_brief(self) -> str:
        try:
            return brief_name(self.cleaned_data["brief"])
        except BadRequest:
            raise forms.ValidationError(_BAD_NAME) from None


class _TypedNameForm(forms.Form):
    """The name of a legal basis, typed, as what it does can't be undone."""

    brief = _name_field("")

    def __init__(self, data: Any, *, brief: str) -> None:
        super().__init__(data)
        self._brief = brief
        self.fields["brief"].help_text = _("Type %(name)s, to be sure that it is this one.") % {"name": brief}

    def clean_brief(self) -> str:
        typed: str = self.cleaned_data["brief"].strip().lower()
        if typed != self._brief:
            raise forms.ValidationError(_("This is not the name of this legal basis."))
        return typed


class DeleteBasisForm(_TypedNameForm):
    pass


class RevokeForm(_TypedNameForm):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON,
        help_text=gettext_lazy("It stands in the audit trail."),
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ActivityForm(_EntryForm):
    """All that the register has of an activity but its legal bases, by the names that the API has for it."""

    activity = _name_field()
    title = forms.CharField(label=gettext_lazy("Title"), max_length=MAX_TEXT)
    fulldesc = _Words(label=FIELD_NAMES["fulldesc"])
    applicableto = _Words(label=FIELD_NAMES["applicableto"])
    purposes = _Words(label=FIELD_NAMES["purposes"])
    datasubjects = _Words(
        label=FIELD_NAMES["datasubjects"], help_text=gettext_lazy("Such as customers, applicants, staff.")
    )
    datacategories = _Words(
        label=FIELD_NAMES["datacategories"], help_text=gettext_lazy("Such as contact details, orders, payments.")
    )
    recipients = _Words(
        label=FIELD_NAMES["recipients"], help_text=gettext_lazy("Who gets the data, processors too: kinds, or names.")
    )
    transfers = _Words(
        label=FIELD_NAMES["transfers"],
        help_text=gettext_lazy("Countries and international organisations. Empty: there are none."),
    )
    safeguards = _Words(
        label=FIELD_NAMES["safeguards"],
        help_text=gettext_lazy("What makes them lawful: an adequacy decision, standard contractual clauses, …"),
    )
    retention = _Words(label=FIELD_NAMES["retention"], help_text=gettext_lazy("When which data is erased."))
    security = _Words(
        label=FIELD_NAMES["security"], help_text=gettext_lazy("Technical and organisational, in general terms.")
    )
    controller = _Words(
        label=FIELD_NAMES["controller"],
        help_text=gettext_lazy("With their contact details, where this activity has any."),
    )
    script = _Words(
        label=gettext_lazy("Script"),
        help_text=gettext_lazy("What your web pages run once somebody has agreed to one of its legal bases."),
    )

    def clean_activity(self) -> str:
        try:
            return activity_name(self.cleaned_data["activity"])
        except BadRequest:
            raise forms.ValidationError(_BAD_NAME) from None


class LinkForm(forms.Form):
    brief = forms.ChoiceField(label=gettext_lazy("Legal basis"))

    def __init__(self, data: Any, *, briefs: list[str]) -> None:
        super().__init__(data)
        self.fields["brief"].choices = [(brief, brief) for brief in briefs]  # type: ignore[attr-defined]
