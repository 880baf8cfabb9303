"""What proves how a request was handled, for a regulator: the request, who did what, and the proofs of the events."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple
from uuid import UUID

from audit import proofs, trail
from audit.events import Outcome
from audit.models import Event
from audit.proofs import Proof
from audit.queries import events_of_call
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.erasure import receipts
from databunker.errors import NotFound
from databunker.ids import unix_now
from vault.history import opened_events
from vault.queries import find_subject

from ..events import REQUEST_APPROVED, REQUEST_CANCELED, REQUEST_EVIDENCE_READ, REQUEST_READ
from ..models import Request, RequestAction
from ..receipts import receipt_of
from ..requests import OpenRequest, Wish, parse_request_token, request_digest
from ..states import State
from .cases import CASE_EVENTS, CaseEvent, case_events

__all__ = ["Evidence", "read_evidence"]


class Evidence(NamedTuple):
    """All about one request. `proofs` are those of its events and of what its approval did, in their order, under one
    head; `receipt` is that of the erasure that was asked for, where it was done.
    """

    request: OpenRequest
    wish: Wish
    events: list[CaseEvent]
    proofs: list[Proof]
    public_keys: list[str]
    receipt: dict[str, Any] | None


def read_evidence(actor: Actor, *, rtoken: str) -> Evidence:
    """For whoever may decide the request.

    Raises:
        BadRequest: no UUID.
        AccessDenied: the actor may not.
        NotFound: there is no such request.
        NotSealed: the sealer has not come to all of its events yet.
        TreeDamaged: the tree, or an event, is not what was signed.
    """
    digest = request_digest(parse_request_token(rtoken), tenant=actor.tenant)
    stored = Request.objects.filter(tenant=actor.tenant, digest=digest).first()
    if stored is None:
        require(actor, Permission.REQUEST_DECIDE)
        raise NotFound("not found")
    subject = bytes(stored.subject)
    request = OpenRequest(stored, find_subject(actor, subject, Permission.REQUEST_DECIDE))
    receipt = _receipt(request)
    found = proofs.proofs_of(_events(request), tenant=actor.tenant)
    detail = {"request": stored.pk, "action": request.action.label}
    trail.record(actor, REQUEST_EVIDENCE_READ, subject=subject, sealer=request.holder.key, detail=detail)
    return Evidence(
        request,
        request.wish(),
        case_events(actor, request),
        found,
        proofs.public_keys(tenant=actor.tenant),
        receipt,
    )


def _events(request: OpenRequest) -> list[UUID]:
    """The request's events and those of the call that decided it, oldest first.

    What events of a forgotten person say nobody can read: of those all requests' are taken, of the time of this one.
    """
    row = request.stored
    until = unix_now() if row.decided is None else row.decided
    found = opened_events(request.holder, CASE_EVENTS, since=row.created, until=unix_now())
    if request.holder.forgotten:
        mine = [event for event, _ in found if event.at // _MICROS <= until]
    else:
        mine = [event for event, detail in found if detail.get("request") == row.pk]
    ids = {event.id for event in mine}
    for event in _decisions(mine, row.decided):
        done = events_of_call(event.request, tenant=row.tenant, subject=bytes(row.subject), around=event.at // _MICROS)
        ids |= {one.id for one in done if one.outcome == Outcome.OK and one.type != REQUEST_READ.number}
    return sorted(ids)


_MICROS = 1_000_000
_DECISIONS = frozenset({REQUEST_APPROVED.number, REQUEST_CANCELED.number})


def _decisions(events: Iterable[Event], decided: int | None) -> list[Event]:
    """Those that tell of the decision; of several moments of one forgetting, all."""
    if decided is None:
        return []
    return [event for event in events if event.type in _DECISIONS and abs(event.at // _MICROS - decided) <= 1]


def _receipt(request: OpenRequest) -> dict[str, Any] | None:
    row, holder = request.stored, request.holder
    if row.action != RequestAction.FORGET_ME or request.state is not State.APPROVED or not holder.forgotten:
        return None
    receipt = receipt_of(holder)
    stored = receipts.find(receipt)
    return None if stored is None else receipts.document(receipt, stored)
