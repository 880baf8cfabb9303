"""The trail: who did what to whom, one event with what it changed, and the proof that it stands where it stood."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from audit.errors import NotSealed
from audit.proofs import Proof
from audit.search import SealState, seal_state
from databunker import jsontext
from databunker.access import tokens
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.accounts.queries import names_of
from databunker.crypto.errors import CryptoError
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.ids import parse_token, unix_now
from databunker.pages.csvfiles import as_csv
from databunker.pages.diffs import Difference, differences
from databunker.pages.errors import explained
from databunker.pages.jsonlines import as_json_lines
from databunker.pages.paging import PAGE_SIZE
from vault import history, queries
from vault.history import EventDetail, FoundEvent

from .audit_forms import KIND_NAMES, SearchForm, outcome_words, who_words
from .pages import ConsolePage
from .request_forms import FindRequestsForm

__all__ = ["Events", "EventsAsCsv", "EventsAsJsonLines", "FindEvents", "OneEvent", "ProofOfEvent", "event_lines"]

_UNPROCESSABLE = 422
MOST_EXPORTED = 100_000
# The scheduler seals every few seconds; so long nothing is wrong yet.
_LATE_SECONDS = 600


class Line(NamedTuple):
    """One event in words."""

    found: FoundEvent
    at: int
    who: str | Promise
    name: str
    status: str | Promise
    tone: str


def event_lines(actor: Actor, events: Iterable[FoundEvent]) -> list[Line]:
    found = list(events)
    accounts = {one.actor_token for one in found if one.actor_kind is ActorKind.ACCOUNT}
    keys = {one.actor_token for one in found if one.actor_kind in _TOKENS}
    names = names_of({number for number in accounts if number}, tenant=actor.tenant) if accounts else {}
    labels = tokens.labels_of({number for number in keys if number}, tenant=actor.tenant) if keys else {}
    return [_line(one, names if one.actor_kind is ActorKind.ACCOUNT else labels) for one in found]


_TOKENS = frozenset({ActorKind.ADMIN, ActorKind.ROOT})
_MICROS = 1_000_000


def _line(found: FoundEvent, names: dict[int, str]) -> Line:
    status, tone = outcome_words(found.view.outcome)
    if not found.intact:
        status, tone = _("changed in the database"), "bad"
    name = names.get(found.actor_token or 0, "")
    return Line(found, found.view.at // _MICROS, KIND_NAMES[found.actor_kind], name, status, tone)


def seal_words(state: SealState, now: int) -> tuple[str, str]:
    """How far the trail is sealed, in words, and how they stand out."""
    if state.waiting is not None and state.waiting < now - _LATE_SECONDS:
        return _("events wait to be sealed: does the scheduler run?"), "bad"
    return (_("sealed"), "good") if state.at else (_("not sealed yet"), "warning")


class _Search(ConsolePage):
    section = "audit"
    permission = Permission.AUDIT_LIST_ALL
    template_name = "console/audit.html"

    def show(self, form: SearchForm, find: FindRequestsForm, *, status: int = 200) -> HttpResponse:
        """The page with what the form looks for; with none where it is not valid."""
        query = self.request.GET.copy()
        before = parse_token(query.pop("before", [""])[-1])
        page = None
        if form.is_valid():
            page = history.search_events(self.actor, form.wanted(self.actor.tenant), before=before, limit=PAGE_SIZE)
        state = seal_state(self.actor.tenant)
        return self.render(
            form=form,
            find=find,
            lines=event_lines(self.actor, page.events) if page else [],
            older=page.older if page else None,
            before=before,
            query=query.urlencode(),
            most=MOST_EXPORTED,
            state=state,
            seal=seal_words(state, unix_now()),
            status=status if form.is_valid() else _UNPROCESSABLE,
        )


class Events(_Search):
    """Everybody's events, newest first; a search is in the address, without any identity."""

    def get(self, request: HttpRequest) -> HttpResponse:
        return self.show(SearchForm(request.GET), FindRequestsForm())


