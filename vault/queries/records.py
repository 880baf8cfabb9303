"""Profiles: of one person, of those who share an identity, of everyone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from django.conf import settings
from django.utils.translation import gettext_noop

from audit import trail
from audit.events import EventType
from databunker import jsontext
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.access.tokens import grant_unlock, unlocked
from databunker.db.statements import atomically, execute, for_update
from databunker.errors import AccessDenied, BadRequest, Conflict, NotFound

from .. import lookups, restriction, storage, visible
from ..events import RECORD_READ, RECORDS_LISTED, UNLOCK_GRANTED
from ..lookups import ByToken, Lookup
from ..models import Record
from ..records import OpenRecord

__all__ = [
    "Browsed",
    "Page",
    "browse_records",
    "find",
    "find_subject",
    "find_subjects",
    "list_holders",
    "list_records",
    "open_unlock",
    "profile_at",
    "read_record",
]


class Page(NamedTuple):
    """One page of records; `total` counts all."""

    total: int
    records: list[OpenRecord]


class Browsed(NamedTuple):
    """Some records; `following` is the number to go on behind, None where there are no more."""

    records: list[OpenRecord]
    following: int | None


def read_record(actor: Actor, *, mode: str, identity: str) -> OpenRecord:
    """The record of the person with this token or unique identity, as the actor may see it; of a forgotten one, what
    is preserved.

    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied: the actor may not read it; a person learns no more about somebody else.
        NotFound: nobody has this token or identity.
        Conflict: several people share it.
        ProcessingRestricted: see `vault.restriction`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    if isinstance(lookup, ByToken) and not (settings.AUDIT_CLIENT_ADDRESS or actor.purpose):
        found = _read_by_token(actor, lookup)
        if found is not None:
            return found
    record = find(actor, lookup, Permission.RECORD_READ)
    trail.record(actor, RECORD_READ, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    return visible.record(actor, record)


def _read_by_token(actor: Actor, lookup: ByToken) -> OpenRecord | None:
    """The hot path: what the event says is known beforehand, so record and event can share a round trip.

    None where there is no such record, or a restricted one: then there is no event either.
    """
    require(actor, Permission.RECORD_READ, subject=lookup.subject)
    event = trail.build(actor, RECORD_READ, subject=lookup.subject)
    record = storage.by_token_recording(actor.tenant, lookup, trail.insert(event))
    if record is None or actor.scope is None:
        return record
    return visible.record(actor, record)


def find(actor: Actor, lookup: Lookup, permission: Permission, *, lock: bool = False) -> OpenRecord:
    """The record that `lookup` means, if `actor` has `permission` for it. Writes no event: the caller does.

    With `lock` no other transaction changes the record until this one ends.

    Raises:
        AccessDenied, NotFound, Conflict: see `read_record`.
        ProcessingRestricted: see `restriction.require_free`.
    """
    if isinstance(lookup, ByToken):
        return find_subject(actor, lookup.subject, permission, lock=lock)
    holders = storage.by_digest(actor.tenant, lookup.digest)
    if not holders:
        # Somebody who may not read everyone learns nothing about who exists.
        require(actor, permission)
        raise NotFound(trace=lookup.trace_of_nobody())
    for holder in holders:
        require(actor, permission, subject=holder.row.subject)
    if len(holders) > 1:
        raise Conflict(
            gettext_noop("several records share this %(field)s"),
            places={"field": lookup.field.name},
            trace=lookup.trace_of_nobody(),
        )
    if lock:
        return find_subject(actor, holders[0].row.subject, permission, lock=True)
    restriction.require_free(actor, holders[0], permission)
    return holders[0]


def find_subject(actor: Actor, subject: bytes, permission: Permission, *, lock: bool = False) -> OpenRecord:
    """The record behind a reference that a row of ours holds; writes no event, and locks like `find`.

    Raises:
        AccessDenied: the actor may not do this to the person.
        NotFound: there is no such person in the actor's tenant.
        ProcessingRestricted: see `restriction.require_free`.
    """
    require(actor, permission, subject=subject)
    record = storage.by_subject(actor.tenant, subject, suffix=for_update() if lock else "")
    if record is None:
        raise NotFound(subject=subject)
    restriction.require_free(actor, record, permission)
    return record


def find_subjects(actor: Actor, subjects: Collection[bytes], permission: Permission) -> dict[bytes, OpenRecord]:
    """`find_subject` for many at once; those who are not there are left out.

    Raises:
        AccessDenied: the actor may not do this to everyone.
    """
    require(actor, permission)
    return storage.by_subjects(actor.tenant, subjects)


def profile_at(record: OpenRecord, version: int) -> dict[str, Any] | None:
    """The profile as it was at an earlier version; None where that is gone. Whoever found the record has told of it."""
    content = storage.version_of(record, version)
    found: dict[str, Any] | None = None if content is None else jsontext.loads(content)
    return found


def list_holders(actor: Actor, *, mode: str, identity: str, offset: int, limit: int) -> Page:
    """Everyone who shares an identity, for fields that IDENTITY_FIELDS declares `shared`.

    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied: the actor may read its own record only.
    """
    require(actor, Permission.RECORD_READ)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    if isinstance(lookup, ByToken):
        raise BadRequest("a token belongs to one person only")
    records = storage.holders(actor.tenant, lookup.digest, offset=offset, limit=limit)
    _record_each(actor, RECORD_READ, records, trace=lookup)
    total = storage.count_holders(actor.tenant, lookup.digest)
    return Page(total, [_listed(actor, record) for record in records])


def list_records(actor: Actor, *, offset: int, limit: int, unlock: str | None) -> Page:
    """One page of everyone, oldest first. LIST_USERS says whether that is possible, and whether by unlock.

    Raises:
        AccessDenied: listing is off, the actor may not list, or the unlock is missing, expired or another's.
    """
    require(actor, Permission.RECORD_LIST)
    if settings.LIST_USERS == "off":
        raise AccessDenied(gettext_noop("listing users is switched off: see the setting LIST_USERS"))
    if settings.LIST_USERS != "legacy" and not (
        unlock and unlocked(unlock, tenant=actor.tenant, token_id=actor.token_id)
    ):
        raise AccessDenied("listing users needs an unlock: ask POST /v1/users/unlock for one")
    records = storage.page(actor.tenant, offset=offset, limit=limit)
    _record_each(actor, RECORDS_LISTED, records)
    total = Record.objects.filter(tenant=actor.tenant).count()
    return Page(total, [_listed(actor, record) for record in records])


def browse_records(actor: Actor, *, unlock: str, after: int, limit: int) -> Browsed:
    """The people behind the record with the number `after`, oldest first; needs an unlock whatever LIST_USERS says.

    Raises:
        AccessDenied: listing is off, the actor may not list, or the unlock is expired or another's.
    """
    require(actor, Permission.RECORD_LIST)
    if settings.LIST_USERS == "off":
        raise AccessDenied(gettext_noop("listing users is switched off: see the setting LIST_USERS"))
    if not unlocked(unlock, tenant=actor.tenant, token_id=actor.token_id):
        raise AccessDenied("listing users needs an unlock")
    found = storage.page_after(actor.tenant, after, limit=limit + 1)
    shown = found[:limit]
    records = [record for _, record in shown]
    _record_each(actor, RECORDS_LISTED, records)
    return Browsed([_listed(actor, record) for record in records], shown[-1][0] if len(found) > limit else None)


def _listed(actor: Actor, record: OpenRecord) -> OpenRecord:
    """Of somebody whose data may not be processed no more than that there is somebody."""
    return visible.nothing_of(record) if restriction.binds(actor, record) else visible.record(actor, record)


def open_unlock(actor: Actor, *, reason: str = "") -> str:
    """A UUID that lets the same caller list people for the next 60 s; the event says why, where that is given.

    Raises:
        AccessDenied: the actor may not list people, or has no access token that the unlock could belong to.
    """
    require(actor, Permission.RECORD_LIST)
    if actor.token_id is None:
        raise AccessDenied
    with atomically():
        unlock = grant_unlock(tenant=actor.tenant, token_id=actor.token_id)
        trail.record(actor, UNLOCK_GRANTED, detail={"message": reason} if reason else None)
    return unlock


def _record_each(
    actor: Actor, event_type: EventType, records: list[OpenRecord], *, trace: lookups.ByIdentity | None = None
) -> None:
    """An event for each person whose data is about to be shown, or one for the listing that showed nobody."""
    events = [
        trail.build(
            actor,
            event_type,
            subject=record.row.subject,
            sealer=record.key,
            detail=trace.trace() if trace else None,
        )
        for record in records
    ] or [trail.build(actor, event_type, detail=trace.trace_of_nobody() if trace else None)]
    execute(*trail.insert(*events).statement())
