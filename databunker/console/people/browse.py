"""Everybody in a list: only where LIST_USERS lets, and for a minute after somebody has said why."""

from __future__ import annotations

from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy

from databunker.access.permissions import Permission
from databunker.access.tokens import unlocked
from databunker.errors import AccessDenied
from databunker.pages.paging import PAGE_SIZE
from gdpr.actions import MAX_REASON
from vault.queries import browse_records, open_unlock

from ..pages import ConsolePage
from .base import UNPROCESSABLE, known_by
from .search import may_browse

__all__ = ["Everybody", "UnlockEverybody"]

_MOST = 2**63 - 1


class UnlockForm(forms.Form):
    reason = forms.CharField(
        label=gettext_lazy("Reason"),
        max_length=MAX_REASON,
        help_text=gettext_lazy("Why you need to see everybody. It stands in the trail."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class _Listing(ConsolePage):
    template_name = "console/everybody.html"
    section = "people"
    permission = Permission.RECORD_LIST

    def lock(self, form: UnlockForm, *, status: int = 200) -> HttpResponse:
        return self.render(locked=True, form=form, after=self.after, status=status)

    @property
    def after(self) -> int:
        """Behind which record the page begins."""
        asked = self.request.GET.get("after", "") or self.request.POST.get("after", "")
        return min(int(asked), _MOST) if asked.isascii() and asked.isdecimal() else 0

    def require_setting(self) -> None:
        """
        Raises:
            AccessDenied: nobody is listed in this vault.
        """
        if not may_browse(self):
            raise AccessDenied


class Everybody(_Listing):
    """From one record's number to the next; locked again after a minute, wherever somebody has come to."""

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        self.require_setting()
        unlock = str(self.session.get("unlock", ""))
        if not unlocked(unlock, tenant=self.actor.tenant, token_id=self.actor.token_id):
            return self.lock(UnlockForm())
        found = browse_records(self.actor, unlock=unlock, after=self.after, limit=PAGE_SIZE)
        return self.render(
            lines=[(record, known_by(record)) for record in found.records], after=self.after, following=found.following
        )


class UnlockEverybody(_Listing):
    def post(self, request: HttpRequest) -> HttpResponse:
        self.require_setting()
        form = UnlockForm(request.POST)
        if not form.is_valid():
            return self.lock(form, status=UNPROCESSABLE)
        self.session["unlock"] = open_unlock(self.actor, reason=form.cleaned_data["reason"])
        response = self.to("console:everybody")
        if self.after:
            response["Location"] += f"?after={self.after}"
        return response
