"""What the maintenance pass does for agreements: ends, binds and drops them, a bounded number at a time."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

from django.conf import settings

from audit import trail
from databunker import periods
from databunker.access.actor import Actor, operator
from databunker.crypto.errors import CryptoError
from databunker.db.statements import atomically, retrying
from databunker.errors import BadRequest
from vault import queries

from ..binding import bind_pending_of, rekey
from ..consent_storage import delete_agreements, expire_some
from ..events import AGREEMENTS_DROPPED, AGREEMENTS_EXPIRED
from ..models import Agreement

__all__ = ["Rekeyed", "bind_pending", "drop_pending", "expire_agreements", "rekey_pending"]

_A_QUERY = 1_000


def expire_agreements(now: int, limit: int) -> int:
    """End at most `limit` agreements whose time is over at `now`, of all tenants; how many. Fewer: that was all."""
    actor = operator()

    def attempt() -> int:
        with atomically():
            ended = expire_some(now, limit)
            if ended:
                trail.record(actor, AGREEMENTS_EXPIRED, detail={"agreements": ended})
            return ended

    return retrying(attempt)


def drop_pending(now: int, limit: int) -> int:
    """Delete at most `limit` agreements that wait for a person since before PENDING_AGREEMENT_RETENTION; how many."""
    actor = operator()
    before = now - periods.seconds_of(settings.PENDING_AGREEMENT_RETENTION)

    def attempt() -> int:
        old = Agreement.objects.filter(digest__isnull=False, changed__lte=before).values_list("id", flat=True)
        with atomically():
            dropped = delete_agreements(id__in=list(old[:limit]), digest__isnull=False, changed__lte=before)
            if dropped:
                trail.record(actor, AGREEMENTS_DROPPED, detail={"agreements": dropped})
            return dropped

    return retrying(attempt)


def bind_pending(limit: int) -> int:
    """Bind agreements of identities that somebody has by now, until at least `limit` are bound; how many.

    Not needed for anything to be seen: whoever reads a person's agreements sees these too. It seals them under the
    person's key before somebody looks.
    """
    bound, after = 0, 0
    while bound < limit:
        waiting = list(
            Agreement.objects.filter(digest__isnull=False, id__gt=after)
            .order_by("id")
            .values_list("id", "tenant", "digest")[:_A_QUERY]
        )
        if not waiting:
            break
        after = waiting[-1][0]
        for tenant in sorted({tenant for _, tenant, _ in waiting}):
            digests = [bytes(digest) for _, of, digest in waiting if of == tenant and digest is not None]
            for subject in sorted(set(queries.holders_of(tenant, digests).values())):
                bound += _bind_of(replace(operator(), tenant=tenant), subject)
    return bound


def _bind_of(actor: Actor, subject: bytes) -> int:
    def attempt() -> int:
        with atomically():
            record = queries.record_of(actor.tenant, subject, lock=True)
            return bind_pending_of(actor, record) if record else 0

    return retrying(attempt)


class Rekeyed(NamedTuple):
    """How many pending agreements were moved, and how many stay where they are because they can't be read."""

    moved: int = 0
    unreadable: int = 0


def rekey_pending() -> Rekeyed:
    """Put every agreement that waits for a person under the index key that identities are looked up by now."""
    moved = unreadable = after = 0
    pending = Agreement.objects.filter(digest__isnull=False).order_by("id").values_list("id", flat=True)
    while waiting := list(pending.filter(id__gt=after)[:_A_QUERY]):
        after = waiting[-1]
        for number in waiting:
            try:
                moved += retrying(partial(_rekey, number))
            except (CryptoError, BadRequest):
                unreadable += 1
    return Rekeyed(moved, unreadable)


def _rekey(number: int) -> bool:
    with atomically():
        return rekey(number)
