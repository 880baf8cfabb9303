"""What another vault kept about people who have come from there: application data, sessions, shares, events."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from audit import trail
from audit.trail import EventRow
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, for_update, insert_many, retrying_if_taken
from databunker.ids import unix_now

from .. import identities, references, storage
from ..app_records import seal_app_data
from ..events import APP_STORED, EVENT_ADOPTED, SESSION_STORED, SHARE_CREATED
from ..models import AppRecord, Session, SharedRecord
from ..records import OpenRecord
from ..sessions import seal_session, session_digest
from ..shares import Terms, seal_share, share_digest
from .adopt import Fate

__all__ = [
    "AppDatum",
    "PastEvent",
    "PastSession",
    "PastShare",
    "adopt_app_data",
    "adopt_events",
    "adopt_sessions",
    "adopt_shares",
]

Alongside = Callable[[list[Fate]], None]
Holders = Mapping[UUID, OpenRecord]


class AppDatum(NamedTuple):
    """`app` is a valid name. `stored` in Unix seconds; 0 where it isn't known."""

    token: UUID
    app: str
    data: dict[str, Any]
    stored: int


class PastSession(NamedTuple):
    """`token` is None where the session is nobody's. `data` is JSON."""

    session: UUID
    token: UUID | None
    data: bytes
    stored: int
    expires: int


class PastShare(NamedTuple):
    share: UUID
    token: UUID
    terms: Terms
    created: int
    expires: int


class PastEvent(NamedTuple):
    """An event of the other vault's trail.

    `plain` says nothing of a person and is kept for good. `personal` is kept where a person who is here is concerned,
    sealed under that person's key: `mode`, `identity`, `message`, and what else the other trail said.
    """

    token: UUID | None
    plain: dict[str, Any]
    personal: dict[str, Any]


def adopt_app_data(actor: Actor, *, items: Sequence[AppDatum], alongside: Alongside) -> list[Fate]:
    """Store what applications keep about people, in one transaction. What an application keeps here already stays.

    Raises:
        AccessDenied: the actor may not store application data of others.
    """
    require(actor, Permission.APP_CHANGE)

    def store(holders: Holders) -> list[Fate]:
        subjects = [record.row.subject for record in holders.values()]
        known = AppRecord.objects.filter(tenant=actor.tenant, subject__in=subjects).values_list("subject", "app")
        seen = {(bytes(subject), app) for subject, app in known}
        fates, rows, events = [], [], []
        for item in items:
            fate, holder = _holder_of(item.token, holders)
            if holder is not None:
                place = (holder.row.subject, item.app)
                if place in seen:
                    fate = Fate.PRESENT
                else:
                    seen.add(place)
                    rows.append(_app_record(holder, item))
                    events.append(_told(actor, holder, APP_STORED, {"app": item.app, "version": 1}))
            fates.append(fate)
        AppRecord.objects.bulk_create(rows)
        _write_events(events)
        return fates

    return _with_holders(actor, [item.token for item in items], store, alongside)


def _app_record(holder: OpenRecord, item: AppDatum) -> AppRecord:
    row, at = holder.row, item.stored or unix_now()
    return AppRecord(
        tenant=row.tenant, subject=row.subject, app=item.app, version=1, generation=row.generation,
        data=seal_app_data(holder, item.app, item.data, version=1), created=at, changed=at,
    )  # fmt: skip


def adopt_sessions(actor: Actor, *, items: Sequence[PastSession], alongside: Alongside) -> list[Fate]:
    """Store sessions with their ids and ends, in one transaction. A session that is here already stays.

    Raises:
        AccessDenied: the actor may not store sessions.
    """
    require(actor, Permission.SESSION_CHANGE)

    def store(holders: Holders) -> list[Fate]:
        digests = [session_digest(item.session, tenant=actor.tenant) for item in items]
        known = Session.objects.filter(tenant=actor.tenant, digest__in=digests).values_list("digest", flat=True)
        seen = {bytes(digest) for digest in known}
        fates, rows, events = [], [], []
        for item, digest in zip(items, digests, strict=True):
            fate, holder = (Fate.STORED, None) if item.token is None else _holder_of(item.token, holders)
            if fate is Fate.STORED and digest in seen:
                fate = Fate.PRESENT
            if fate is Fate.STORED:
                seen.add(digest)
                times = {"stored": item.stored, "expires": item.expires}
                rows.append(seal_session(item.session, item.data, tenant=actor.tenant, holder=holder, **times))
                events.append(_told(actor, holder, SESSION_STORED, None))
            fates.append(fate)
        Session.objects.bulk_create(rows)
        _write_events(events)
        return fates

    return _with_holders(actor, [item.token for item in items if item.token], store, alongside)


