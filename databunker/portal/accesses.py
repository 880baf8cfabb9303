"""Who has done what with the person's data, in plain words (GDPR Art. 15(1)(c))."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from django.http import HttpRequest, HttpResponse

from audit.events import TRAIL_LISTED, EventType, Outcome
from databunker.pages.paging import Paging
from vault import history
from vault.history import EventView

from .event_words import ACTORS, DONE
from .pages import PortalPage
from .words import Words

__all__ = ["Accesses"]

_MICROS = 1_000_000
_FAMILIAR = {outcome.name.lower(): outcome for outcome in Outcome}


class _Line(NamedTuple):
    """`at` in Unix seconds; `number` tells one application from another, and is empty for all others."""

    at: int
    who: Words
    number: str
    what: Words
    app: str
    purpose: str
    refused: bool


def _line(view: EventView) -> _Line:
    number = view.who.partition(" ")[2] if view.kind.label == "admin" else ""
    refused = _FAMILIAR.get(view.outcome, Outcome.OK) is not Outcome.OK
    what = DONE.get(view.code, view.title)
    return _Line(view.at // _MICROS, ACTORS[view.kind], number, what, view.app, view.purpose, refused)


class Accesses(PortalPage):
    """What others did; with `?all=1` what the person did, too."""

    template_name = "portal/accesses.html"
    section = "accesses"
    event: ClassVar[EventType | None] = TRAIL_LISTED

    def get(self, request: HttpRequest) -> HttpResponse:
        paging, everything = Paging(request.GET), request.GET.get("all") == "1"
        page = history.list_events(
            self.actor, token=self.token, offset=paging.offset, limit=paging.size, by_others=not everything
        )
        lines = [_line(view) for view in page.events]
        return self.render(lines=lines, paging=paging.of(page.total), everything=everything)
