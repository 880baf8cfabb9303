"""Whose time is over in the next days: the ones whom the vault will forget unless somebody cancels it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse

from databunker.access.permissions import Permission
from databunker.pages.paging import Paging
from gdpr.queries.retention import list_ending

from ..pages import ConsolePage
from .base import known_by

__all__ = ["DAYS", "EndingPeople"]

DAYS = 30


class EndingPeople(ConsolePage):
    """Masked, the next one first."""

    template_name = "console/ending.html"
    section = "people"
    permission = Permission.RETENTION_READ

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = Paging(request.GET)
        page = list_ending(self.actor, days=DAYS, offset=paging.offset, limit=paging.size)
        # Nobody counts those who follow: it is enough to know that there is a next page.
        return self.render(
            lines=[(record, known_by(record), end) for record, end in page.people],
            paging=paging.of(paging.offset + len(page.people) + page.more),
            more=page.more,
        )
