"""People who come from another vault with the tokens that they have there."""

from __future__ import annotations

import enum
from collections.abc import Callable, Collection, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from audit import trail
from audit.trail import EventRow
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, insert_many, retrying_if_taken
from databunker.erasure import journal

from .. import identities, storage
from ..events import RECORD_ADOPTED
from ..identities import UNIQUE_SLOT
from ..models import RecordState
from ..records import SealedRecord, seal_adopted
from .create import inserts_for

__all__ = ["Adopted", "Fate", "Newcomer", "adopt_people", "rehearse_people"]


class Fate(enum.Enum):
    """What became of something that was to be adopted."""

    STORED = "stored"
    PRESENT = "here already"
    NOBODY = "the person is not here"
    FORGOTTEN = "the person was forgotten"
    REFUSED = "it breaks a rule"


class Newcomer(NamedTuple):
    """`profile` is None for one who was forgotten there: the token alone is adopted."""

    token: UUID
    profile: dict[str, Any] | None


class Adopted(NamedTuple):
    """`taken` and `unusable` name identity fields that the person is not found by.

    Somebody else has the first; the others are no telephone number, or no text.
    """

    fate: Fate
    taken: list[str]
    unusable: list[str]


def adopt_people(
    actor: Actor, *, people: Sequence[Newcomer], alongside: Callable[[list[Adopted]], None] | None = None
) -> list[Adopted]:
    """Store each with the token that is given, all in one transaction; what became of each, in order.

    Nobody is refused: who has an identity that is somebody's already is stored without that entry in the blind index.
    Whoever is here already stays as he or she is, also where forgotten; who was forgotten here and is gone, as after a
    restore, does not come back. The record schema is not asked.

    Args:
        alongside: called in the transaction with the outcomes, to write what must be stored with them.

    Raises:
        AccessDenied: the actor may not create people.
    """
    require(actor, Permission.RECORD_CREATE)
    sealed = _sealed(actor, people)

    def attempt() -> list[Adopted]:
        chosen, outcomes = _choose(actor, people, sealed, rehearsed=set())
        with atomically():
            _insert(actor, chosen)
            if alongside is not None:
                alongside(outcomes)
        return outcomes

    return retrying_if_taken(attempt)


def rehearse_people(actor: Actor, *, people: Sequence[Newcomer], rehearsed: set[bytes]) -> list[Adopted]:
    """What would become of each, with nothing written.

    `rehearsed` collects whom and what is taken, so that the next batch is told of those before it.

    Raises:
        AccessDenied: the actor may not create people.
    """
    require(actor, Permission.RECORD_CREATE)
    return _choose(actor, people, _sealed(actor, people), rehearsed=rehearsed)[1]


def _sealed(actor: Actor, people: Sequence[Newcomer]) -> list[SealedRecord]:
    return [seal_adopted(person.token, person.profile, tenant=actor.tenant) for person in people]


def _choose(
    actor: Actor, people: Sequence[Newcomer], sealed: Sequence[SealedRecord], *, rehearsed: set[bytes]
) -> tuple[list[SealedRecord], list[Adopted]]:
    """Who goes in, without the identities that somebody has: in the vault, or earlier in the batch."""
    present = set(storage.by_subjects(actor.tenant, [record.row.subject for record in sealed])) | rehearsed
    forgotten = journal.forgotten_among(actor.tenant, [record.row.subject for record in sealed])
    unique = [entry.digest for record in sealed for entry in record.identities if entry.slot == UNIQUE_SLOT]
    taken = set(storage.taken(actor.tenant, unique)) | rehearsed
    chosen: list[SealedRecord] = []
    outcomes: list[Adopted] = []
    for person, record in zip(people, sealed, strict=True):
        if record.row.subject in present:
            outcomes.append(Adopted(Fate.PRESENT, [], []))
            continue
        if record.row.subject in forgotten:
            outcomes.append(Adopted(Fate.FORGOTTEN, [], []))
            continue
        # By field: while there are two index keys, an identity is taken under both or under none.
        lost = sorted({entry.field for entry in record.identities if entry.digest in taken})
        kept = record.without(lost)
        new = {entry.digest for entry in kept.identities if entry.slot == UNIQUE_SLOT}
        taken |= new
        present.add(record.row.subject)
        rehearsed |= {record.row.subject, *new}
        chosen.append(kept)
        outcomes.append(Adopted(Fate.STORED, lost, _unusable(person)))
    return chosen, outcomes


def _unusable(person: Newcomer) -> list[str]:
    return [] if person.profile is None else identities.unusable(person.profile)


def _insert(actor: Actor, chosen: Collection[SealedRecord]) -> None:
    records = list(chosen)
    for insert in inserts_for(actor.tenant, records, [_event(actor, record) for record in records]):
        if insert.rows:
            insert_many(insert)


def _event(actor: Actor, record: SealedRecord) -> EventRow:
    """With the version, by which the trail shows the profile; a forgotten person has none."""
    detail = {"version": 1} if record.row.state == RecordState.ACTIVE else None
    return trail.build(actor, RECORD_ADOPTED, subject=record.row.subject, sealer=record.key, detail=detail)