def adopt_shares(actor: Actor, *, items: Sequence[PastShare], alongside: Alongside) -> list[Fate]:
    """Store shared records with their ids and ends, in one transaction. One that is here already stays.

    Raises:
        AccessDenied: the actor may not share other people's data.
    """
    require(actor, Permission.SHARE_MANAGE)

    def store(holders: Holders) -> list[Fate]:
        digests = [share_digest(item.share) for item in items]
        seen = {bytes(d) for d in SharedRecord.objects.filter(digest__in=digests).values_list("digest", flat=True)}
        fates, rows, events = [], [], []
        for item, digest in zip(items, digests, strict=True):
            fate, holder = _holder_of(item.token, holders)
            if holder is not None and digest in seen:
                fate = Fate.PRESENT
            elif holder is not None:
                seen.add(digest)
                rows.append(
                    seal_share(item.share, item.terms, holder=holder, created=item.created, expires=item.expires)
                )
                events.append(_told(actor, holder, SHARE_CREATED, {"partner": item.terms.partner}))
            fates.append(fate)
        SharedRecord.objects.bulk_create(rows)
        _write_events(events)
        return fates

    return _with_holders(actor, [item.token for item in items], store, alongside)


def adopt_events(actor: Actor, *, items: Sequence[PastEvent], alongside: Alongside) -> list[Fate]:
    """Keep the events of another trail as events of this one, which say so, in one transaction.

    What they prove is that they stood in the other trail when they were adopted, no more. Of somebody who was
    forgotten, or who is not here, nothing personal is kept: no record key that could be destroyed would seal it.

    Raises:
        AccessDenied: the actor may not create people.
    """
    require(actor, Permission.RECORD_CREATE)

    def store(holders: Holders) -> list[Fate]:
        _write_events([_adopted(actor, item, holders.get(item.token) if item.token else None) for item in items])
        return [Fate.STORED] * len(items)

    return _with_holders(actor, [item.token for item in items if item.token], store, alongside)


def _adopted(actor: Actor, item: PastEvent, holder: OpenRecord | None) -> EventRow:
    if holder is None:
        return trail.build(actor, EVENT_ADOPTED, detail={**item.plain, **_trace_of_nobody(actor, item)})
    detail = item.plain if holder.forgotten else {**item.plain, **item.personal}
    return trail.build(actor, EVENT_ADOPTED, subject=holder.row.subject, sealer=holder.key, detail=detail)


def _trace_of_nobody(actor: Actor, item: PastEvent) -> dict[str, Any]:
    """The keyed hash of whom the event is about: it confirms a value that is known, and tells none."""
    mode, identity = item.personal.get("mode", ""), item.personal.get("identity", "")
    if item.token is not None:
        return {"digest": references.subject_of(item.token, tenant=actor.tenant).hex()}
    found = identities.extract({mode: identity}, lenient=True) if identity else []
    return {"mode": mode, "digest": identities.identity_digest(*found[0], tenant=actor.tenant).hex()} if found else {}


def _with_holders(
    actor: Actor, tokens: Sequence[UUID], store: Callable[[Holders], list[Fate]], alongside: Alongside
) -> list[Fate]:
    """Run `store` while nobody else changes or forgets the people with these tokens."""

    def attempt() -> list[Fate]:
        with atomically():
            fates = store(_locked(actor, tokens))
            alongside(fates)
        return fates

    return retrying_if_taken(attempt)


def _locked(actor: Actor, tokens: Sequence[UUID]) -> dict[UUID, OpenRecord]:
    subjects = {token: references.subject_of(token, tenant=actor.tenant) for token in set(tokens)}
    records = storage.by_subjects(actor.tenant, sorted(subjects.values()), suffix=for_update())
    return {token: records[subject] for token, subject in subjects.items() if subject in records}


def _holder_of(token: UUID, holders: Holders) -> tuple[Fate, OpenRecord | None]:
    holder = holders.get(token)
    if holder is None:
        return Fate.NOBODY, None
    return (Fate.FORGOTTEN, None) if holder.forgotten else (Fate.STORED, holder)


def _told(actor: Actor, holder: OpenRecord | None, event_type: Any, detail: dict[str, Any] | None) -> EventRow:
    return trail.build(
        actor,
        event_type,
        subject=holder.row.subject if holder else None,
        sealer=holder.key if holder else None,
        detail=detail,
    )


def _write_events(events: Sequence[EventRow]) -> None:
    if events:
        insert_many(trail.insert(*events))
