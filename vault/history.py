"""The trail as people read it: events with what they sealed opened again, while the person exists."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings

from audit import queries as trail_queries
from audit import trail
from audit.events import EVENT_READ, TRAIL_LISTED, TRAIL_LISTED_ALL, Outcome, by_number
from audit.models import Event
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.crypto import envelope
from databunker.errors import BadRequest, NotFound
from databunker.ids import parse_token

from . import references, storage
from .app_records import app_data_at
from .events import APP_CHANGED, APP_STORED, RECORD_CHANGED, RECORD_CREATED
from .records import OpenRecord, keyring_for

__all__ = ["EventDetail", "EventPage", "EventView", "list_all_events", "list_events", "read_event"]


class EventView(NamedTuple):
    """One event in words. `mode` and `identity` are empty where the person has been forgotten since.

    `version` is what the event made of the profile, or of the data of `app`, where it changed one.
    """

    id: UUID
    at: int
    who: str
    title: str
    outcome: str
    message: str
    mode: str
    identity: str
    app: str
    token: UUID | None
    version: int | None


class EventPage(NamedTuple):
    """One page of events, newest first; `total` counts all."""

    total: int
    events: list[EventView]


class EventDetail(NamedTuple):
    """`before` and `after` are profiles as compact JSON, where the event changed one that can still be read."""

    view: EventView
    before: bytes | None
    after: bytes | None


def list_events(actor: Actor, *, token: str, offset: int, limit: int) -> EventPage:
    """The events of one person.

    Raises:
        BadRequest: `token` is no UUID.
        AccessDenied: the actor may not read them.
        NotFound: there is no such person.
    """
    parsed = parse_token(token)
    if parsed is None:
        raise BadRequest("bad uuid")
    subject = references.subject_of(parsed, tenant=actor.tenant)
    require(actor, Permission.AUDIT_READ, subject=subject)
    record = storage.by_subject(actor.tenant, subject)
    if record is None:
        raise NotFound(subject=subject)
    trail.record(actor, TRAIL_LISTED, subject=subject, sealer=record.key)
    total, events = trail_queries.events(tenant=actor.tenant, subject=subject, offset=offset, limit=limit)
    return EventPage(total, [_view(event, record) for event in events])


def list_all_events(actor: Actor, *, offset: int, limit: int) -> EventPage:
    """Everybody's events; to an application's token without whose they are, unless LIST_USERS is `legacy`.

    Raises:
        AccessDenied: the actor may not read them.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    trail.record(actor, TRAIL_LISTED_ALL)
    total, events = trail_queries.events(tenant=actor.tenant, subject=None, offset=offset, limit=limit)
    # An application that may not list people doesn't get to do so by way of the trail.
    shown = actor.kind is not ActorKind.ADMIN or settings.LIST_USERS == "legacy"
    subjects = {event.subject for event in events if event.subject} if shown else set()
    records = storage.by_subjects(actor.tenant, subjects)
    return EventPage(total, [_view(event, records.get(event.subject or b"")) for event in events])


def read_event(actor: Actor, *, event_id: str) -> EventDetail:
    """One event, with the profile before and after where it changed one.

    Raises:
        BadRequest: `event_id` is no UUID.
        AccessDenied: the actor may not read it; a person learns no more about events of others.
        NotFound: there is no such event.
    """
    parsed = parse_token(event_id)
    if parsed is None:
        raise BadRequest("bad uuid")
    try:
        event = trail_queries.event(parsed, tenant=actor.tenant)
    except NotFound:
        require(actor, Permission.AUDIT_LIST_ALL)
        raise
    require(actor, Permission.AUDIT_READ, subject=event.subject)
    record = storage.by_subject(actor.tenant, event.subject) if event.subject else None
    trail.record(actor, EVENT_READ, subject=event.subject, sealer=record.key if record else None)
    view = _view(event, record)
    if record is None or view.version is None:
        return EventDetail(view, None, None)
    before = _content_at(record, view, view.version - 1) if view.version > 1 else None
    return EventDetail(view, before, _content_at(record, view, view.version))


_VERSIONED = frozenset({RECORD_CREATED.number, RECORD_CHANGED.number, APP_STORED.number, APP_CHANGED.number})


def _content_at(record: OpenRecord, view: EventView, version: int) -> bytes | None:
    """The profile or the application's data that the event is about, as it was at `version`."""
    if view.app:
        return app_data_at(record, view.app, version, at=view.at // _MICROS)
    return storage.version_of(record, version)


_MICROS = 1_000_000


def _detail(event: Event, record: OpenRecord | None) -> dict[str, Any]:
    """What the event sealed; nothing where that can't be opened any more.

    Raises:
        IntegrityFailure, UnknownKey: the sealed detail was changed or moved.
    """
    if event.detail is None:
        return {}
    place = trail.detail_place(event.id, event.tenant)
    key_id = envelope.key_id_of(event.detail)
    if not trail.sealed_by_person(event.subject, event.outcome):
        opened = keyring_for(key_id).open(event.detail, place)
    elif record is None or 0 < key_id < record.row.generation:
        return {}  # sealed under a record key that forget-me has destroyed
    else:
        opened = record.key.open(event.detail, place)
    found: dict[str, Any] = orjson.loads(opened)
    return found


def _view(event: Event, record: OpenRecord | None) -> EventView:
    detail = _detail(event, record)
    return EventView(
        id=event.id,
        at=event.at,
        who=_who(event),
        title=by_number(event.type).title,
        outcome=Outcome(event.outcome).name.lower(),
        message=detail.get("message", ""),
        mode=detail.get("mode", "token" if event.subject and (event.detail is None or detail) else ""),
        identity=detail.get("identity", ""),
        app=detail.get("app", ""),
        token=record.token if record else None,
        version=None if event.type not in _VERSIONED or detail.get("unchanged") else detail.get("version"),
    )


def _who(event: Event) -> str:
    """The kind of caller and the row of its access token: `admin 7`."""
    kind = ActorKind(event.actor_kind).label
    return kind if event.actor_token is None else f"{kind} {event.actor_token}"
