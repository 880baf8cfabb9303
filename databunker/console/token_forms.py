"""The form by which an access token is made."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from databunker.access import scopes
from databunker.access.roles import Role
from databunker.access.scopes import Scope
from databunker.errors import BadRequest
from databunker.ids import unix_now

__all__ = ["TOKEN_ROLE_NAMES", "NewTokenForm"]

TOKEN_ROLE_NAMES: dict[Role, str | Promise] = {
    Role.READER: _("Reader: an application that shows people's data"),
    Role.WRITER: _("Writer: an application that also takes it in"),
    Role.SUPPORT: _("Support: answers people's questions"),
    Role.AUDITOR: _("Auditor: reads the trail and the registers, nobody's data"),
    Role.DPO: _("Data protection officer: decides requests, forgets people"),
    Role.ADMIN: _("Administrator: everything"),
}
_LIVES = [("30", _("30 days")), ("90", _("90 days")), ("365", _("a year")), ("0", _("until it is revoked"))]
_NO_ROLE = "none"
_MAX_LABEL = 100
_MAX_LINES = 10_000
_DAY = 86_400


def _lines(label: Any, help_text: Any) -> forms.CharField:
    area = forms.Textarea(attrs={"rows": 2, "spellcheck": "false", "autocapitalize": "none"})
    return forms.CharField(label=label, help_text=help_text, required=False, max_length=_MAX_LINES, widget=area)


class NewTokenForm(forms.Form):
    """A role, or single permissions, and what narrows them; lists have one entry a line."""

    label = forms.CharField(
        label=_("Label"),
        max_length=_MAX_LABEL,
        help_text=_("What the token is for, such as shop. No personal data."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    role = forms.ChoiceField(
        label=_("Role"), choices=[(_NO_ROLE, _("none, only single permissions")), *TOKEN_ROLE_NAMES.items()]
    )
    days = forms.ChoiceField(label=_("Good for"), choices=_LIVES, initial="365")
    masked = forms.BooleanField(label=_("It sees values masked, and changes nothing."), required=False)
    allow = _lines(_("Single permissions"), _("Beside the role, one a line, such as record.create."))
    routes = _lines(_("Routes"), _("It calls no others, one a line, such as GET /v1/user/{mode}/{identity}."))
    fields_seen = _lines(_("Fields"), _("It sees no others, one a line, such as email, name.first or app:shop.size."))
    addresses = _lines(_("Networks"), _("It calls from nowhere else, one a line, such as 10.1.0.0/16."))
    purposes = _lines(_("Purposes"), _("One of them it has to name with each call, one a line, such as billing."))
    limit = forms.CharField(
        label=_("Limit"), required=False, max_length=32, help_text=_("Calls in a time, such as 100/60s.")
    )

    @property
    def narrowing(self) -> list[forms.BoundField]:
        """What most tokens do without."""
        return [self[name] for name in ("masked", "allow", "routes", "fields_seen", "addresses", "purposes", "limit")]

    @property
    def is_narrowed(self) -> bool:
        return self.is_bound and any(self.data.get(bound.name) or bound.errors for bound in self.narrowing)

    @property
    def scope(self) -> Scope | None:
        """Of a valid form; there is always one, as there is a role or a permission."""
        scope: Scope | None = self.cleaned_data["scope"]
        return scope

    @property
    def expires(self) -> int | None:
        days = int(self.cleaned_data["days"])
        return unix_now() + days * _DAY if days else None

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        lists = {name: self._entries(field) for name, field in _LISTS.items()}
        role = cleaned.get("role", _NO_ROLE)
        if role != _NO_ROLE:
            lists["allow"].append(role)
        elif not lists["allow"]:
            self.add_error("role", gettext("Choose a role, or name single permissions."))
        limit = self._readable("limit", limit=cleaned.get("limit", ""))
        if not self.errors and limit:
            try:
                cleaned["scope"] = scopes.make(**lists, masked=cleaned["masked"], limit=cleaned["limit"])
            except BadRequest:
                self.add_error("masked", gettext("This only goes with a role and permissions that read."))
        return cleaned

    def _entries(self, field: str) -> list[str]:
        """One a line. Each is tried by itself, so that the mistake is told with what was written."""
        found = [line.strip() for line in self.cleaned_data.get(field, "").splitlines() if line.strip()]
        name = next(name for name, one in _LISTS.items() if one == field)
        return [entry for entry in found if self._readable(field, entry, **{name: [entry]})]

    def _readable(self, field: str, told: str = "", **part: Any) -> bool:
        try:
            scopes.make(**part)
        except BadRequest:
            entry = told or self.cleaned_data.get(field, "")
            self.add_error(field, gettext("“%(entry)s” can't be used here.") % {"entry": entry})
            return False
        return True


# By what a scope calls them: a form has `fields` of its own.
_LISTS = {
    "allow": "allow",
    "routes": "routes",
    "fields": "fields_seen",
    "addresses": "addresses",
    "purposes": "purposes",
}
