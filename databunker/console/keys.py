"""Keys of the vault, for administrators: how old they are, what is due, and a new one. Nothing secret is shown."""

from __future__ import annotations

from typing import NamedTuple

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from databunker.access.permissions import Permission
from databunker.crypto.index_keys import Phase
from databunker.crypto.keyring import KeyState, Purpose
from databunker.keys import KeyStatus, key_overview, rotate_key
from databunker.keys.actions import ROTATABLE

from .access import AccessPage

__all__ = ["Keys", "Rotate"]

_UNPROCESSABLE = 422
PURPOSE_NAMES: dict[Purpose, tuple[str | Promise, str | Promise]] = {
    Purpose.DATA: (gettext_lazy("Data"), gettext_lazy("encrypts the keys of people's records")),
    Purpose.DETAIL: (gettext_lazy("Details"), gettext_lazy("encrypts what events say of nobody")),
    Purpose.AUDIT: (gettext_lazy("Events"), gettext_lazy("authenticates events")),
    Purpose.SIGNING: (gettext_lazy("Signatures"), gettext_lazy("signs the heads of the audit trail")),
    Purpose.INDEX: (gettext_lazy("Identities"), gettext_lazy("hashes identities, so that people are found")),
    Purpose.REFERENCE: (gettext_lazy("Tokens"), gettext_lazy("hashes tokens; never replaced")),
    Purpose.RECOVERY: (gettext_lazy("Recovery"), gettext_lazy("lets recovery shares open the keyring")),
}


class Line(NamedTuple):
    """A key in words."""

    key: KeyStatus
    name: str | Promise
    purpose: str | Promise
    state: str
    tone: str


def _line(key: KeyStatus) -> Line:
    state, tone = _state(key)
    return Line(key, *PURPOSE_NAMES[key.purpose], state, tone)


def _state(key: KeyStatus) -> tuple[str, str]:
    if key.overdue:
        return _("in use, too old"), "warning"
    if key.state is not KeyState.LIVE:
        return _("being replaced"), "info"
    return (_("in use"), "good") if key.newest else (_("old, opens only"), "")


class Keys(AccessPage):
    template_name = "console/keys.html"
    tab = "keys"
    permission = Permission.KEY_MANAGE

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        found = key_overview(self.actor)
        lines = [_line(key) for key in reversed(found.keys)]
        return self.render(
            lines=lines,
            found=found,
            overdue=[line for line in lines if line.key.overdue],
            reindexing=found.index_phase is not Phase.STEADY,
            lifetime=settings.KEY_LIFETIME,
        )


def _rotatable() -> list[tuple[str, str | Promise]]:
    return [(purpose.value, PURPOSE_NAMES[purpose][0]) for purpose in ROTATABLE]


class RotateForm(forms.Form):
    purpose = forms.ChoiceField(label=gettext_lazy("Key for"), choices=_rotatable)


class Rotate(AccessPage):
    """A new key beside the old ones, which go on to open: nothing is lost by it, and it is not taken back."""

    template_name = "console/rotate_key.html"
    tab = "keys"
    permission = Permission.KEY_MANAGE
    dangerous = True

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(RotateForm(initial={"purpose": Purpose.DATA.value}))

    def post(self, request: HttpRequest) -> HttpResponse:
        form = RotateForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=_UNPROCESSABLE)
        key = rotate_key(self.actor, purpose=Purpose(form.cleaned_data["purpose"]))
        messages.success(request, _("Key %(number)s is made, and in use everywhere in a moment.") % {"number": key.id})
        return self.to("console:keys")

    def _show(self, form: RotateForm, *, status: int = 200) -> HttpResponse:
        purposes = [PURPOSE_NAMES[purpose] for purpose in ROTATABLE]
        return self.render(form=form, purposes=purposes, seconds=settings.KEYRING_CACHE_SECONDS, status=status)
