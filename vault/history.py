"""The trail as people read it: events with what they sealed opened again, while the person exists."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from django.conf import settings

from audit import proofs, trail
from audit import queries as trail_queries
from audit.events import (
    EVENT_READ,
    EXPORTED,
    PROOF_READ,
    TRAIL_LISTED,
    TRAIL_LISTED_ALL,
    TRAIL_SEARCHED,
    EventType,
    Outcome,
    by_number,
)
from audit.models import Event
from audit.proofs import Proof
from audit.search import Search, search
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.crypto import envelope, store
from databunker.errors import BadRequest, NotFound
from databunker.ids import parse_token

from . import references, restriction, storage, visible
from .app_records import app_data_at
from .events import APP_CHANGED, APP_STORED, EVENT_ADOPTED, RECORD_ADOPTED, RECORD_CHANGED, RECORD_CREATED
from .records import OpenRecord

__all__ = [
    "EventDetail",
    "EventPage",
    "EventView",
    "FoundEvent",
    "FoundPage",
    "events_of",
    "export_events",
    "list_all_events",
    "list_events",
    "newest_events",
    "opened_events",
    "prove_event",
    "read_event",
    "search_events",
]


class EventView(NamedTuple):
    """One event in words. `mode` and `identity` are empty where the person has been forgotten since.

    `purpose` is what the caller said it acted for. `version` is what the event made of the profile, or of the data of
    `app`, where it changed one. `more` says whether `read_event` tells more. Of an event that another vault wrote,
    `at`, `title` and `outcome` are its own. `kind` is the caller's, and `code` names the type of event to machines.
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
    purpose: str
    token: UUID | None
    version: int | None
    more: bool
    kind: ActorKind
    code: str


class EventPage(NamedTuple):
    """One page of events, newest first; `total` counts all."""

    total: int
    events: list[EventView]


class EventDetail(NamedTuple):
    """`before` and `after` are profiles as compact JSON, where the event changed one that can still be read.

    `debug` is what another vault said beside, where the event comes from there.
    """

    view: EventView
    before: bytes | None
    after: bytes | None
    debug: str = ""


def list_events(actor: Actor, *, token: str, offset: int, limit: int, by_others: bool = False) -> EventPage:
    """The events of one person; with `by_others` without what the person has done.

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
    return events_of(actor, record, offset=offset, limit=limit, but=ActorKind.PERSON if by_others else None)


def events_of(actor: Actor, record: OpenRecord, *, offset: int, limit: int, but: ActorKind | None = None) -> EventPage:
    """The events of a person for whoever has been let in already; writes none itself. `but`: see `audit.queries`."""
    row = record.row
    total, events = trail_queries.events(tenant=row.tenant, subject=row.subject, offset=offset, limit=limit, but=but)
    return EventPage(total, [_view(actor, event, record) for event in events])


def opened_events(
    record: OpenRecord, types: Collection[EventType], *, since: int, until: int
) -> list[tuple[Event, dict[str, Any]]]:
    """A person's newest events of these types, and what each sealed, for whoever has been let in already.

    Nothing where that can't be opened any more. `since` and `until` are Unix seconds, both included.
    """
    row, numbers = record.row, [one.number for one in types]
    found = trail_queries.events_of_types(numbers, tenant=row.tenant, subject=row.subject, since=since, until=until)
    return [(event, _detail(event, record)) for event in found]


def list_all_events(actor: Actor, *, offset: int, limit: int) -> EventPage:
    """Everybody's events; to an application's token without whose they are, unless LIST_USERS is `legacy`.

    Raises:
        AccessDenied: the actor may not read them.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    trail.record(actor, TRAIL_LISTED_ALL)
    total, events = trail_queries.events(tenant=actor.tenant, subject=None, offset=offset, limit=limit)
    subjects = {event.subject for event in events if event.subject} if _sees_whose(actor) else set()
    records = storage.by_subjects(actor.tenant, subjects)
    return EventPage(total, [_view(actor, event, records.get(event.subject or b"")) for event in events])


