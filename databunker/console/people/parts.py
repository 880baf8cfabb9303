"""What there is of a person beside the profile, each on a page of its own: masked, and with an event for each look."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise

from databunker.access.permissions import Permission
from databunker.ids import parse_token, unix_now
from databunker.pages.diffs import fields
from databunker.pages.paging import Paging
from gdpr import queries
from gdpr.agreement_states import AgreementStatus
from gdpr.queries import AgreementView, AppSeen, HistoryLine
from gdpr.requests import OpenRequest
from vault import history

from ..audit import event_lines
from ..audit_forms import who_words
from ..request_forms import ACTION_NAMES, STATE_NAMES
from ..requests import Due, due_of
from .base import UNPROCESSABLE, PersonPage
from .forms import PurposeForm
from .words import AGREEMENT_NAMES

__all__ = ["PersonAgreements", "PersonData", "PersonRequests", "PersonTrail", "RevealApp"]

NEWEST = 20


class App(NamedTuple):
    """What one application keeps: its fields as text, and whether they are in clear."""

    seen: AppSeen
    fields: list[tuple[str, str]]
    clear: bool


class _DataPage(PersonPage):
    template_name = "console/person_data.html"
    permission = Permission.APP_READ
    tab = "console:person_data"

    def show(
        self, person: UUID, *, app: str = "", clear: Any = None, reveal: PurposeForm | None = None, status: int = 200
    ) -> HttpResponse:
        """`clear` is what `app` keeps, where that was asked for; `reveal` the form for it, filled in wrongly."""
        data = queries.look_at_data(self.actor, token=str(person))
        return self.render(
            apps=[_app(one, clear if one.app == app else None) for one in data.apps],
            sessions=None if data.sessions is None else [(one, list(fields(one.data))) for one in data.sessions],
            sign_ins=data.sign_ins,
            shares=data.shares,
            chosen=app,
            reveal=reveal or (PurposeForm() if self.unmasked and data.apps else None),
            status=status,
        )


def _app(seen: AppSeen, clear: Any) -> App:
    return App(seen, list(fields(seen.data if clear is None else clear)), clear is not None)


class PersonData(_DataPage):
    """What applications keep, their sessions, and what is shared."""

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        return self.show(person)


class RevealApp(_DataPage):
    """What one application keeps, in clear, in the answer to this one form."""

    def post(self, request: HttpRequest, person: UUID) -> HttpResponse:
        self.require_unmasked()
        form, app = PurposeForm(request.POST), request.POST.get("app", "")
        if not form.is_valid():
            return self.show(person, app=app, reveal=form, status=UNPROCESSABLE)
        purpose = form.cleaned_data["purpose"]
        return self.show(
            person, app=app, clear=queries.reveal_app(self.actor, token=str(person), app=app, purpose=purpose)
        )


class Agreement(NamedTuple):
    view: AgreementView
    state: str | Promise
    tone: str
    lines: list[tuple[HistoryLine, str | Promise, str, str]]


class PersonAgreements(PersonPage):
    """What the person has agreed to, or has not, and how that came to be."""

    template_name = "console/person_agreements.html"
    permission = Permission.AGREEMENT_READ
    tab = "console:person_agreements"

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        found = queries.list_histories(self.actor, mode="token", identity=str(person))
        return self.render(
            agreements=[
                Agreement(view, *_named(view.status), [_said(line) for line in reversed(past.lines)])
                for view, past in found
            ]
        )


def _named(status: str) -> tuple[str | Promise, str]:
    return AGREEMENT_NAMES[next(one for one in AgreementStatus if one.label == status)]


def _said(line: HistoryLine) -> tuple[HistoryLine, str | Promise, str, str]:
    """A line with what it says, how that stands out, and who said it."""
    return line, *_named(line.status), who_words(line.by)


class Asked(NamedTuple):
    """One request of the person."""

    request: OpenRequest
    action: str | Promise
    about: str
    state: str | Promise
    tone: str
    due: Due | None


def _asked(request: OpenRequest, now: int) -> Asked:
    about = " ".join(filter(None, request.about()))
    return Asked(request, ACTION_NAMES[request.action], about, *STATE_NAMES[request.state], due_of(request, now))


class PersonRequests(PersonPage):
    """What the person has asked for, newest first."""

    template_name = "console/person_requests.html"
    permission = Permission.REQUEST_READ
    tab = "console:person_requests"

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:
        paging = Paging(request.GET)
        page = queries.list_requests_of(
            self.actor, mode="token", identity=str(person), offset=paging.offset, limit=paging.size
        )
        now = unix_now()
        return self.render(lines=[_asked(one, now) for one in page.requests], paging=paging.of(page.total))


class PersonTrail(PersonPage):
    """Who has seen or changed what of the person, newest first."""

    template_name = "console/person_trail.html"
    permission = Permission.AUDIT_READ
    tab = "console:person_trail"

    def get(self, request: HttpRequest, person: UUID) -> HttpResponse:
        before = parse_token(request.GET.get("before", ""))
        page = history.events_back(self.actor, token=str(person), before=before, limit=NEWEST)
        return self.render(
            lines=event_lines(self.actor, page.events),
            before=before,
            older=page.older,
            may_search=self.may(Permission.AUDIT_LIST_ALL),
        )
