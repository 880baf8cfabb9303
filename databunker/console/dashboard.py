"""The console's first page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from databunker.accounts import queries

from .forms import ROLE_NAMES
from .pages import ConsolePage

__all__ = ["Dashboard"]


class Dashboard(ConsolePage):
    template_name = "console/dashboard.html"
    section = "dashboard"

    def get(self, request: HttpRequest) -> HttpResponse:  # noqa: ARG002 - Django's signature
        account = self.account
        return self.render(
            sessions=queries.own_sessions(self.actor),
            codes_left=queries.own_codes_left(account) if account else 0,
            role=ROLE_NAMES[account.role] if account else "",
        )
