"""Open a request in the place of what a person may not do alone."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError
from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor
from databunker.db.statements import atomically
from databunker.errors import Conflict, Throttled, Unavailable
from databunker.ids import unix_now
from vault.records import OpenRecord

from ...events import REQUEST_OPENED
from ...models import Request, RequestAction
from ...requests import OpenRequest, Wish, seal_request, slot_of

__all__ = ["Done", "Requested", "open_request"]

_DAY = 86_400


class Done(NamedTuple):
    """It was done at once. `token` is the person's, `receipt` that of a forgetting."""

    token: UUID
    receipt: UUID | None = None


class Requested(NamedTuple):
    """It waits for a decision; `existed`: the very same had been asked for already."""

    token: UUID
    existed: bool


def open_request(actor: Actor, record: OpenRecord, wish: Wish, *, trace: dict[str, Any]) -> Requested:
    """Open a request for `wish`, or find the one that asks for the same; in the caller's transaction.

    `record` is locked. `trace` says for the event how the person was found.

    Raises:
        Conflict: another change is waiting for a decision; the answer names its request.
        Throttled: the person has opened REQUESTS_PER_DAY others within a day.
    """
    row = record.row
    token, new = seal_request(wish, holder=record)
    try:
        with atomically():
            new.save(force_insert=True)
    except IntegrityError:
        token, number, existed = *_undecided(record, wish), True
    else:
        number, existed = new.pk, False
        _require_few(record, wish)
    detail = {**trace, "request": number, "action": wish.action.label, "app": wish.app, "brief": wish.brief}
    trail.record(actor, REQUEST_OPENED, subject=row.subject, sealer=record.key, detail=detail)
    return Requested(token, existed)


def _require_few(record: OpenRecord, wish: Wish) -> None:
    """Each keeps what it would change, for good, also where it is taken back. To be forgotten can always be asked for.

    Raises:
        Throttled: this is one too many; the caller's transaction takes it back.
    """
    most, row, now = settings.REQUESTS_PER_DAY, record.row, unix_now()
    if not most or wish.action is RequestAction.FORGET_ME:
        return
    opened = Request.objects.filter(tenant=row.tenant, subject=row.subject, created__gt=now - _DAY)
    times = opened.exclude(action=RequestAction.FORGET_ME).order_by("-id").values_list("created", flat=True)
    newest = list(times[: most + 1])
    if len(newest) > most:
        raise Throttled(retry_after=newest[-1] + _DAY - now)


def _undecided(record: OpenRecord, wish: Wish) -> tuple[UUID, int]:
    """Token and number of the request in whose way a new one stands."""
    row = record.row
    slot = slot_of(wish, tenant=row.tenant, subject=row.subject)
    stored = Request.objects.filter(tenant=row.tenant, subject=row.subject, slot=slot).first()
    if stored is None:
        raise Unavailable
    request = OpenRequest(stored, record)
    token = request.token
    if token is None:
        raise Unavailable
    if not request.wish().same_as(wish):
        raise Conflict(
            gettext_noop("another %(action)s request waits for a decision: cancel it, or ask again afterwards"),
            places={"action": wish.action.label},
            subject=row.subject,
            shown={"rtoken": str(token)},
        )
    return token, stored.pk