def _sees_whose(actor: Actor) -> bool:
    """An application that may not list people doesn't get to do so by way of the trail."""
    return actor.kind is not ActorKind.ADMIN or settings.LIST_USERS == "legacy"


class FoundEvent(NamedTuple):
    """One event of a search: its words, who it was in numbers, and whether the row is as it was written. Of one that is
    not, nothing is said that was sealed."""

    view: EventView
    type: EventType
    actor_kind: ActorKind
    actor_token: int | None
    intact: bool


class FoundPage(NamedTuple):
    """Newest first; `older`: see `audit.search.Found`."""

    events: list[FoundEvent]
    older: UUID | None


def search_events(actor: Actor, wanted: Search, *, before: UUID | None, limit: int) -> FoundPage:
    """Events of everybody that are as `wanted` says; whose they are as in `list_all_events`.

    Raises:
        AccessDenied: the actor may not read them.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    trail.record(actor, TRAIL_SEARCHED, detail=_told(wanted))
    return _found(actor, wanted, before=before, limit=limit)


def newest_events(actor: Actor, *, token: str, limit: int) -> FoundPage:
    """The newest events of one person, for a page that shows no more: nothing is counted.

    Raises:
        BadRequest, AccessDenied, NotFound: see `list_events`.
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
    found = search(Search(subject=subject), tenant=actor.tenant, limit=limit)
    return FoundPage([_found_event(actor, event, record) for event in found.events], found.older)


def export_events(actor: Actor, wanted: Search, *, most: int) -> Iterator[FoundEvent]:
    """The same, all of them, but no more than `most`; read while they are taken.

    Raises:
        AccessDenied: the actor may not read them.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    trail.record(actor, EXPORTED, detail={"message": f"up to {most} events", **_told(wanted)})
    return _exported(actor, wanted, most)


def _exported(actor: Actor, wanted: Search, most: int) -> Iterator[FoundEvent]:
    before, left = None, most
    while left:
        page = _found(actor, wanted, before=before, limit=min(left, _EXPORTED_AT_ONCE))
        yield from page.events
        left -= len(page.events)
        if page.older is None:
            return
        before = page.older


_EXPORTED_AT_ONCE = 500


def _found(actor: Actor, wanted: Search, *, before: UUID | None, limit: int) -> FoundPage:
    found = search(wanted, tenant=actor.tenant, before=before, limit=limit)
    subjects = {event.subject for event in found.events if event.subject} if _sees_whose(actor) else set()
    records = storage.by_subjects(actor.tenant, subjects)
    return FoundPage(
        [_found_event(actor, event, records.get(event.subject or b"")) for event in found.events], found.older
    )


def _found_event(actor: Actor, event: Event, record: OpenRecord | None) -> FoundEvent:
    intact = trail_queries.is_intact(event)
    if not intact:
        event.detail = None
    view = _view(actor, event, record)
    return FoundEvent(view, by_number(event.type), ActorKind(event.actor_kind), event.actor_token, intact)


def _told(wanted: Search) -> dict[str, Any]:
    """What was looked for, as the event of the search tells it: a person by the keyed reference."""
    told = {
        name: value.hex() if isinstance(value, bytes) else value
        for name, value in wanted._asdict().items()
        if value is not None
    }
    return {"search": told} if told else {}


def read_event(actor: Actor, *, event_id: str) -> EventDetail:
    """One event, with the profile before and after where it changed one and the actor may see that.

    Raises:
        BadRequest: `event_id` is no UUID.
        AccessDenied: the actor may not read it; a person learns no more about events of others.
        NotFound: there is no such event.
    """
    event = _readable(actor, event_id)
    record = storage.by_subject(actor.tenant, event.subject) if event.subject else None
    trail.record(actor, EVENT_READ, subject=event.subject, sealer=record.key if record else None)
    view = _view(actor, event, record)
    if record is not None and restriction.binds(actor, record):
        return EventDetail(view, None, None)
    if event.type == EVENT_ADOPTED.number:
        return _adopted(actor, view, _detail(event, record))
    if record is None or view.version is None:
        return EventDetail(view, None, None)
    before = _content_at(record, view, view.version - 1) if view.version > 1 else None
    after = _content_at(record, view, view.version)
    return EventDetail(view, _seen(actor, view, before), _seen(actor, view, after))


def _seen(actor: Actor, view: EventView, content: bytes | None) -> bytes | None:
    """What the actor may see of a profile, or of an application's data."""
    if content is None:
        return None
    return visible.app_data(actor, view.app, content) if view.app else visible.profile(actor, content)


