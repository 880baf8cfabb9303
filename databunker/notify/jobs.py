"""The table of jobs: how one is sealed and written, claimed by one deliverer at a time, and taken off the table.

**Which key.** What concerns a person is sealed under the person's record key wherever that lives on, so that forget-me
makes every copy of the job unreadable, in backups and logs of writes too; the rows themselves are deleted by
`delete_of` in the same transaction. To deliver such a job its record key is asked for by `key_sources`, where the
vault registers: this package knows no records. All else, and the one message that must outlive the key (that somebody
was forgotten), is sealed under a data key. Either way a job leaves the table as soon as it is delivered.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import F, Min, QuerySet

from databunker.crypto import envelope, store
from databunker.crypto.envelope import Place
from databunker.crypto.record_key import RecordKey
from databunker.db.planning import of_tenant
from databunker.db.statements import Insert, retrying
from databunker.ids import new_event_id, unix_micros, unix_now

from .models import Job, JobState

__all__ = [
    "JobRow",
    "Waiting",
    "build",
    "bury",
    "claim",
    "delete",
    "delete_of",
    "drop",
    "due",
    "forget_dead",
    "hold_all",
    "insert",
    "key_sources",
    "lag",
    "open_payload",
    "payload_place",
    "postpone",
    "revive",
]

_MAX_ERROR = 64


class JobRow(NamedTuple):
    """The columns of `Job`, in order."""

    id: UUID
    tenant: int
    kind: str
    topic: str
    subject: bytes | None
    generation: int
    key_id: int
    payload: bytes
    state: int
    attempts: int
    next_attempt: int
    deadline: int | None
    last_error: str
    created: int


class Waiting(NamedTuple):
    """A job as it was when its turn had come: what `claim` compares."""

    id: UUID
    attempts: int
    next_attempt: int


KeySource = Callable[[int, bytes], RecordKey | None]
# Called with tenant and subject: the person's record key, or None where the person is unknown.
key_sources: list[KeySource] = []


def payload_place(tenant: int, job_id: UUID, kind: str) -> Place:
    """Bound to its kind: no mail can be made a webhook by SQL."""
    return Place(tenant, b"job", kind.encode(), job_id.bytes)


def build(
    tenant: int,
    *,
    kind: str,
    payload: bytes,
    topic: str = "",
    subject: bytes | None = None,
    sealer: RecordKey | None = None,
    deadline: int | None = None,
) -> JobRow:
    """A job that is due at once, not yet written. It concerns the person of `sealer`, or else `subject`, if anybody."""
    job_id = new_event_id(unix_micros())
    place = payload_place(tenant, job_id, kind)
    if sealer is None:
        sealed = store.current_keyring().seal(payload, place)
        generation, key_id = 0, envelope.key_id_of(sealed)
    else:
        sealed = sealer.seal(payload, place)
        subject, generation, key_id = sealer.subject, sealer.generation, 0
    now = unix_now()
    return JobRow(
        job_id, tenant, kind, topic, subject, generation, key_id, sealed, JobState.DUE.value, 0, now, deadline, "", now
    )


def insert(*rows: JobRow) -> Insert:
    """To be run in the transaction of what the jobs follow from."""
    return Insert("notify_job", JobRow._fields, rows)


def open_payload(job: Job) -> bytes | None:
    """None where the person was forgotten since, and the payload with them.

    Raises:
        IntegrityFailure: changed or moved in the database.
        UnknownKey: the data key is gone.
    """
    place, sealed = payload_place(job.tenant, job.id, job.kind), bytes(job.payload)
    if not job.generation:
        return store.unseal(sealed, place)
    key = _record_key(job)
    if key is None or key.generation != job.generation:
        return None
    return key.open(sealed, place)


def _record_key(job: Job) -> RecordKey | None:
    if job.subject is None:
        return None
    found = (source(job.tenant, bytes(job.subject)) for source in key_sources)
    return next((key for key in found if key is not None), None)


# --- turns -----------------------------------------------------------------------------------------------------------


def due(kind: str, *, limit: int) -> list[Waiting]:
    """Whose turn has come, those who have waited longest first. It locks nothing."""
    found = Job.objects.filter(state=JobState.DUE, kind=kind, next_attempt__lte=unix_now()).order_by("next_attempt")
    return [Waiting(*row) for row in found.values_list(*Waiting._fields)[:limit]]


def lag(kinds: Collection[str]) -> dict[str, int]:
    """For each of these kinds, for how many seconds the job that is due for longest has waited; 0 where none is due."""
    now = unix_now()
    waiting = Job.objects.filter(state=JobState.DUE, kind__in=kinds).order_by()
    first = dict(waiting.values_list("kind").annotate(Min("next_attempt")))
    return {kind: max(now - first.get(kind, now), 0) for kind in kinds}


def claim(waiting: Waiting, *, seconds: int) -> Job | None:
    """The job, nobody else's for so long; None where another took it, or it is gone."""

    def attempt() -> Job | None:
        now = unix_now()
        mine = _as_seen(waiting).update(next_attempt=now + seconds, attempts=F("attempts") + 1)
        return Job.objects.filter(pk=waiting.id).first() if mine else None

    return retrying(attempt)


