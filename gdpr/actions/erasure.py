"""The cooling-off time: an erasure that was asked for and can be withdrawn until it is carried out.

`schedule_erasure` sets it, `withdraw_erasure` takes it back, `carry_out_erasures` is the task of maintenance. Callers
use `forget_me`, which knows whether there is such a time at all; `gdpr.queries.read_rights` says what is scheduled, and
`gdpr.queries.preview_erasure` what it will erase.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings

from audit import trail
from databunker import periods
from databunker.access.actor import Actor, operator
from databunker.access.permissions import Permission
from databunker.db.statements import atomically, retrying
from databunker.ids import unix_now
from vault import lookups
from vault.actions import forget_found
from vault.queries import find, record_of
from vault.records import OpenRecord

from ..events import ERASURE_SCHEDULED, ERASURE_WITHDRAWN
from ..inputs import checked_reason
from ..models import ExercisedRight, RightKind
from ..rights import exercise, open_right, take_back
from .due import forget_due

__all__ = ["Scheduled", "carry_out_erasures", "cools_off", "schedule_erasure", "schedule_found", "withdraw_erasure"]


class Scheduled(NamedTuple):
    """The person's token, and when the erasure is carried out unless it is withdrawn: Unix seconds."""

    token: UUID
    due: int


def cools_off() -> bool:
    """Whether erasures wait at all."""
    return bool(settings.FORGET_ME_COOLING_OFF)


def schedule_erasure(actor: Actor, *, mode: str, identity: str, reason: Any = "") -> Scheduled:
    """Have the person forgotten when the cooling-off time is over. One that is scheduled already stays as it is.

    Raises:
        AccessDenied: the actor may not forget the person.
        NotFound: no such person, or forgotten.
        BadRequest: no usable reason.
    """
    lookup, text = lookups.parse(mode, identity, tenant=actor.tenant), checked_reason(reason)

    def attempt() -> Scheduled:
        with atomically():
            record = find(actor, lookup, Permission.RECORD_FORGET, lock=True)
            record.require_active()
            return schedule_found(actor, record, reason=text, trace=lookup.trace())

    return retrying(attempt)


def schedule_found(
    actor: Actor, record: OpenRecord, *, reason: str = "", trace: dict[str, Any] | None = None
) -> Scheduled:
    """`schedule_erasure` of a record that the caller's transaction holds locked, for whoever may forget the person."""
    due = unix_now() + periods.seconds_of(settings.FORGET_ME_COOLING_OFF)
    right = exercise(actor, record, RightKind.ERASURE, reason=reason, due=due)
    detail = {**(trace or {}), "due": right.due, **({"message": reason} if reason else {})}
    trail.record(actor, ERASURE_SCHEDULED, subject=record.row.subject, sealer=record.key, detail=detail)
    return Scheduled(record.token, right.due or due)


def withdraw_erasure(actor: Actor, *, mode: str, identity: str) -> None:
    """The person stays, whoever had asked for the erasure; also where nobody had.

    Raises:
        AccessDenied: the actor may not.
        NotFound: no such person, or forgotten by now.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> None:
        with atomically():
            record = find(actor, lookup, Permission.RIGHTS_CHANGE, lock=True)
            record.require_active()
            take_back(record, RightKind.ERASURE)
            trail.record(actor, ERASURE_WITHDRAWN, subject=record.row.subject, sealer=record.key, detail=lookup.trace())

    retrying(attempt)


def carry_out_erasures(now: int, limit: int) -> int:
    """Forget at most `limit` people whose time was over at `now`, each in a transaction of its own; how many.

    Whose processing is restricted is left until the restriction is lifted. Several hosts may do so at once.

    Raises:
        Tampered: some could not be forgotten, after others were.
    """
    due = ExercisedRight.objects.filter(kind=RightKind.ERASURE, due__lte=now).order_by("due", "tenant", "subject")
    return forget_due(due, partial(_carry_out, now=now), limit=limit)


def _carry_out(tenant: int, subject: bytes, *, now: int) -> bool:
    """Whether the person was forgotten by this, and not by another host, or not at all.

    Raises:
        IntegrityFailure, UnknownKey: the erasure is not as it was scheduled, or the record not as it was written.
    """
    with atomically():
        record = record_of(tenant, subject, lock=True, skip_locked=True)
        if record is None or record.restricted:
            return False
        row = ExercisedRight.objects.filter(
            tenant=tenant, subject=subject, kind=RightKind.ERASURE, due__lte=now
        ).first()
        if row is None:
            return False
        open_right(row, record)  # refuses what was written or moved past the product
        actor = replace(operator(), tenant=tenant)
        forget_found(actor, record, reason="the cooling-off time of the erasure was over")
        return True
