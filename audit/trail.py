"""Write the trail. An event is part of the act: written in its transaction, or the act does not happen."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol
from uuid import UUID

import orjson
from django.conf import settings

from databunker.access.actor import Actor, ActorKind
from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.envelope import Place
from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.keyring import Purpose
from databunker.db.statements import Insert, execute
from databunker.errors import (
    AccessDenied,
    Conflict,
    NeedsApproval,
    NotFound,
    ProcessingRestricted,
    Throttled,
    VaultError,
)
from databunker.ids import new_event_id, unix_micros

from .events import EventType, Outcome

__all__ = [
    "EventRow",
    "Sealer",
    "build",
    "canonical",
    "check_mac",
    "detail_place",
    "event_mac",
    "insert",
    "record",
    "refuse",
    "sealed_by_person",
]


class Sealer(Protocol):
    """The record key of the person concerned."""

    def seal(self, plaintext: bytes, place: Place) -> bytes: ...


class EventRow(NamedTuple):
    """The columns of one event, in order."""

    id: UUID
    tenant: int
    at: int
    type: int
    outcome: int
    actor_kind: int
    actor_token: int | None
    subject: bytes | None
    request: UUID
    detail: bytes | None
    key_id: int
    mac: bytes


def sealed_by_person(subject: bytes | None, outcome: int) -> bool:
    """Whether the detail of such an event is sealed under the record key: what was done to a person is.

    A refusal has no record key at hand; its detail holds nothing personal (see `VaultError`).
    """
    return subject is not None and outcome == Outcome.OK


def detail_place(event_id: UUID, tenant: int) -> Place:
    return Place(tenant, b"event", b"detail", event_id.bytes)


def event_mac(row: EventRow, key: bytes) -> bytes:
    """The MAC over every column but itself; numbers as decimal text, absent values as a lone zero byte."""
    return hashing.mac(pack([canonical(value) for value in row[:-1]]), key=key)


def check_mac(row: EventRow) -> None:
    """
    Raises:
        IntegrityFailure: the stored event is not as it was written.
        UnknownKey: the audit key of the event is gone.
    """
    key = store.keyring_with(row.key_id).get(row.key_id)
    if key.purpose is not Purpose.AUDIT or not hashing.same(row.mac, event_mac(row, key.secret)):
        raise IntegrityFailure("an event was changed in the database")


def canonical(value: bytes | int | UUID | None) -> bytes:
    """One column's value, told apart from any other value of any type."""
    if isinstance(value, int):  # most columns are
        return b"i%d" % value
    if value is None:
        return b"\x00"
    return b"b" + value if isinstance(value, bytes) else b"u" + value.bytes


def build(
    actor: Actor,
    event_type: EventType,
    *,
    subject: bytes | None = None,
    sealer: Sealer | None = None,
    detail: dict[str, Any] | None = None,
    outcome: Outcome = Outcome.OK,
) -> EventRow:
    """A finished event, not yet written.

    `detail` is sealed by `sealer`, the person's record key, where `sealed_by_person` says so; else by a detail key.

    Raises:
        ValueError: the person's key is needed and not given. A programming error.
    """
    keyring = store.current_keyring()
    at = unix_micros()
    event_id = new_event_id(at)
    if settings.AUDIT_CLIENT_ADDRESS and actor.address and _may_keep_address(actor, subject, outcome):
        detail = {**(detail or {}), "address": actor.address}
    if actor.purpose:
        detail = {**(detail or {}), "purpose": actor.purpose}
    sealed = None
    if detail:
        if sealer is None and sealed_by_person(subject, outcome):
            raise ValueError("the detail of this event must be sealed under the person's key")
        seal = sealer.seal if sealer else keyring.seal_detail
        sealed = seal(orjson.dumps(detail), detail_place(event_id, actor.tenant))
    audit_key = keyring.newest(Purpose.AUDIT)
    row = EventRow(
        event_id, actor.tenant, at, event_type.number, outcome.value, actor.kind.value, actor.token_id, subject,
        actor.request_id, sealed, audit_key.id, b"",
    )  # fmt: skip
    return EventRow._make((*row[:-1], event_mac(row, audit_key.secret)))


def _may_keep_address(actor: Actor, subject: bytes | None, outcome: Outcome) -> bool:
    """A person's own address is personal data: it may only stand where forget-me makes it unreadable."""
    return actor.kind is not ActorKind.PERSON or sealed_by_person(subject, outcome)


def insert(*rows: EventRow) -> Insert:
    """To be run together with the change that the events tell of."""
    return Insert("audit_event", EventRow._fields, rows)


def record(
    actor: Actor,
    event_type: EventType,
    *,
    subject: bytes | None = None,
    sealer: Sealer | None = None,
    detail: dict[str, Any] | None = None,
    outcome: Outcome = Outcome.OK,
) -> UUID:
    """Write one event, in the caller's transaction where there is one; its id."""
    row = build(actor, event_type, subject=subject, sealer=sealer, detail=detail, outcome=outcome)
    execute(*insert(row).statement(), hot=True)
    return row.id


_OUTCOMES: dict[type[VaultError], Outcome] = {
    AccessDenied: Outcome.DENIED,
    NeedsApproval: Outcome.DENIED,
    Throttled: Outcome.DENIED,
    NotFound: Outcome.NOT_FOUND,
    Conflict: Outcome.CONFLICT,
    ProcessingRestricted: Outcome.CONFLICT,
}


def refuse(actor: Actor, event_type: EventType, error: VaultError) -> UUID:
    """Write the event of an act that did not happen, after its own transaction was rolled back."""
    return record(
        actor,
        event_type,
        subject=error.subject,
        detail={**(error.trace or {}), "message": error.message},
        outcome=_OUTCOMES.get(type(error), Outcome.INVALID),
    )
