"""Requests as those see them who decide, and those who have asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import execute
from databunker.errors import BadRequest, NotFound
from vault import lookups, visible
from vault.queries import find, find_subject, find_subjects
from vault.records import OpenRecord

from ..events import REQUEST_READ, REQUESTS_LISTED
from ..models import Request, RequestAction
from ..receipts import receipt_of
from ..requests import OpenRequest, Wish, looking, parse_request_token, request_digest, seen_wish
from ..states import UNDECIDED, states_of
from .deadlines import Urgency, deadlines_of

__all__ = ["RequestPage", "RequestView", "list_requests", "list_requests_of", "read_request"]


class RequestPage(NamedTuple):
    """One page of requests; `total` counts all."""

    total: int
    requests: list[OpenRequest]


class RequestView(NamedTuple):
    """One request with what it asks for, and what that would change as it was at the time.

    `receipt`: where somebody waits to be forgotten, the id that the receipt will have.
    """

    request: OpenRequest
    wish: Wish
    original: Any
    receipt: UUID | None = None


def list_requests(
    actor: Actor,
    *,
    status: str,
    offset: int,
    limit: int,
    action: RequestAction | None = None,
    assignee: int | None = None,
    urgency: Urgency | None = None,
) -> RequestPage:
    """Everybody's requests in this status: of the undecided what is due first, of others the newest.

    With `action` only those that ask for it, with `assignee` only those of this account; 0: of nobody. With `urgency`
    only undecided ones of that urgency. Of more than `MOST_OPEN` undecided ones the youngest come last, oldest first,
    and have no urgency.

    Raises:
        AccessDenied: the actor reaches its own requests only.
        BadRequest: no such status.
    """
    require(actor, Permission.REQUEST_LIST)
    states = states_of(status)
    if not states:
        raise BadRequest("bad status")
    found = Request.objects.filter(tenant=actor.tenant, state__in=[state.value for state in states])
    if action is not None:
        found = found.filter(action=action.value)
    if assignee is not None:
        found = found.filter(assignee=assignee) if assignee else found.filter(assignee__isnull=True)
    if states <= UNDECIDED:
        total, rows = _by_deadline(found, urgency, slice(offset, offset + limit))
    else:
        total, rows = found.count(), list(found.order_by("-id")[offset : offset + limit])
    holders = find_subjects(actor, {bytes(row.subject) for row in rows}, Permission.REQUEST_LIST)
    requests = _opened(rows, holders)
    # An event for each person who is about to be shown, or one for the listing that showed nobody.
    shown = {bytes(request.stored.subject): request.holder.key for request in requests}
    events = [trail.build(actor, REQUESTS_LISTED, subject=subject, sealer=key) for subject, key in shown.items()] or [
        trail.build(actor, REQUESTS_LISTED)
    ]
    execute(*trail.insert(*events).statement())
    return RequestPage(total, requests)


def _by_deadline(found: QuerySet[Request], urgency: Urgency | None, part: slice) -> tuple[int, list[Request]]:
    """How many undecided requests these are, and a part of them."""
    deadlines = deadlines_of(found)
    numbers = list(deadlines.due)
    if urgency is not None:
        of = deadlines.urgencies()
        numbers = [number for number in numbers if of[number] is urgency]
    total = len(numbers) if urgency is not None or not deadlines.more else found.count()
    wanted = numbers[part]
    stored = found.in_bulk(wanted)
    rows = [stored[number] for number in wanted if number in stored]
    if total > len(numbers) and part.stop > len(numbers):
        younger = found.filter(pk__gt=max(numbers)).order_by("id")
        rows += younger[max(part.start - len(numbers), 0) : part.stop - len(numbers)]
    return total, rows


def _opened(rows: list[Request], holders: Mapping[bytes, OpenRecord]) -> list[OpenRequest]:
    """Those whose holder may be seen. Of who was forgotten meanwhile the rows are read anew: these, read before, are
    sealed under the key that is gone.
    """
    gone = [row.pk for row in rows if row.terms and (found := holders.get(bytes(row.subject))) and found.forgotten]
    anew = Request.objects.in_bulk(gone) if gone else {}
    return [
        OpenRequest(anew.get(row.pk, row), holders[bytes(row.subject)]) for row in rows if bytes(row.subject) in holders
    ]


def list_requests_of(actor: Actor, *, mode: str, identity: str, offset: int, limit: int) -> RequestPage:
    """The requests of one person, newest first; of a forgotten one, by token, the bare facts.

    Raises:
        AccessDenied, NotFound, BadRequest: see `vault.queries.find`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.REQUEST_READ)
    row = record.row
    trail.record(actor, REQUESTS_LISTED, subject=row.subject, sealer=record.key, detail=lookup.trace())
    found = Request.objects.filter(tenant=row.tenant, subject=row.subject)
    rows = list(found.order_by("-id")[offset : offset + limit])
    return RequestPage(found.count(), [OpenRequest(stored, record) for stored in rows])


def read_request(actor: Actor, *, rtoken: str) -> RequestView:
    """One request; of one to be forgotten, `original` is the profile as it is now.

    Raises:
        BadRequest: no UUID.
        AccessDenied: the actor may not read it; a person learns no more about requests of others.
        NotFound: there is no such request.
    """
    digest = request_digest(parse_request_token(rtoken), tenant=actor.tenant)
    stored = Request.objects.filter(tenant=actor.tenant, digest=digest).first()
    if stored is None:
        require(actor, Permission.REQUEST_READ)
        raise NotFound("not found")
    subject = bytes(stored.subject)
    record = find_subject(actor, subject, Permission.REQUEST_READ)
    if record.forgotten:
        stored.refresh_from_db()  # it may have been read just before, and be sealed under the key that is gone
    request = OpenRequest(stored, record)
    wish = seen_wish(actor, request.wish())
    detail = {"request": stored.pk, "action": request.action.label}
    trail.record(actor, REQUEST_READ, subject=subject, sealer=record.key, detail=detail)
    if request.action == RequestAction.FORGET_ME:
        profile = visible.document(looking(actor), record.profile())
        return RequestView(request, wish, profile, receipt_of(record) if request.state in UNDECIDED else None)
    return RequestView(request, wish, wish.original or {})
