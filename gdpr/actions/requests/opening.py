"""Open a request in the place of what a person may not do alone."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from django.db import IntegrityError
from django.utils.translation import gettext_noop

from audit import trail
from databunker.access.actor import Actor
from databunker.db.statements import atomically
from databunker.errors import Conflict, Unavailable
from vault.records import OpenRecord

from ...events import REQUEST_OPENED
from ...models import Request
from ...requests import OpenRequest, Wish, seal_request, slot_of

__all__ = ["Done", "Requested", "open_request"]


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
    detail = {**trace, "request": number, "action": wish.action.label, "app": wish.app, "brief": wish.brief}
    trail.record(actor, REQUEST_OPENED, subject=row.subject, sealer=record.key, detail=detail)
    return Requested(token, existed)


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
