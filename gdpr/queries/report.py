"""Everything about a person, for the person (GDPR Art. 15) and in a form that machines read (Art. 20)."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings

from audit import trail
from databunker.access import throttle
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.ids import unix_now
from vault import history, lookups, visible
from vault.history import EventView
from vault.queries import everything_of, find
from vault.records import OpenRecord
from vault.sessions import OpenSession
from vault.shares import OpenShare

from ..events import REPORT_READ
from ..expirations import upon
from ..inputs import checked_reason
from ..models import ExpirationStatus
from ..requests import OpenRequest, holidays, requests_of, seen_reasons, seen_wish
from .agreements import AgreementView, History, agreements_of
from .rights import seen_rights

__all__ = ["MAX_ACCESSES", "MAX_REQUESTS", "MAX_REQUEST_BYTES", "read_report"]

# The newest ones; `accesses_total` and `requests_total` say how many there are.
MAX_ACCESSES = 10_000
MAX_REQUESTS = 1_000
# What requests would change, the newest first; behind that each is `shortened`, and read by itself.
MAX_REQUEST_BYTES = 8 << 20


def read_report(actor: Actor, *, mode: str, identity: str, purpose: str | None = None) -> dict[str, Any]:
    """All that is kept of one person, by section; times are Unix seconds, profiles and data stand as they are stored.
    Where a `purpose` is asked for, it stands in the trail, for the person to read.

    Raises:
        BadRequest: the purpose is empty, or too long.
        AccessDenied, NotFound, Conflict: see `vault.queries.find`.
        Throttled: the person has taken REPORTS_PER_PERSON.
    """
    said = None if purpose is None else checked_reason(purpose, needed="looking at personal data")
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.REPORT_READ)
    if actor.kind is ActorKind.PERSON:
        limit = throttle.parse_limit(settings.REPORTS_PER_PERSON)
        throttle.take(limit, tenant=actor.tenant, what=b"report", who=record.row.subject)
    detail = lookup.trace() if said is None else {**lookup.trace(), "purpose": said}
    trail.record(actor, REPORT_READ, subject=record.row.subject, sealer=record.key, detail=detail)
    kept = everything_of(actor, record)
    requests = requests_of(record, most=MAX_REQUESTS, most_bytes=MAX_REQUEST_BYTES)
    accesses = history.events_of(actor, record, offset=0, limit=MAX_ACCESSES)
    return {
        "generated": unix_now(),
        "token": str(record.token),
        "created": record.row.created,
        "changed": record.row.changed,
        "forgotten": record.forgotten,
        "profile": orjson.Fragment(visible.profile(actor, record.profile_json)),
        "apps": [app._asdict() for app in kept.apps],
        "agreements": [_agreement(view, past) for view, past in agreements_of(actor, record)],
        "sessions": [_session(session) for session in kept.sessions],
        "shares": [_share(actor, share) for share in kept.shares],
        "retention": _retention(record),
        "rights": seen_rights(actor, record).row(),
        "requests_total": requests.total,
        "requests": [
            _request(actor, request, whole=number < requests.whole) for number, request in enumerate(requests.newest)
        ],
        "accesses_total": accesses.total,
        "accesses": [_access(event) for event in accesses.events],
    }


def _retention(record: OpenRecord) -> list[dict[str, Any]]:
    """When the person is to be forgotten, without the link, which forgets whoever it is about."""
    stored = upon(record)
    return [{"status": ExpirationStatus(stored.status).label, "endtime": stored.endtime}] if stored else []


def _agreement(view: AgreementView, past: History) -> dict[str, Any]:
    """With every change, and the texts as they were shown."""
    return {**view.row(), "history": [line.row() for line in past.lines], "texts": past.text_rows()}


def _session(session: OpenSession) -> dict[str, Any]:
    """Without the id, which lets in whoever knows it."""
    return {
        "stored": session.stored.stored,
        "expires": session.stored.expires,
        "data": orjson.Fragment(session.data_json),
    }


def _share(actor: Actor, share: OpenShare) -> dict[str, Any]:
    """Without the id, for which the data is to be had."""
    terms = share.terms
    return {
        "partner": visible.words(actor, terms.partner),
        "app": terms.app,
        "of_session": bool(terms.session),
        "fields": terms.fields,
        "created": share.stored.created,
        "expires": share.stored.expires,
    }


def _request(actor: Actor, request: OpenRequest, *, whole: bool) -> dict[str, Any]:
    """What the person has asked for, and what became of it; of a forgotten person the bare facts."""
    reasons = seen_reasons(actor, request)
    if whole:
        wish = seen_wish(actor, request.wish())
        asked = {"app": wish.app, "brief": wish.brief, "original": wish.original, "change": wish.change}
    else:
        app, brief = request.about()
        asked = {"app": app, "brief": brief, "shortened": True}
    return {
        "action": request.action.label,
        "state": request.state.label,
        "creationtime": request.stored.created,
        "changed": request.stored.changed,
        "due": request.clock.due(holidays()),
        **{name: value for name, value in asked.items() if value},
        **({"reasons": reasons} if reasons else {}),
    }


def _access(event: EventView) -> dict[str, Any]:
    row = {"when": event.at // 1_000_000, "who": event.who, "what": event.title, "outcome": event.outcome}
    return {**row, "purpose": event.purpose} if event.purpose else row
