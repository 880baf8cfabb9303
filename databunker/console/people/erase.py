"""Forget somebody after a preview, and withdraw what was to be forgotten later."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from gdpr import actions, queries
from gdpr.actions import Scheduled

from ..erasures import erasure_told, shown_erasure
from .base import UNPROCESSABLE, PersonPage
from .forms import EraseForm

__all__ = ["Erase", "KeepPerson"]


class KeepPerson(PersonPage):
    """Withdraw an erasure that waits."""

    permission = Permission.RIGHTS_CHANGE

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        actions.withdraw_erasure(self.actor, mode="token", identity=str(person))
        messages.success(request, _("The erasure is withdrawn."))
        return self.to("console:person_rights", person)


class Erase(PersonPage):
    """What would be erased and kept, and the button behind a word that is typed."""

    template_name = "console/erase.html"
    permission = Permission.RECORD_FORGET
    dangerous = True

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(person, EraseForm(None, person=person))

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        form = EraseForm(request.POST, person=person)
        if not form.is_valid():
            return self._show(person, form, status=UNPROCESSABLE)
        outcome = actions.forget_me(self.actor, mode="token", identity=str(person), reason=form.cleaned_data["reason"])
        messages.success(request, erasure_told(waits=isinstance(outcome, Scheduled)))
        return self.to("console:person", person)

    def _show(self, person: UUID, form: EraseForm, *, status: int = 200) -> HttpResponse:
        preview = queries.preview_erasure(self.actor, mode="token", identity=str(person))
        erasure = shown_erasure(preview, lapsing=preview.fulfilled + preview.lapsing)
        return self.render(form=form, erasure=erasure, token=person, status=status)
