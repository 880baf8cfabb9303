"""Forget somebody after a preview, and withdraw what was to be forgotten later."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from databunker.access.permissions import Permission
from gdpr import actions, queries
from gdpr.actions import Scheduled
from gdpr.queries import ErasurePreview

from .base import UNPROCESSABLE, PersonPage
from .forms import EraseForm
from .words import PART_NAMES, WHY_NAMES

__all__ = ["Erase", "KeepPerson"]

_DAY = 86_400


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
        waits = isinstance(outcome, Scheduled)
        told = _("The erasure waits, and can be withdrawn until then.") if waits else _("The person is forgotten.")
        messages.success(request, told)
        return self.to("console:person", person)

    def _show(self, person: UUID, form: EraseForm, *, status: int = 200) -> HttpResponse:
        preview = queries.preview_erasure(self.actor, mode="token", identity=str(person))
        return self.render(
            form=form,
            preview=preview,
            erased=[(PART_NAMES[part.part], part) for part in preview.erased],
            kept=[(PART_NAMES[part.part], WHY_NAMES[part.why], part) for part in preview.kept],
            lapsing=preview.fulfilled + preview.lapsing,
            days=_days(preview),
            status=status,
        )


def _days(preview: ErasurePreview) -> int:
    return -(-preview.waits // _DAY)
