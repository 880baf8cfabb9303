"""What people have asked for: the queue, one request with all that a decision needs, and the decision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.accounts.queries import names_of
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.ids import unix_now
from databunker.pages.csvfiles import as_csv
from databunker.pages.diffs import Difference, differences, fields
from databunker.pages.errors import explained
from databunker.pages.paging import Paging
from gdpr import actions, queries
from gdpr.models import RequestAction
from gdpr.queries import RequestPage, RequestView
from gdpr.requests import OpenRequest, holidays, seen_reasons
from gdpr.states import TRANSITIONS, UNDECIDED, Step
from vault import masking, patch

from .pages import ConsolePage
from .request_forms import ACTION_NAMES, STATE_NAMES, FindRequestsForm, ReasonForm, RequestFilterForm

__all__ = ["Decide", "FindRequests", "OneRequest", "Requests", "RequestsAsCsv"]

_UNPROCESSABLE = 422
_DAY = 86_400
_SOON_DAYS = 7
_A_BATCH = 500
_MAX_SHOWN = 10_000


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


class Happened(NamedTuple):
    """One step in the life of a request."""

    at: int
    what: str
    why: str = ""
    who: str = ""


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
    return Due(words, "warning" if days <= _SOON_DAYS else "good", at)


def _lines(actor: Actor, requests: list[OpenRequest]) -> list[Line]:
    now, names = unix_now(), _deciders(actor, requests)
    return [_line(request, now, names) for request in requests]


def _line(request: OpenRequest, now: int, names: dict[int, str]) -> Line:
    state, tone = STATE_NAMES[request.state]
    about = " ".join(filter(None, request.about()))
    return Line(request, ACTION_NAMES[request.action], about, state, tone, due_of(request, now), _who(request, names))


def _deciders(actor: Actor, requests: list[OpenRequest]) -> dict[int, str]:
    """The names of the accounts that have decided these, by their numbers: one query for all."""
    numbers = {
        request.stored.decided_token for request in requests if request.stored.decided_kind == ActorKind.ACCOUNT.value
    }
    return names_of({number for number in numbers if number is not None}, tenant=actor.tenant) if numbers else {}


def _who(request: OpenRequest, names: dict[int, str]) -> str:
    row = request.stored
    if row.decided_kind == ActorKind.ACCOUNT.value and row.decided_token in names:
        return names[row.decided_token]
    return request.decided_by


def _chosen(actor: Actor, chosen: RequestFilterForm, *, offset: int, limit: int) -> RequestPage:
    return queries.list_requests(
        actor, status=chosen.chosen_status, action=chosen.chosen_action, offset=offset, limit=limit
    )


class Requests(ConsolePage):
    """The queue: what is due first comes first."""

    template_name = "console/requests.html"
    section = "requests"
    permission = Permission.REQUEST_LIST

    def get(self, request: HttpRequest) -> HttpResponse:
        chosen = RequestFilterForm.of(request.GET)
        paging = Paging(request.GET)
        page = queries.list_requests(
            self.actor,
            status=chosen.chosen_status,
            action=chosen.chosen_action,
            offset=paging.offset,
            limit=paging.size,
        )
        return self.render(
            form=chosen,
            find=FindRequestsForm(),
            lines=_lines(self.actor, page.requests),
            paging=paging.of(page.total),
            query=request.GET.urlencode(),
        )


class FindRequests(ConsolePage):
    """The requests of one person. By POST: no identity stands in an address."""

    template_name = "console/requests.html"
    section = "requests"
    permission = Permission.REQUEST_LIST

    def post(self, request: HttpRequest) -> HttpResponse:
        form, status, requests = FindRequestsForm(request.POST), 200, []
        if form.is_valid():
            try:
                page = queries.list_requests_of(self.actor, **form.cleaned_data, offset=0, limit=_A_BATCH)
                requests = page.requests
            except (BadRequest, Conflict, NotFound) as error:
                form.add_error("identity", _("Nobody has this.") if isinstance(error, NotFound) else explained(error))
        if form.errors:
            status = _UNPROCESSABLE
        return self.render(
            form=RequestFilterForm.of(request.GET),
            find=form,
            lines=_lines(self.actor, requests),
            of_person=True,
            status=status,
        )


class RequestsAsCsv(ConsolePage):
    """The queue as it is filtered, as a file. It names people by their tokens alone."""

    section = "requests"
    permission = Permission.REQUEST_LIST

    def get(self, request: HttpRequest) -> HttpResponseBase:
        chosen = RequestFilterForm.of(request.GET)
        header = ["request", "person", "action", "about", "state", "received", "due", "decided", "decided by"]
        return as_csv(header, self._rows(chosen), filename="requests.csv")

    def _rows(self, chosen: RequestFilterForm) -> Iterator[list[Any]]:
        for offset in range(0, _MAX_SHOWN, _A_BATCH):
            page = _chosen(self.actor, chosen, offset=offset, limit=_A_BATCH)
            for line in _lines(self.actor, page.requests):
                row = line.request.stored
                yield [
                    line.request.token or "", line.request.holder.token, line.request.action.label, line.about,
                    line.request.state.label, row.created, line.due.at if line.due else "", row.decided or "",
                    line.decided_by,
                ]  # fmt: skip
            if len(page.requests) < _A_BATCH:
                return


class _RequestPage(ConsolePage):
    """What is asked for, what it would change, whom it concerns, and what may be done with it."""

    template_name = "console/request.html"
    section = "requests"

    def show(self, rtoken: UUID, *, form: ReasonForm | None = None, status: int = 200) -> HttpResponse:
        """The page, with the one form that was filled in wrongly as it was."""
        view = queries.read_request(self.actor, rtoken=str(rtoken))
        found, now = view.request, unix_now()
        line = _line(found, now, _deciders(self.actor, [found]))
        return self.render(
            line=line,
            rtoken=rtoken,
            changes=_changes(view),
            erases=_erases(found),
            person=[(path, value) for path, value in fields(masking.masked(found.holder.profile())) if path],
            history=_history(self.actor, found, line.decided_by),
            unpaused=found.clock.unpaused_due(holidays()),
            choices=self._choices(found, now, form),
            status=status,
        )

    def _choices(self, request: OpenRequest, now: int, filled: ReasonForm | None) -> list[tuple[Choice, ReasonForm]]:
        """What the account may do with the request now, each with its form."""
        if not self.may(Permission.REQUEST_DECIDE):
            return []
        clock, free = request.clock, holidays()
        late = {
            Step.EXTEND: clock.extended is not None or not clock.may_extend(now, free),
            Step.ASK_IDENTITY: clock.asked is not None or not clock.may_ask(now, free),
        }
        return [
            (choice, filled if filled and filled.step == name else choice.form(name, request))
            for name, choice in _CHOICES.items()
            if (request.state, choice.step) in TRANSITIONS and not late.get(choice.step, False)
        ]


class OneRequest(_RequestPage):
    permission = Permission.REQUEST_LIST

    def get(self, request: HttpRequest, rtoken: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.show(rtoken)


class Decide(_RequestPage):
    """What is done with a request. Whoever comes second is told that the first has decided."""

    permission = Permission.REQUEST_DECIDE

    def post(self, request: HttpRequest, rtoken: UUID, step: str) -> HttpResponse:
        choice = _CHOICES.get(step)
        if choice is None:
            raise NotFound
        found = queries.read_request(self.actor, rtoken=str(rtoken)).request
        form = choice.form(step, found, request.POST)
        if not form.is_valid():
            return self.show(rtoken, form=form, status=_UNPROCESSABLE)
        try:
            choice.act(self.actor, str(rtoken), form.cleaned_data["reason"])
        except (BadRequest, Conflict) as error:
            messages.error(request, explained(error))
        else:
            messages.success(request, str(choice.told))
        return self.to("console:request", rtoken)


class Choice(NamedTuple):
    """One thing that may be done with a request: what it does, its button, and what is told before and afterwards."""

    step: Step
    act: Callable[[Actor, str, str], object]
    label: str | Promise
    told: str | Promise
    text: str | Promise = ""
    needs_reason: bool = False
    look: str = "quiet"

    def form(self, name: str, request: OpenRequest, data: Any = None) -> ReasonForm:
        sure = self.step is Step.APPROVE and _erases(request)
        return ReasonForm(data, step=name, needs_reason=self.needs_reason, needs_sure=sure)


_CHOICES: dict[str, Choice] = {
    "approve": Choice(
        Step.APPROVE,
        lambda actor, rtoken, reason: actions.approve_request(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Approve"),
        gettext_lazy("The request is approved, and what it asks for is done."),
        gettext_lazy("Exactly what is asked for is done, at once."),
        look="",
    ),
    "refuse": Choice(
        Step.REFUSE,
        lambda actor, rtoken, reason: actions.cancel_request(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Refuse"),
        gettext_lazy("The request is refused."),
        gettext_lazy(
            "The person must hear why, and that they can complain to a supervisory authority and go to court "
            "(Art. 12(4) GDPR). The reason is shown to them."
        ),
        needs_reason=True,
        look="danger",
    ),
    "extend": Choice(
        Step.EXTEND,
        lambda actor, rtoken, reason: actions.extend_request(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Take two further months"),
        gettext_lazy("There are two further months. The person must hear of it, and why, within the first month."),
        gettext_lazy("Where requests are complex or many (Art. 12(3) GDPR): once, and within the first month."),
        needs_reason=True,
    ),
    "ask-identity": Choice(
        Step.ASK_IDENTITY,
        lambda actor, rtoken, reason: actions.ask_for_identity(actor, rtoken=rtoken, reason=reason),
        gettext_lazy("Ask for proof of identity"),
        gettext_lazy("The clock stands still until the identity is proved."),
        gettext_lazy("Where there is reasonable doubt about who asks (Art. 12(6) GDPR): once. It stops the clock."),
        needs_reason=True,
    ),
    "verify-identity": Choice(
        Step.VERIFY_IDENTITY,
        lambda actor, rtoken, _: actions.verify_identity(actor, rtoken=rtoken),
        gettext_lazy("The identity is proved"),
        gettext_lazy("The identity is proved, and the clock runs again."),
        gettext_lazy("It stands in the trail that you have seen the proof."),
    ),
}


def _erases(request: OpenRequest) -> bool:
    return request.action == RequestAction.FORGET_ME


def _changes(view: RequestView) -> list[Difference]:
    """What would be different, field by field."""
    wish, original = view.wish, view.original
    if wish.action == RequestAction.FORGET_ME:
        return [Difference(path, value, None) for path, value in fields(masking.masked(original)) if path]
    if wish.verb == "delete":
        return differences(original, None)
    if wish.verb == "store":
        return differences(original, wish.change)
    try:
        after = patch.apply(original or {}, wish.change, max_bytes=1 << 24)
    except (BadRequest, Conflict):
        # Of a narrowed view not all is there that the change needs: it is shown as it was sent.
        return [Difference(path, None, value) for path, value in fields(wish.change)]
    return differences(original, after)


def _history(actor: Actor, request: OpenRequest, decided_by: str) -> list[Happened]:
    """Latest first."""
    row, reasons = request.stored, seen_reasons(actor, request)
    steps = [
        (row.created, _("Received"), "", ""),
        (row.asked, _("Proof of identity asked for"), reasons.get("identity", ""), ""),
        (row.verified, _("Identity proved"), "", ""),
        (row.extended, _("Two further months taken"), reasons.get("extension", ""), ""),
        (row.decided, str(STATE_NAMES[request.state][0]), reasons.get("decision", ""), decided_by),
    ]
    happened = [Happened(at, what, why, who) for at, what, why, who in steps if at]
    return sorted(happened, key=lambda one: -one.at)