def prove_event(actor: Actor, *, event_id: str) -> Proof:
    """The proof that an event stands in the signed tree.

    Raises:
        BadRequest, AccessDenied, NotFound: as of `read_event`.
        NotSealed: the sealer has not come to it yet.
        TreeDamaged: the tree, or the event, is not what was signed.
    """
    event = _readable(actor, event_id)
    proof = proofs.proof_of(event.id, tenant=event.tenant)
    record = storage.by_subject(actor.tenant, event.subject) if event.subject else None
    trail.record(actor, PROOF_READ, subject=event.subject, sealer=record.key if record else None)
    return proof


def _readable(actor: Actor, event_id: str) -> Event:
    """The event, for one who may know of it."""
    parsed = parse_token(event_id)
    if parsed is None:
        raise BadRequest("bad uuid")
    try:
        event = trail_queries.event(parsed, tenant=actor.tenant)
    except NotFound:
        require(actor, Permission.AUDIT_LIST_ALL)
        raise
    require(actor, Permission.AUDIT_READ, subject=event.subject)
    return event


_VERSIONED = frozenset(
    {RECORD_CREATED.number, RECORD_ADOPTED.number, RECORD_CHANGED.number, APP_STORED.number, APP_CHANGED.number}
)


def _adopted(actor: Actor, view: EventView, detail: dict[str, Any]) -> EventDetail:
    """What another vault's event held; the profiles are JSON in the form in which they were read there."""
    before, after = (detail[name].encode() if name in detail else None for name in ("before", "after"))
    debug = visible.words(actor, detail.get("debug", ""))
    return EventDetail(view, _seen(actor, view, before), _seen(actor, view, after), debug)


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
        opened = store.keyring_with(key_id).open_detail(event.detail, place)
    elif record is None or 0 < key_id < record.row.generation:
        return {}  # sealed under a record key that forget-me has destroyed
    else:
        opened = record.key.open(event.detail, place)
    found: dict[str, Any] = orjson.loads(opened)
    return found


def _view(actor: Actor, event: Event, record: OpenRecord | None) -> EventView:
    view = _whole_view(event, record)
    if not visible.narrows(actor):
        return view
    # What another vault has said may hold anything.
    message = visible.words(actor, view.message) if event.type == EVENT_ADOPTED.number else view.message
    return view._replace(message=message, identity=visible.identity(actor, view.mode, view.identity))


def _whole_view(event: Event, record: OpenRecord | None) -> EventView:
    detail = _detail(event, record)
    past = detail if event.type == EVENT_ADOPTED.number else {}
    version = None if event.type not in _VERSIONED or detail.get("unchanged") else detail.get("version")
    return EventView(
        id=event.id,
        at=past.get("at", 0) * _MICROS or event.at,
        who=_who(event),
        title=past.get("title") or by_number(event.type).title,
        outcome=past.get("status") or Outcome(event.outcome).name.lower(),
        message=detail.get("message", ""),
        mode=detail.get("mode", "token" if event.subject and (event.detail is None or detail) else ""),
        identity=detail.get("identity", ""),
        app=detail.get("app", ""),
        purpose=detail.get("purpose", ""),
        token=record.token if record else None,
        version=version,
        more=version is not None or not _MORE.isdisjoint(past),
        kind=ActorKind(event.actor_kind),
        code=by_number(event.type).code,
    )


_MORE = frozenset({"before", "after", "debug"})


def _who(event: Event) -> str:
    """The kind of caller and the row of its access token: `admin 7`."""
    kind = ActorKind(event.actor_kind).label
    return kind if event.actor_token is None else f"{kind} {event.actor_token}"
