"""Requests as those see them who decide, and those who have asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.planning import of_tenant
from databunker.db.statements import execute
from databunker.errors import BadRequest, NotFound
from vault import lookups, visible
from vault.queries import find, find_subject, find_subjects
from vault.records import OpenRecord

from ..events import REQUEST_READ, REQUESTS_LISTED
from ..models import Request, RequestAction
from ..receipts import receipt_of
from ..requests import OpenRequest, Wish, looking, parse_request_token, request_digest, seen_wish
from ..states import UNDECIDED, State, states_of
from .deadlines import Urgency, deadlines_of

__all__ = [
    "RequestExport",
    "RequestPage",
    "RequestView",
    "export_requests",
    "list_requests",
    "list_requests_of",
    "read_request",
]

_EXPORTED_AT_ONCE = 500


class RequestPage(NamedTuple):
    """One page of requests; `total` counts all."""

    total: int
    requests: list[OpenRequest]


class RequestExport(NamedTuple):
    """All requests at one moment, some hundred at a time; `total` counts also those that are too many."""

    total: int
    pages: Iterator[list[OpenRequest]]


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
    status: str | None,
    offset: int,
    limit: int,
    action: RequestAction | None = None,
    assignee: int | None = None,
    urgency: Urgency | None = None,
    received: range | None = None,
) -> RequestPage:
    """Everybody's requests in this status, None: in any: of the undecided what is due first, of others the newest.

    With `action` only those that ask for it, with `assignee` only those of this account; 0: of nobody. With `urgency`
    only undecided ones of that urgency. Of more than `MOST_OPEN` undecided ones the youngest come last, oldest first,
    and have no urgency. With `received` only those that came within these Unix seconds.

    Raises:
        AccessDenied: the actor reaches its own requests only.
        BadRequest: no such status.
    """
    found, undecided = _those(actor, status, action, assignee, received)
    if undecided:
        total, rows = _by_deadline(found, urgency, slice(offset, offset + limit))
    else:
        total, rows = found.count(), list(found.order_by("-id")[offset : offset + limit])
    return RequestPage(total, _shown(actor, rows))


def export_requests(
    actor: Actor,
    *,
    status: str | None,
    most: int,
    action: RequestAction | None = None,
    assignee: int | None = None,
    urgency: Urgency | None = None,
    received: range | None = None,
) -> RequestExport:
    """What `list_requests` has pages of, but no more than the first `most`: those of this moment, each once, read while
    they are taken.

    Raises:
        AccessDenied, BadRequest: see `list_requests`.
    """
    found, undecided = _those(actor, status, action, assignee, received)
    if undecided:
        total, numbers = _due_first(found, urgency)
        if len(numbers) < min(total, most):
            numbers += _younger(found, numbers).values_list("id", flat=True)[: most - len(numbers)]
    else:
        total, numbers = found.count(), list(found.order_by("-id").values_list("id", flat=True)[:most])
    return RequestExport(total, _exported(actor, numbers[:most]))


def _exported(actor: Actor, numbers: list[int]) -> Iterator[list[OpenRequest]]:
    for start in range(0, max(len(numbers), 1), _EXPORTED_AT_ONCE):
        wanted = numbers[start : start + _EXPORTED_AT_ONCE]
        stored = of_tenant(Request.objects.all(), actor.tenant).in_bulk(wanted)
        yield _shown(actor, [stored[number] for number in wanted if number in stored])


def _those(
    actor: Actor, status: str | None, action: RequestAction | None, assignee: int | None, received: range | None
) -> tuple[QuerySet[Request], bool]:
    """The requests that are looked for, and whether they are undecided."""
    require(actor, Permission.REQUEST_LIST)
    states = frozenset(State) if status is None else states_of(status)
    if not states:
        raise BadRequest("bad status")
    found = Request.objects.filter(tenant=actor.tenant, state__in=[state.value for state in states])
    if action is not None:
        found = found.filter(action=action.value)
    if assignee is not None:
        found = found.filter(assignee=assignee) if assignee else found.filter(assignee__isnull=True)
    if received is not None:
        found = found.filter(created__gte=received.start, created__lt=received.stop)
    return found, states <= UNDECIDED


def _shown(actor: Actor, rows: list[Request]) -> list[OpenRequest]:
    """With an event for each person who is about to be shown, or one for the listing that showed nobody."""
    holders = find_subjects(actor, {bytes(row.subject) for row in rows}, Permission.REQUEST_LIST)
    requests = _opened(rows, holders)
    shown = {bytes(request.stored.subject): request.holder.key for request in requests}
    events = [trail.build(actor, REQUESTS_LISTED, subject=subject, sealer=key) for subject, key in shown.items()] or [
        trail.build(actor, REQUESTS_LISTED)
    ]
    execute(*trail.insert(*events).statement())
    return requests


def _by_deadline(found: QuerySet[Request], urgency: Urgency | None, part: slice) -> tuple[int, list[Request]]:
    """How many undecided requests these are, and a part of them."""
    total, numbers = _due_first(found, urgency)
    wanted = numbers[part]
    stored = found.in_bulk(wanted)
    rows = [stored[number] for number in wanted if number in stored]
    if total > len(numbers) and part.stop > len(numbers):
        rows += _younger(found, numbers)[max(part.start - len(numbers), 0) : part.stop - len(numbers)]
    return total, rows


def _due_first(found: QuerySet[Request], urgency: Urgency | None) -> tuple[int, list[int]]:
    """How many these are, and the numbers of those whose deadline was reckoned, what is due first coming first."""
    deadlines = deadlines_of(found)
    numbers = list(deadlines.due)
    if urgency is not None:
        of = deadlines.urgencies()
        numbers = [number for number in numbers if of[number] is urgency]
    return len(numbers) if urgency is not None or not deadlines.more else found.count(), numbers


def _younger(found: QuerySet[Request], numbers: list[int]) -> QuerySet[Request]:
    """Those behind the ones whose deadline was reckoned, oldest first."""
    return found.filter(pk__gt=max(numbers)).order_by("id")


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
