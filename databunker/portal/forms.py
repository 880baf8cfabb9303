"""The portal's door."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

__all__ = ["CodeForm", "SignInForm"]

_MAX_IDENTITY = 320


def mode_of(identity: str) -> str:
    """What somebody has typed: an e-mail address has an at sign, a telephone number has none."""
    return "email" if "@" in identity else "phone"


class SignInForm(forms.Form):
    """`captcha` names the captcha, `answer` has the digits of its picture or the solution of its puzzle."""

    identity = forms.CharField(
        label=_("E-mail address or telephone number"),
        max_length=_MAX_IDENTITY,
        help_text=_("Telephone numbers with the country code, such as +44 7700 900001."),
        widget=forms.TextInput(attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}),
    )
    captcha = forms.CharField(max_length=256, widget=forms.HiddenInput)
    answer = forms.CharField(
        label=_("Digits in the picture"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "off", "inputmode": "numeric"}),
    )

    @property
    def wish(self) -> dict[str, Any]:
        """What the login wants to know."""
        identity = self.cleaned_data["identity"]
        return {
            "mode": mode_of(identity),
            "identity": identity,
            "captcha_code": self.cleaned_data["captcha"],
            "captcha_answer": self.cleaned_data["answer"],
        }


class CodeForm(forms.Form):
    identity = forms.CharField(max_length=_MAX_IDENTITY, widget=forms.HiddenInput)
    code = forms.CharField(
        label=_("Code"),
        max_length=20,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    @property
    def wish(self) -> dict[str, str]:
        identity = self.cleaned_data["identity"]
        return {"mode": mode_of(identity), "identity": identity, "code": self.cleaned_data["code"].strip()}
