"""Keys of the vault, for administrators: how old they are, what is due, and a new one. Nothing secret is shown."""

from __future__ import annotations

from typing import NamedTuple

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from databunker.crypto.index_keys import Phase
from databunker.crypto.keyring import KeyState, Purpose
from databunker.errors import Conflict, NotFound
from databunker.keys import KeyStatus, key_overview, retire_keys, rotate_key
from databunker.keys.actions import RETIRABLE, ROTATABLE
from databunker.pages.errors import explained

from .access import AccessPage
from .key_forms import PURPOSE_NAMES, RetireForm, RotateForm

__all__ = ["Keys", "Retire", "Rotate"]

_UNPROCESSABLE = 422


class Line(NamedTuple):
    """A key in words."""

    key: KeyStatus
    name: str | Promise
    purpose: str | Promise
    state: str
    tone: str

    @property
    def retirable(self) -> bool:
        """Whether it may go, once nothing is under it any more."""
        return self.key.purpose in RETIRABLE and not self.key.newest and self.key.state is KeyState.LIVE


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


class Retire(AccessPage):
    """An old key is destroyed, if nothing is under it any more."""

    template_name = "console/retire_key.html"
    tab = "keys"
    permission = Permission.KEY_MANAGE
    dangerous = True

    def get(self, request: HttpRequest, key: int) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(self._old(key), RetireForm())

    def post(self, request: HttpRequest, key: int) -> HttpResponse:
        line, form = self._old(key), RetireForm(request.POST)
        if form.is_valid():
            try:
                retire_keys(self.actor, key_id=key)
            except Conflict as error:
                form.add_error(None, explained(error))
            else:
                messages.success(request, _("Key %(number)s is destroyed.") % {"number": key})
                return self.to("console:keys")
        return self._show(line, form, status=_UNPROCESSABLE)

    def _old(self, number: int) -> Line:
        """
        Raises:
            NotFound: there is no such key, or it is one that stays.
        """
        lines = [_line(key) for key in key_overview(self.actor).keys if key.id == number]
        if not lines or not lines[0].retirable:
            raise NotFound
        return lines[0]

    def _show(self, line: Line, form: RetireForm, *, status: int = 200) -> HttpResponse:
        return self.render(line=line, form=form, status=status)
