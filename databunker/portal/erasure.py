"""Delete me: what goes and what stays, a word that is typed, and the receipt (GDPR Art. 17)."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from audit.events import EventType
from gdpr import actions, queries
from gdpr.actions import Requested, Scheduled
from vault import events

from .pages import PortalPage
from .receipts import receipt_path
from .words import PARTS, WHY

__all__ = ["DeleteMe"]

_UNPROCESSABLE = 422
_DAY = 86_400
_WORD = gettext_lazy("DELETE")


class DeleteForm(forms.Form):
    """Typed, as what it does can't be undone."""

    word = forms.CharField(
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}),
    )

    def __init__(self, data: Any = None) -> None:
        super().__init__(data)
        self.fields["word"].label = _("Type %(word)s, to be sure") % {"word": _WORD}

    def clean_word(self) -> str:
        typed: str = self.cleaned_data["word"].strip()
        if typed.casefold() != str(_WORD).casefold():
            raise forms.ValidationError(_("Please type the word %(word)s.") % {"word": _WORD})
        return typed


class DeleteMe(PortalPage):
    template_name = "portal/delete.html"
    section = "rights"
    event: ClassVar[EventType | None] = events.RECORD_FORGOTTEN

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self._show(DeleteForm())

    def post(self, request: HttpRequest) -> HttpResponse:
        form = DeleteForm(request.POST)
        if not form.is_valid():
            return self._show(form, status=_UNPROCESSABLE)
        outcome = actions.forget_me(self.actor, mode="token", identity=self.token)
        if isinstance(outcome, Requested):
            messages.success(request, _("Your wish was sent. Here you see what becomes of it."))
            return self.to("portal:request", outcome.token)
        if isinstance(outcome, Scheduled):
            messages.success(request, _("Your data will be deleted. Until then you can call it off here."))
            return self.to("portal:rights")
        self.session.end()
        response = self.to("portal:receipt")
        if outcome.receipt:
            response["Location"] = receipt_path(outcome.receipt)
        return response

    def _show(self, form: DeleteForm, *, status: int = 200) -> HttpResponse:
        preview = queries.preview_erasure(self.actor, mode="token", identity=self.token)
        return self.render(
            form=form,
            preview=preview,
            erased=[(PARTS[part.part], part) for part in preview.erased],
            kept=[(PARTS[part.part], WHY[part.why], part) for part in preview.kept],
            days=-(-preview.waits // _DAY),
            alone=settings.SELFSERVICE_FORGET_ME,
            status=status,
        )
