"""Canaries: made-up people whom nobody has reason to read. Whoever does is told of.

Which records they are stands in the database sealed, under a key that is never rotated; that they were read is found in
the trail, by the scheduler, within seconds, so that neither the answer nor its time can tell.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from audit import trail
from audit.models import Event
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.crypto import envelope, hashing, store
from databunker.crypto.envelope import Place
from databunker.crypto.keyring import Purpose
from databunker.db.statements import atomically
from databunker.errors import BadRequest, NotFound
from databunker.ids import parse_token
from vault import references
from vault.actions import Created, Result, forget_person, prepare_batch, store_batch
from vault.events import RECORD_CREATED
from vault.queries import record_of

from .events import CANARIES_LISTED
from .incidents import Notice, notice
from .models import Canary, IncidentKind
from .readings import HOUR, first_id

__all__ = ["add_canaries", "count_canaries", "list_canaries", "remove_canary", "watch_canaries"]

_MICROS = 1_000_000
# Of what is written now the event may be committed later.
_LOOK_BACK_SECONDS = 600
_MOST_EVENTS = 1_000


def _key() -> tuple[bytes, int]:
    key = store.current_keyring().newest(Purpose.REFERENCE)
    return hashing.derive_key(key.secret, b"canary"), key.id


def _place(tenant: int) -> Place:
    """Rows may change places: they say the same there."""
    return Place(tenant, b"canary", b"subject", b"")


def _seal(subject: bytes, *, tenant: int) -> Canary:
    key, key_id = _key()
    return Canary(tenant=tenant, sealed=envelope.seal(subject, key=key, key_id=key_id, place=_place(tenant)))


def _subjects(rows: Sequence[Canary]) -> dict[bytes, Canary]:
    """
    Raises:
        IntegrityFailure: a row was changed.
    """
    key, _ = _key()
    return {envelope.open_sealed(row.sealed, key=key, place=_place(row.tenant)): row for row in rows}


def add_canaries(actor: Actor, *, profiles: Sequence[dict[str, Any]], like: Actor | None = None) -> list[Result]:
    """Store these people as canaries; what became of each.

    In the trail, whose types and callers stand in clear, it looks like a load of people, by `like` if that is given.
    The sealed detail of its event says what it was.

    Raises:
        AccessDenied: the actor may not create people, or decide about tokens.
    """
    require(actor, Permission.TOKEN_MANAGE)
    require(actor, Permission.RECORD_CREATE)
    batch = prepare_batch(like or actor, profiles)

    def mark(results: list[Result]) -> None:
        subjects = [
            references.subject_of(result.token, tenant=actor.tenant)
            for result in results
            if isinstance(result, Created)
        ]
        Canary.objects.bulk_create([_seal(subject, tenant=actor.tenant) for subject in subjects])

    return store_batch(like or actor, batch, alongside=mark, note=f"canaries, by {actor.kind.label}")


def list_canaries(actor: Actor) -> list[UUID]:
    """The tokens of the canaries that are there.

    Raises:
        AccessDenied: the actor may not decide about tokens.
    """
    require(actor, Permission.TOKEN_MANAGE)
    trail.record(actor, CANARIES_LISTED)
    subjects = _subjects(list(Canary.objects.filter(tenant=actor.tenant).order_by("id")))
    records = [record_of(actor.tenant, subject) for subject in subjects]
    return [record.token for record in records if record is not None]


def remove_canary(actor: Actor, *, token: str) -> None:
    """Forget the canary with this token.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: no UUID.
        NotFound: no canary has this token.
    """
    require(actor, Permission.TOKEN_MANAGE)
    parsed = parse_token(token)
    if parsed is None:
        raise BadRequest("bad uuid")
    with atomically():
        subjects = _subjects(list(Canary.objects.filter(tenant=actor.tenant)))
        row = subjects.get(references.subject_of(parsed, tenant=actor.tenant))
        if row is None or not Canary.objects.filter(pk=row.pk).delete()[0]:
            raise NotFound("no such canary")
        forget_person(actor, mode="token", identity=token)


def count_canaries(tenant: int) -> int:
    """How many there are: for whoever counts people."""
    return Canary.objects.filter(tenant=tenant).count()


def watch_canaries(now: int, limit: int) -> int:  # noqa: ARG001 - one look at all of them
    """Tell of every canary that was read, once for each caller and hour; how many incidents are new."""
    by_tenant: dict[int, list[Canary]] = defaultdict(list)
    for row in Canary.objects.all():
        by_tenant[row.tenant].append(row)
    return sum(_watch(tenant, rows, now) for tenant, rows in by_tenant.items())


def _watch(tenant: int, rows: Sequence[Canary], now: int) -> int:
    events = (
        Event.objects.filter(
            tenant=tenant, subject__in=list(_subjects(rows)), id__gt=first_id(now - _LOOK_BACK_SECONDS)
        )
        # Who put them there, and looks after them.
        .exclude(actor_kind=ActorKind.OPERATOR.value)
        .exclude(type=RECORD_CREATED.number)
        .order_by("id")
        .values_list("at", "actor_kind", "actor_token", "subject")[:_MOST_EVENTS]
    )
    found: dict[tuple[int, int | None, int], list[tuple[int, bytes]]] = defaultdict(list)
    for at, kind, token_id, subject in events:
        second = at // _MICROS
        found[kind, token_id, second - second % HOUR].append((second, bytes(subject or b"")))
    return sum(
        notice(
            Notice(
                tenant=tenant,
                kind=IncidentKind.CANARY,
                actor_kind=kind,
                token_id=token_id,
                start=start,
                seconds=0,
                last=max(second for second, _ in seen),
                people=len({subject for _, subject in seen}),
            )
        )
        for (kind, token_id, start), seen in found.items()
    )
