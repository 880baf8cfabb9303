"""What people have asked for: the queue, what is due first coming first."""

from __future__ import annotations

import datetime as dt
from itertools import chain
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.accounts.queries import names_of
from databunker.errors import BadRequest, Conflict, NotFound, VaultError
from databunker.ids import unix_now
from databunker.pages.csvfiles import as_csv
from databunker.pages.errors import explained
from databunker.pages.paging import PAGE_SIZE, Paging
from gdpr import queries
from gdpr.models import RequestAction
from gdpr.queries import RequestPage
from gdpr.queries.deadlines import SOON_DAYS
from gdpr.requests import OpenRequest, holidays
from gdpr.states import UNDECIDED, State

from .pages import ConsolePage
from .request_forms import ACTION_NAMES, STATE_NAMES, FindByNumberForm, RequestFilterForm

__all__ = ["FindRequests", "Line", "Requests", "RequestsAsCsv", "lines_of"]

_UNPROCESSABLE = 422
_DAY = 86_400
MOST_EXPORTED = 100_000


class Due(NamedTuple):
    """By when a request must be answered: in words, how urgent that is, and as Unix seconds."""

    words: str
    tone: str
    at: int | None


class Line(NamedTuple):
    """One request in the queue."""

    request: OpenRequest
    action: str | Promise
    about: str
    state: str | Promise
    tone: str
    due: Due | None
    decided_by: str
    assignee: str


def due_of(request: OpenRequest, now: int) -> Due | None:
    """None where it is decided."""
    if request.state not in UNDECIDED:
        return None
    at = request.clock.due(holidays())
    if at is None:
        return Due(_("the clock stands still"), "", None)
    days = (at - now) // _DAY
    if at < now:
        late = -days
        return Due(ngettext("%(days)s day overdue", "%(days)s days overdue", late) % {"days": late}, "bad", at)
    words = ngettext("in %(days)s day", "in %(days)s days", days) % {"days": days} if days else _("today")
    return Due(words, "warning" if days <= SOON_DAYS else "good", at)


def lines_of(actor: Actor, requests: list[OpenRequest]) -> list[Line]:
    """One query for the names of all accounts."""
    rows = [request.stored for request in requests]
    numbers = {row.decided_token for row in rows if row.decided_kind == ActorKind.ACCOUNT.value}
    numbers |= {row.assignee for row in rows}
    names = names_of({number for number in numbers if number is not None}, tenant=actor.tenant)
    now = unix_now()
    return [_line(request, now, names) for request in requests]


def _line(request: OpenRequest, now: int, names: dict[int, str]) -> Line:
    state, tone = STATE_NAMES[request.state]
    about = " ".join(filter(None, request.about()))
    row = request.stored
    return Line(
        request, ACTION_NAMES[request.action], about, state, tone, due_of(request, now), _who(request, names),
        "" if row.assignee is None else names.get(row.assignee, f"account {row.assignee}"),
    )  # fmt: skip


def _who(request: OpenRequest, names: dict[int, str]) -> str:
    row = request.stored
    if row.decided_kind == ActorKind.ACCOUNT.value and row.decided_token in names:
        return names[row.decided_token]
    return request.decided_by


def _wanted(actor: Actor, chosen: RequestFilterForm) -> dict[str, Any]:
    return {
        "status": chosen.chosen_status,
        "action": chosen.chosen_action,
        "assignee": chosen.assignee_for(actor),
        "urgency": chosen.chosen_urgency,
        "received": chosen.chosen_week,
    }


class Requests(ConsolePage):
    """The queue: what is due first comes first."""

    template_name = "console/requests.html"
    section = "requests"
    permission = Permission.REQUEST_LIST

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = RequestFilterForm.of(request.GET)
        paging = Paging(request.GET)
        page = queries.list_requests(self.actor, **_wanted(self.actor, chosen), offset=paging.offset, limit=paging.size)
        return self.render(
            form=chosen,
            find=FindByNumberForm(),
            lines=lines_of(self.actor, page.requests),
            paging=paging.of(page.total),
            query=request.GET.urlencode(),
            together=self._together(chosen, page),
        )

    def _together(self, chosen: RequestFilterForm, page: RequestPage) -> str:
        """The kind of requests that are shown, where several of it may be approved together."""
        action = chosen.chosen_action
        decides = self.may(Permission.REQUEST_DECIDE) and chosen.chosen_status == State.OPEN.status
        return action.label if decides and page.total and action and action is not RequestAction.FORGET_ME else ""


class FindRequests(ConsolePage):
    """The newest requests of one person, or one request by its number. By POST: no identity stands in an address."""

    template_name = "console/requests.html"
    section = "requests"
    permission = Permission.REQUEST_LIST

    def post(self, request: HttpRequest) -> HttpResponse:
        form = FindByNumberForm(request.POST)
        if form.is_valid():
            try:
                if form.number:
                    queries.read_request(self.actor, rtoken=form.number)
                    return self.to("console:request", form.number)
                page = queries.list_requests_of(self.actor, **form.cleaned_data, offset=0, limit=PAGE_SIZE)
            except (BadRequest, Conflict, NotFound) as error:
                form.add_error("identity", _not_found(form, error))
            else:
                return self._show(form, page)
        return self._show(form, RequestPage(0, []), status=_UNPROCESSABLE)

    def _show(self, form: FindByNumberForm, page: RequestPage, *, status: int = 200) -> HttpResponse:
        more = page.total > len(page.requests)
        return self.render(
            form=RequestFilterForm.of(self.request.GET),
            find=form,
            lines=lines_of(self.actor, page.requests),
            of_person=True,
            all_of=page.requests[0].holder.token if more else None,
            total=page.total,
            status=status,
        )


def _not_found(form: FindByNumberForm, error: VaultError) -> str:
    if form.number:
        return _("There is no request with this number.")
    return _("Nobody has this.") if isinstance(error, NotFound) else explained(error)


class RequestsAsCsv(ConsolePage):
    """The queue as it is filtered, as a file. It names people by their tokens alone; what is cut off, its end tells."""

    section = "requests"
    permission = Permission.REQUEST_LIST

    def get(self, request: HttpRequest) -> HttpResponseBase:
        chosen = RequestFilterForm.of(request.GET)
        export = queries.export_requests(self.actor, **_wanted(self.actor, chosen), most=MOST_EXPORTED)
        header = [
            "request",
            "person",
            "action",
            "about",
            "state",
            "received",
            "due",
            "decided",
            "decided by",
            "assigned to",
        ]
        rows = (_row(line) for page in export.pages for line in lines_of(self.actor, page))
        return as_csv(header, chain(rows, _cut(export.total)), filename="requests.csv")


def _row(line: Line) -> list[Any]:
    row = line.request.stored
    return [
        line.request.token or "", line.request.holder.token, line.request.action.label, line.about,
        line.request.state.label, _time(row.created), _time(line.due.at if line.due else None), _time(row.decided),
        line.decided_by, line.assignee,
    ]  # fmt: skip


def _time(seconds: int | None) -> str:
    return dt.datetime.fromtimestamp(seconds, tz=dt.UTC).isoformat() if seconds else ""


def _cut(total: int) -> list[list[str]]:
    """The last line of a file that doesn't have all of them."""
    if total <= MOST_EXPORTED:
        return []
    words = _("This file has the first %(most)s requests of %(total)s.")
    return [[words % {"most": MOST_EXPORTED, "total": total}]]
