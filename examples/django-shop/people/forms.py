from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password

from .models import Person


class ProfileForm(forms.Form):
    """What this shop wants to know of people. The vault takes any JSON; a shop asks for little."""

    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    name = forms.CharField(max_length=200, widget=forms.TextInput(attrs={"autocomplete": "name"}))
    phone = forms.CharField(
        max_length=40, required=False, help_text="Optional.", widget=forms.TextInput(attrs={"autocomplete": "tel"})
    )

    def profile(self) -> dict[str, Any]:
        """As the vault is told. Of a change None deletes, so that an emptied field is gone."""
        return {name: self.cleaned_data[name] or None for name in ("email", "name", "phone")}


class SignUpForm(ProfileForm):
    password = forms.CharField(
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        validators=[validate_password],
        help_text="At least ten characters.",
    )


class SignInForm(forms.Form):
    email = forms.EmailField(label="E-mail", widget=forms.EmailInput(attrs={"autocomplete": "username"}))
    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))
    person: Person | None = None

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if not self.errors:
            self.person = authenticate(email=data["email"], password=data["password"])
            if self.person is None:
                raise forms.ValidationError("Nobody has this e-mail and password.")
        return data


class DeleteForm(forms.Form):
    """Whoever deletes an account knows its password: a session that was left open is not enough."""

    password = forms.CharField(widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}))

    def __init__(self, person: Person, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._person = person

    def clean_password(self) -> str:
        password = str(self.cleaned_data["password"])
        if not self._person.check_password(password):
            raise forms.ValidationError("This is not your password.")
        return password