def _as_seen(waiting: Waiting) -> QuerySet[Job]:
    return Job.objects.filter(
        pk=waiting.id, state=JobState.DUE, attempts=waiting.attempts, next_attempt=waiting.next_attempt
    )


def delete(job: Job) -> None:
    """Done, whoever else may have claimed it meanwhile."""
    retrying(lambda: Job.objects.filter(pk=job.pk).delete())


def postpone(job: Job, *, seconds: int, error: str) -> None:
    """Another attempt later. Nothing happens where the lease ran out and another has the job now."""
    _mine(job, next_attempt=unix_now() + seconds, last_error=error[:_MAX_ERROR])


def bury(job: Job, *, error: str) -> None:
    """No more attempts of our own: a dead letter, until somebody replays or drops it."""
    _mine(job, state=JobState.DEAD, next_attempt=unix_now(), last_error=error[:_MAX_ERROR])


def _mine(job: Job, **values: int | str) -> None:
    held = Job.objects.filter(pk=job.pk, state=JobState.DUE, attempts=job.attempts, next_attempt=job.next_attempt)
    retrying(lambda: held.update(**values))


# --- dead letters, and people who are forgotten ----------------------------------------------------------------------


def delete_of(tenant: int, subject: bytes) -> None:
    """All that concerns the person, waiting or dead; for forget-me, in its transaction."""
    Job.objects.filter(tenant=tenant, subject=subject).delete()


def hold_all() -> int:
    """Make dead letters of all that is due, in every tenant: nothing is sent until somebody replays it; how many."""
    due_now = Job.objects.filter(state=JobState.DUE)
    return due_now.update(state=JobState.DEAD, next_attempt=unix_now(), last_error="Held")


def revive(ids: Collection[UUID] | None, *, tenant: int) -> int:
    """Dead jobs of these ids, or all, become due with all their attempts before them; how many."""
    return _dead(ids, tenant).update(state=JobState.DUE, attempts=0, next_attempt=unix_now())


def drop(ids: Collection[UUID] | None, *, tenant: int) -> int:
    """Delete the dead jobs of these ids, or all; how many."""
    return _dead(ids, tenant).delete()[0]


def _dead(ids: Collection[UUID] | None, tenant: int) -> QuerySet[Job]:
    dead = of_tenant(Job.objects.filter(state=JobState.DEAD), tenant)
    return dead if ids is None else dead.filter(pk__in=list(ids))


def forget_dead(kinds: Sequence[str], *, older_than: int) -> int:
    """Delete the jobs of these kinds that died before this time; how many. Mostly there are none: only a look."""
    old = Job.objects.filter(state=JobState.DEAD, kind__in=kinds, next_attempt__lt=older_than)
    return old.delete()[0] if old.exists() else 0
