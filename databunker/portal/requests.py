"""What the person has asked for, by when the answer is due, and what became of it."""

from __future__ import annotations

from typing import ClassVar, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from audit.events import EventType
from databunker.errors import BadRequest
from databunker.pages.paging import Paging
from gdpr import actions, events, queries
from gdpr.models import RequestAction
from gdpr.queries import RequestView
from gdpr.requests import OpenRequest, holidays, seen_reasons
from gdpr.states import TRANSITIONS, UNDECIDED, State, Step
from vault import patch

from .documents import Difference, differences
from .pages import PortalPage
from .receipts import receipt_address
from .words import ACTIONS, STATES, Words

__all__ = ["CancelRequest", "MyRequest", "MyRequests"]

_MOST_BYTES = 10_000_000


class _Line(NamedTuple):
    """One request. `due` is in Unix seconds; None where it is decided, or the clock stands still."""

    request: OpenRequest
    name: Words
    about: str
    state: Words
    tone: str
    due: int | None
    paused: bool


def _line(request: OpenRequest) -> _Line:
    undecided = request.state in UNDECIDED
    due = request.clock.due(holidays()) if undecided else None
    about = " ".join(filter(None, request.about()))
    return _Line(request, ACTIONS[request.action], about, *STATES[request.state], due, undecided and due is None)


class MyRequests(PortalPage):
    template_name = "portal/requests.html"
    section = "requests"
    event: ClassVar[EventType | None] = events.REQUESTS_LISTED

    def get(self, request: HttpRequest) -> HttpResponse:
        paging = Paging(request.GET)
        page = queries.list_requests_of(
            self.actor, mode="token", identity=self.token, offset=paging.offset, limit=paging.size
        )
        return self.render(lines=[_line(one) for one in page.requests], paging=paging.of(page.total))


class MyRequest(PortalPage):
    template_name = "portal/request.html"
    section = "requests"
    event: ClassVar[EventType | None] = events.REQUEST_READ

    def get(self, request: HttpRequest, rtoken: UUID) -> HttpResponse:
        view = queries.read_request(self.actor, rtoken=str(rtoken))
        return self.render(
            rtoken=rtoken,
            line=_line(view.request),
            changes=_changes(view),
            reasons=seen_reasons(self.actor, view.request),
            refused=view.request.state is State.REFUSED,
            receipt=receipt_address(request, view.receipt) if view.receipt else "",
            may_cancel=(view.request.state, Step.CANCEL) in TRANSITIONS,
        )


def _changes(view: RequestView) -> list[Difference]:
    """What the request would change of what was there when it was made."""
    wish = view.wish
    if wish.action not in (RequestAction.CHANGE_PROFILE, RequestAction.CHANGE_APP_DATA):
        return []
    if wish.verb == "delete":
        return differences(wish.original, {})
    if wish.verb == "store":
        return differences(wish.original, wish.change)
    try:
        return differences(view.original, patch.apply(view.original or {}, wish.change, max_bytes=_MOST_BYTES))
    except BadRequest:
        return []


class CancelRequest(PortalPage):
    section = "requests"
    event: ClassVar[EventType | None] = events.REQUEST_CANCELED

    def post(self, request: HttpRequest, rtoken: UUID) -> HttpResponse:
        actions.cancel_request(self.actor, rtoken=str(rtoken))
        messages.success(request, _("You have taken it back."))
        return self.to("portal:request", rtoken)
