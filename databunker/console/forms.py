"""The console's forms about accounts. What they say of a field stands at the field."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from databunker.access.roles import Role
from databunker.accounts.passwords import MAX_LENGTH
from databunker.accounts.rows import ACCOUNT_ROLES, MAX_NAME

__all__ = [
    "ROLE_NAMES",
    "BreakGlassForm",
    "CodeForm",
    "ConfirmForm",
    "NewAccountForm",
    "PasswordForm",
    "RoleForm",
    "SignInForm",
]

ROLE_NAMES = {
    Role.DPO: _("Data protection officer"),
    Role.ADMIN: _("Administrator"),
    Role.AUDITOR: _("Auditor (read only)"),
    Role.SUPPORT: _("Support (masked)"),
}


def _password(label: Any, *, new: bool = False, **options: Any) -> forms.CharField:
    attributes = {"autocomplete": "new-password" if new else "current-password"}
    # Spaces at the ends are part of a password.
    return forms.CharField(
        label=label, max_length=MAX_LENGTH, strip=False, widget=forms.PasswordInput(attrs=attributes), **options
    )


def _code(label: Any, **options: Any) -> forms.CharField:
    attributes = {"autocomplete": "one-time-code", "inputmode": "text", "spellcheck": "false"}
    return forms.CharField(label=label, max_length=32, widget=forms.TextInput(attrs=attributes), **options)


class SignInForm(forms.Form):
    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_NAME,
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    password = _password(_("Password"))


class CodeForm(forms.Form):
    code = _code(_("Code"), help_text=_("Six digits of your authenticator app."))


class SecondFactorForm(CodeForm):
    code = _code(_("Code"), help_text=_("Six digits of your authenticator app, or one of your recovery codes."))


class BreakGlassForm(forms.Form):
    token = forms.CharField(
        label=_("Root token"),
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )


class ConfirmForm(forms.Form):
    """Only what the account has is asked for."""

    password = _password(_("Password"))
    code = _code(_("Code"), help_text=_("Six digits of your authenticator app, or one of your recovery codes."))

    def __init__(self, *args: Any, password: bool, code: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not password:
            del self.fields["password"]
        if not code:
            del self.fields["code"]


class PasswordForm(forms.Form):
    old = _password(_("Current password"))
    new = _password(_("New password"), new=True, help_text=_("At least 12 characters. A few words make a good one."))
    again = _password(_("Repeat the new password"), new=True)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if "new" in cleaned and "again" in cleaned and cleaned["new"] != cleaned["again"]:
            self.add_error("again", _("This is not the same password."))
        return cleaned


def _roles() -> list[tuple[str, Any]]:
    return [(role.value, ROLE_NAMES[role]) for role in ACCOUNT_ROLES]


class RoleForm(forms.Form):
    role = forms.ChoiceField(label=_("Role"), choices=_roles)


class NewAccountForm(RoleForm):
    name = forms.CharField(
        label=_("Name"),
        max_length=MAX_NAME,
        help_text=_("To sign in with: no spaces, capitals make no difference. It can't be changed later."),
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}),
    )
    display_name = forms.CharField(
        label=_("Shown as"),
        max_length=MAX_NAME,
        required=False,
        help_text=_("The name that others see. The name to sign in with if this is empty."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )

    field_order = ("name", "display_name", "role")
