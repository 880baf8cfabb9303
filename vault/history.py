"""The trail as people read it: events with what they sealed opened again, while the person exists."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, NamedTuple
from uuid import UUID

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
    by_number,
)
from audit.models import Event
from audit.proofs import Proof
from audit.search import Search, search
from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, allowed, require
from databunker.errors import BadRequest, NotFound
from databunker.ids import parse_token

from . import references, restriction, storage, visible
from .app_records import app_data_at
from .event_views import EventView, event_view, looking, opened_detail
from .events import EVENT_ADOPTED
from .patch import unlike
from .records import OpenRecord

__all__ = [
    "EventDetail",
    "EventPage",
    "EventView",
    "FoundEvent",
    "FoundPage",
    "events_back",
    "events_of",
    "export_events",
    "list_all_events",
    "list_events",
    "opened_events",
    "prove_event",
    "read_event",
    "search_events",
]


class EventPage(NamedTuple):
    """One page of events, newest first; `total` counts all."""

    total: int
    events: list[EventView]


class EventDetail(NamedTuple):
    """`before` and `after` are profiles as compact JSON, where the event changed one that can still be read.

    With `masked` values they have only the fields that are not the same in both, or nobody saw which these are. `debug`
    is what another vault said beside, where the event comes from there.
    """

    view: EventView
    before: bytes | None
    after: bytes | None
    debug: str = ""
    masked: bool = False


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
    return EventPage(total, [event_view(actor, event, record) for event in events])


def opened_events(
    record: OpenRecord, types: Collection[EventType], *, since: int, until: int
) -> Iterator[tuple[Event, dict[str, Any]]]:
    """All of a person's events of these types, newest first, and what each sealed, for whoever has been let in already.

    Nothing where that can't be opened any more. `since` and `until` are Unix seconds, both included.
    """
    row, numbers = record.row, [one.number for one in types]
    found = trail_queries.events_of_types(numbers, tenant=row.tenant, subject=row.subject, since=since, until=until)
    return ((event, opened_detail(event, record)) for event in found)


def list_all_events(actor: Actor, *, offset: int, limit: int) -> EventPage:
    """Everybody's events; to an application's token without whose they are, unless LIST_USERS is `legacy`.

    Where such a token reads people's data it doesn't get the ids of their events either: `read_event` would tell it.

    Raises:
        AccessDenied: the actor may not read them.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    trail.record(actor, TRAIL_LISTED_ALL)
    total, events = trail_queries.events(tenant=actor.tenant, subject=None, offset=offset, limit=limit)
    subjects = {event.subject for event in events if event.subject} if _sees_whose(actor) else set()
    records = storage.by_subjects(actor.tenant, subjects)
    views = [event_view(actor, event, records.get(event.subject or b"")) for event in events]
    if not _sees_whose(actor) and allowed(actor, Permission.RECORD_READ):
        views = [view._replace(id=None) if event.subject else view for view, event in zip(views, events, strict=True)]
    return EventPage(total, views)


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


def events_back(actor: Actor, *, token: str, before: UUID | None, limit: int) -> FoundPage:
    """The newest events of one person, or the newest before the event `before`: nothing is counted.

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
    found = search(Search(subject=subject), tenant=actor.tenant, before=before, limit=limit)
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
    view = event_view(actor, event, record)
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

    Who may not read people sees values masked; an application's token that may not sees nothing of whose it is, unless
    LIST_USERS is `legacy`.

    Raises:
        BadRequest: `event_id` is no UUID.
        AccessDenied: the actor may not read it; a person learns no more about events of others.
        NotFound: there is no such event.
    """
    event = _readable(actor, event_id)
    record = storage.by_subject(actor.tenant, event.subject) if event.subject else None
    trail.record(actor, EVENT_READ, subject=event.subject, sealer=record.key if record else None)
    if not (_sees_whose(actor) or allowed(actor, Permission.RECORD_READ)):
        record = None
    view = event_view(actor, event, record)
    if record is not None and restriction.binds(actor, record):
        return EventDetail(view, None, None)
    if event.type == EVENT_ADOPTED.number:
        # In the form in which they were read there.
        detail = opened_detail(event, record)
        before, after = (detail[name].encode() if name in detail else None for name in ("before", "after"))
        return _seen(looking(actor, view.app), view, before, after, debug=detail.get("debug", ""))
    if record is None or view.version is None:
        return EventDetail(view, None, None)
    before = _content_at(record, view, view.version - 1) if view.version > 1 else None
    return _seen(looking(actor, view.app), view, before, _content_at(record, view, view.version))


def _seen(actor: Actor, view: EventView, before: bytes | None, after: bytes | None, *, debug: str = "") -> EventDetail:
    """What the actor may see of profiles, or of an application's data."""
    if visible.masks(actor) and before is not None and after is not None:
        old, new = jsontext.loads(before), jsontext.loads(after)
        before, after = jsontext.dumps(unlike(old, new)), jsontext.dumps(unlike(new, old))
    before, after = _content_seen(actor, view, before), _content_seen(actor, view, after)
    return EventDetail(view, before, after, visible.words(actor, debug), masked=visible.masks(actor))


def _content_seen(actor: Actor, view: EventView, content: bytes | None) -> bytes | None:
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


def _content_at(record: OpenRecord, view: EventView, version: int) -> bytes | None:
    """The profile or the application's data that the event is about, as it was at `version`."""
    if view.app:
        return app_data_at(record, view.app, version, at=view.at // _MICROS)
    return storage.version_of(record, version)


_MICROS = 1_000_000