class FindEvents(_Search):
    """The events of one person. By POST: no identity stands in an address."""

    def post(self, request: HttpRequest) -> HttpResponse:
        form = FindRequestsForm(request.POST)
        if form.is_valid():
            try:
                person = queries.find_in_trail(self.actor, **form.cleaned_data)
            except (BadRequest, Conflict, NotFound) as error:
                form.add_error("identity", _("Nobody has this.") if isinstance(error, NotFound) else explained(error))
            else:
                response = self.to("console:audit")
                response["Location"] += f"?person={person}"
                return response
        return self.show(SearchForm({}), form, status=_UNPROCESSABLE)


class _Exported(ConsolePage):
    """What a search finds, as a file. It names people by their tokens alone."""

    section = "audit"
    permission = Permission.AUDIT_LIST_ALL

    def rows(self) -> Iterator[dict[str, Any]]:
        """
        Raises:
            BadRequest: the search can't be read.
        """
        form = SearchForm(self.request.GET)
        if not form.is_valid():
            raise BadRequest
        wanted = form.wanted(self.actor.tenant)
        return map(_row, history.export_events(self.actor, wanted, most=MOST_EXPORTED))


def _row(found: FoundEvent) -> dict[str, Any]:
    view = found.view
    return {
        "event": str(view.id),
        "time": dt.datetime.fromtimestamp(view.at / _MICROS, tz=dt.UTC).isoformat(),
        "who": found.actor_kind.label,
        "number": found.actor_token,
        "action": found.type.code,
        "title": view.title,
        "status": view.outcome,
        "person": str(view.token) if view.token else None,
        "app": view.app,
        "purpose": view.purpose,
        "message": view.message,
        "intact": found.intact,
    }


class EventsAsCsv(_Exported):
    def get(self, request: HttpRequest) -> HttpResponseBase:  # noqa: ARG002 - Django's signature
        header = [
            "event", "time", "who", "number", "action", "title", "status", "person", "app", "purpose", "message",
            "intact",
        ]  # fmt: skip
        return as_csv(header, ([row[name] for name in header] for row in self.rows()), filename="audit.csv")


class EventsAsJsonLines(_Exported):
    def get(self, request: HttpRequest) -> HttpResponseBase:  # noqa: ARG002 - Django's signature
        return as_json_lines(self.rows(), filename="audit.jsonl")


class OneEvent(ConsolePage):
    """What happened, what it changed field by field, and whether that can be proved."""

    template_name = "console/event.html"
    section = "audit"
    permission = Permission.AUDIT_READ

    def get(self, request: HttpRequest, event: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        try:
            detail = history.read_event(self.actor, event_id=str(event))
        except CryptoError:
            return self.render(event=event, damaged=True)
        proof, problem = self._proof(event)
        view = detail.view
        return self.render(
            event=event,
            view=view,
            at=view.at // _MICROS,
            who=who_words(view.who),
            status_words=outcome_words(view.outcome)[0],
            message=view.message and _(view.message),
            detail=detail,
            changes=_changes(detail),
            proof=proof,
            problem=problem,
        )

    @property
    def sees_all(self) -> bool:
        return self.may(Permission.AUDIT_LIST_ALL)

    def _proof(self, event: UUID) -> tuple[Proof | None, str]:
        """The proof, or why there is none."""
        try:
            return history.prove_event(self.actor, event_id=str(event)), ""
        except NotSealed:
            return None, _("It is not sealed yet: that takes some seconds.")
        except CryptoError:
            return None, _("The trail is not what was signed: run manage.py audit verify, which says where.")


def _changes(detail: EventDetail) -> list[Difference]:
    """Which fields the event changed; masked values look the same before and after."""
    if detail.before is None and detail.after is None:
        return []
    before, after = (None if one is None else jsontext.loads(one) for one in (detail.before, detail.after))
    return differences(before, after, all_fields=detail.masked)


class ProofOfEvent(ConsolePage):
    """The proof as a file, for `audit/verifier.py` and whoever has the public key."""

    section = "audit"
    permission = Permission.AUDIT_READ

    def get(self, request: HttpRequest, event: UUID) -> HttpResponse:  # noqa: ARG002 - Django's signature
        document = history.prove_event(self.actor, event_id=str(event)).document()
        return HttpResponse(
            orjson.dumps(document),
            content_type="application/json",
            headers={"Content-Disposition": f'attachment; filename="proof-{event}.json"'},
        )
