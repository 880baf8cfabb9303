"""One event of the trail opened again, while the person exists, as the one may see it who reads it."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

import orjson

from audit import trail
from audit.events import Outcome, by_number
from audit.models import Event
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.crypto import envelope, store

from . import visible
from .events import APP_CHANGED, APP_STORED, EVENT_ADOPTED, RECORD_ADOPTED, RECORD_CHANGED, RECORD_CREATED
from .records import OpenRecord

__all__ = ["EventView", "event_view", "looking", "opened_detail"]


class EventView(NamedTuple):
    """One event in words. `mode` and `identity` are empty where the person has been forgotten since.

    `purpose` is what the caller said it acted for. `version` is what the event made of the profile, or of the data of
    `app`, where it changed one. `more` says whether `read_event` tells more. Of an event that another vault wrote,
    `at`, `title` and `outcome` are its own. `kind` is the caller's, and `code` names the type of event to machines.
    `id` is None where the caller must not learn by it whose event it is.
    """

    id: UUID | None
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


def event_view(actor: Actor, event: Event, record: OpenRecord | None) -> EventView:
    view, actor = _whole_view(event, record), looking(actor)
    if not visible.narrows(actor):
        return view
    if trail.sealed_by_person(event.subject, event.outcome) or event.type == EVENT_ADOPTED.number:
        # A reason, or what another vault has said; why a call was refused names fields and rules only.
        view = view._replace(message=visible.words(actor, view.message))
    if event.actor_kind == ActorKind.ACCOUNT:  # an application's is one word
        view = view._replace(purpose=visible.words(actor, view.purpose))
    return view._replace(identity=visible.identity(actor, view.mode, view.identity))


def looking(actor: Actor, app: str = "") -> Actor:
    """The actor with the eyes that it has for what is kept of people, or what `app` keeps of them."""
    return visible.looking(actor, Permission.APP_READ if app else Permission.RECORD_READ)


_VERSIONED = frozenset(
    {RECORD_CREATED.number, RECORD_ADOPTED.number, RECORD_CHANGED.number, APP_STORED.number, APP_CHANGED.number}
)
_MICROS = 1_000_000


def _whole_view(event: Event, record: OpenRecord | None) -> EventView:
    detail = opened_detail(event, record)
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


def opened_detail(event: Event, record: OpenRecord | None) -> dict[str, Any]:
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
