"""Read the trail as it is stored. Opening the sealed details needs the person's key: see `vault.history`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from uuid import UUID

from django.db.models import Q, QuerySet

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.crypto.errors import CryptoError
from databunker.db.planning import of_tenant
from databunker.errors import BadRequest, NotFound
from databunker.ids import first_event_id

from . import proofs, trail
from .events import HEAD_READ
from .models import Event
from .trees import Head, Tree

__all__ = [
    "check_events",
    "count_of",
    "event",
    "events",
    "events_of_call",
    "events_of_types",
    "in_order",
    "is_intact",
    "read_head",
]

_BATCH = 500


def events(
    *, tenant: int, subject: bytes | None, offset: int, limit: int, but: ActorKind | None = None
) -> tuple[int, list[Event]]:
    """How many events there are, and one page of them, newest first; of one person where `subject` is given.

    With `but` only what others than callers of this kind did.
    """
    wanted = Q() if subject is None else Q(subject=subject)
    if but is not None:
        wanted &= ~Q(actor_kind=but.value)
    found = in_order(tenant) if subject is None else Event.objects.filter(tenant=tenant)
    page = found.filter(wanted).order_by("-id")[offset : offset + limit]
    return Event.objects.filter(wanted, tenant=tenant).count(), [_checked(event) for event in page]


def in_order(tenant: int) -> QuerySet[Event]:
    """A tenant's events, to be read in the order of their ids where nothing narrower is asked for."""
    return of_tenant(Event.objects.all(), tenant)


def events_of_types(types: Collection[int], *, tenant: int, subject: bytes, since: int, until: int) -> Iterator[Event]:
    """All of a person's events of these types, newest first; `since` and `until` are Unix seconds, both included."""
    found = Event.objects.filter(tenant=tenant, subject=subject, type__in=types)
    return _newest_first(found, first_event_id(since * 1000), first_event_id((until + 1) * 1000))


def events_of_call(call: UUID, *, tenant: int, subject: bytes, around: int) -> Iterator[Event]:
    """All that one call did to a person, newest first; `around` is when (Unix seconds)."""
    found = Event.objects.filter(tenant=tenant, subject=subject, request=call)
    first, last = (first_event_id((around + away) * 1000) for away in (-_LONGEST_CALL, _LONGEST_CALL))
    return _newest_first(found, first, last)


_LONGEST_CALL = 600


def _newest_first(found: QuerySet[Event], first: UUID, before: UUID) -> Iterator[Event]:
    """All of them, read some at a time."""
    found = found.filter(id__gte=first).order_by("-id")
    while batch := list(found.filter(id__lt=before)[:_BATCH]):
        yield from map(_checked, batch)
        if len(batch) < _BATCH:
            return
        before = batch[-1].id


def count_of(*, tenant: int, subject: bytes) -> int:
    """How many events of a person there are."""
    return Event.objects.filter(tenant=tenant, subject=subject).count()


def event(event_id: UUID, *, tenant: int) -> Event:
    """
    Raises:
        NotFound: no such event in this tenant.
    """
    try:
        return _checked(Event.objects.get(pk=event_id, tenant=tenant))
    except Event.DoesNotExist:
        raise NotFound("event not found") from None


def read_head(actor: Actor, *, old: int = 0) -> tuple[Tree, Head, list[bytes]]:
    """The newest head, and the proof that its tree began as that of size `old`; none where `old` is 0.

    Raises:
        AccessDenied: the actor may not read all events.
        NotFound: nothing was sealed yet.
        BadRequest: the tree is smaller than `old`: whoever holds a head of that size has seen another tree.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    tree, head = proofs.newest_checkpoint(actor.tenant)
    if old > head.size:
        raise BadRequest(f"the tree has size {head.size} only")
    consistency = proofs.consistency_of(old, head=head, tenant=actor.tenant) if old else []
    trail.record(actor, HEAD_READ)
    return tree, head, consistency


def check_events() -> Iterator[tuple[int, list[str]]]:
    """Every event of every tenant, some at a time: how many they are, and which are not as they were written."""
    everything = Event.objects.order_by("id")
    batch = list(everything[:_BATCH])
    while batch:
        yield len(batch), [f"event {event.id} was changed" for event in batch if not is_intact(event)]
        batch = list(everything.filter(id__gt=batch[-1].id)[:_BATCH])


def is_intact(event: Event) -> bool:
    """Whether the event is as it was written."""
    try:
        _checked(event)
    except CryptoError:
        return False
    return True


def _checked(event: Event) -> Event:
    """
    Raises:
        IntegrityFailure: changed in the database since it was written.
    """
    trail.check_mac(trail.EventRow(*(getattr(event, name) for name in trail.EventRow._fields)))
    return event
