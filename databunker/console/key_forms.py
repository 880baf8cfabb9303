"""The forms by which keys are made and destroyed, and what keys are called."""

from __future__ import annotations

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from databunker.crypto.keyring import Purpose
from databunker.keys.actions import ROTATABLE

__all__ = ["PURPOSE_NAMES", "RetireForm", "RotateForm"]

PURPOSE_NAMES: dict[Purpose, tuple[str | Promise, str | Promise]] = {
    Purpose.DATA: (gettext_lazy("Data"), gettext_lazy("encrypts the keys of people's records")),
    Purpose.DETAIL: (gettext_lazy("Details"), gettext_lazy("encrypts what events say of nobody")),
    Purpose.AUDIT: (gettext_lazy("Events"), gettext_lazy("authenticates events")),
    Purpose.SIGNING: (gettext_lazy("Signatures"), gettext_lazy("signs the heads of the audit trail")),
    Purpose.INDEX: (gettext_lazy("Identities"), gettext_lazy("hashes identities, so that people are found")),
    Purpose.REFERENCE: (gettext_lazy("Tokens"), gettext_lazy("hashes tokens; never replaced")),
    Purpose.RECOVERY: (gettext_lazy("Recovery"), gettext_lazy("lets recovery shares open the keyring")),
}


def _rotatable() -> list[tuple[str, str | Promise]]:
    return [(purpose.value, PURPOSE_NAMES[purpose][0]) for purpose in ROTATABLE]


class RotateForm(forms.Form):
    purpose = forms.ChoiceField(label=gettext_lazy("Key for"), choices=_rotatable)


class RetireForm(forms.Form):
    sure = forms.BooleanField(label=gettext_lazy("I know that this can't be undone."))
