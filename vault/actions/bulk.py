"""Many new people at once, each standing alone: one bad record never stops the others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, OperationalError

from audit import trail
from audit.trail import EventRow
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.crypto import store
from databunker.crypto.keyring import Purpose
from databunker.db.statements import atomically, insert_many, is_lost_race
from databunker.errors import AccessDenied, BadRequest, Unavailable, VaultError
from databunker.notify import jobs, outbox, webhooks

from .. import storage, visible
from ..events import RECORDS_LOADED
from ..identities import UNIQUE_SLOT
from ..records import SealedRecord
from .create import creation_event, inserts_for, seal_checked

__all__ = [
    "MAX_RECORDS",
    "Batch",
    "Candidate",
    "Created",
    "Rejected",
    "Result",
    "create_records",
    "prepare_batch",
    "store_batch",
]

MAX_RECORDS = 4000
_ATTEMPTS = 10


class Created(NamedTuple):
    token: UUID


class Rejected(NamedTuple):
    """`reason` names the field and the rule, never a value. `duplicate`: somebody else has that identity."""

    reason: str
    duplicate: bool = False


Result = Created | Rejected
Candidate = dict[str, Any] | VaultError


class Batch(NamedTuple):
    """Sealed candidates with their events, or why one was rejected, in the order they came.

    `index_epoch` and `data_key` are those of the keyring which made their blind index and wrapped their keys.
    """

    candidates: list[tuple[SealedRecord, EventRow] | Rejected]
    index_epoch: int
    data_key: int

    @property
    def is_outdated(self) -> bool:
        """Whether there are newer keys by now, so that it must be prepared anew: it may have waited for very long."""
        keyring = store.current_keyring()
        return self.index_epoch < keyring.index_epoch or self.data_key < keyring.newest(Purpose.DATA).id


def create_records(actor: Actor, *, profiles: Sequence[Candidate]) -> list[Result]:
    """Store each profile as a new person, all in one transaction; what became of each, in order.

    Raises:
        AccessDenied: the actor may not create people.
        BadRequest: more than MAX_RECORDS.
    """
    if len(profiles) > MAX_RECORDS:
        raise BadRequest(f"at most {MAX_RECORDS} records a call")
    batch = prepare_batch(actor, profiles)
    return store_batch(actor, batch, alongside=lambda results: _tell(actor, profiles, batch, results))


def _tell(actor: Actor, profiles: Sequence[Candidate], batch: Batch, results: list[Result]) -> None:
    """A webhook for each new person. `manage.py load` sends none: who loads millions knows of it."""
    if not settings.NOTIFICATION_URL:
        return
    told = [
        outbox.webhook_job(actor.tenant, webhooks.profile_new(result.token, profile), sealer=candidate[0].key)
        for profile, candidate, result in zip(profiles, batch.candidates, results, strict=True)
        if isinstance(result, Created) and not isinstance(candidate, Rejected)
    ]
    rows = [job for job in told if job is not None]
    if rows:
        insert_many(jobs.insert(*rows))


def prepare_batch(actor: Actor, profiles: Sequence[Candidate]) -> Batch:
    """All the cryptography of a batch, without touching the database; see `store_batch`.

    Raises:
        AccessDenied: the actor may not create people.
    """
    require(actor, Permission.RECORD_CREATE)
    keyring = store.current_keyring()  # the first: of a newer one later on only some would know
    candidates = [_prepare(actor, profile) for profile in profiles]
    return Batch(candidates, keyring.index_epoch, keyring.newest(Purpose.DATA).id)


def _prepare(actor: Actor, profile: Candidate) -> tuple[SealedRecord, EventRow] | Rejected:
    if isinstance(profile, VaultError):
        return Rejected(profile.message)
    try:
        visible.require_fields(actor, profile)
        record = seal_checked(profile, tenant=actor.tenant)
    except (AccessDenied, BadRequest) as error:
        return Rejected(error.message)
    return record, creation_event(actor, record)


def store_batch(
    actor: Actor, batch: Batch, *, alongside: Callable[[list[Result]], None] | None = None, note: str = ""
) -> list[Result]:
    """Write a batch in one transaction; where identities are taken, the others go in all the same.

    `alongside` is called in the transaction with the results, to write what must be stored with them. `note` stands in
    the event.
    """
    taken: set[bytes] = set()
    in_vain = 0
    while in_vain < _ATTEMPTS:
        chosen, results = _choose(batch, taken)
        try:
            with atomically():
                _insert(actor, chosen, rejected=len(results) - len(chosen), note=note)
                if alongside is not None:
                    alongside(results)
        except IntegrityError:
            # Asked only now: a load of new people, the usual case, needs no look-up at all.
            found = set(storage.taken(actor.tenant, _unique_digests(batch)))
            # Whoever creates the same people one by one can be a step ahead of each try, but of no more than these.
            if found <= taken:
                in_vain += 1
            taken |= found
        except OperationalError as error:
            if not is_lost_race(error):
                raise
            in_vain += 1
        else:
            return results
    raise Unavailable


def _choose(batch: Batch, taken: set[bytes]) -> tuple[list[tuple[SealedRecord, EventRow]], list[Result]]:
    """Who goes in: those whose unique identities nobody has, neither in the vault nor earlier in the batch."""
    chosen: list[tuple[SealedRecord, EventRow]] = []
    results: list[Result] = []
    seen = set(taken)
    for candidate in batch.candidates:
        if isinstance(candidate, Rejected):
            results.append(candidate)
            continue
        record = candidate[0]
        unique = {entry.digest: entry.field for entry in record.identities if entry.slot == UNIQUE_SLOT}
        duplicates = sorted(field for digest, field in unique.items() if digest in seen)
        if duplicates:
            results.append(Rejected(f"duplicate index: {duplicates[0]}", duplicate=True))
            continue
        seen.update(unique)
        chosen.append(candidate)
        results.append(Created(record.token))
    return chosen, results


def _unique_digests(batch: Batch) -> list[bytes]:
    return [
        entry.digest
        for candidate in batch.candidates
        if not isinstance(candidate, Rejected)
        for entry in candidate[0].identities
        if entry.slot == UNIQUE_SLOT
    ]


def _insert(actor: Actor, chosen: list[tuple[SealedRecord, EventRow]], *, rejected: int, note: str) -> None:
    detail = {"created": len(chosen), "rejected": rejected} | ({"message": note} if note else {})
    summary = trail.build(actor, RECORDS_LOADED, detail=detail)
    records, events = [record for record, _ in chosen], [event for _, event in chosen]
    for insert in inserts_for(actor.tenant, records, [*events, summary]):
        if insert.rows:
            insert_many(insert)
