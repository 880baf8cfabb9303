"""Read the trail as it is stored. Opening the sealed details needs the person's key: see `vault.history`."""

from __future__ import annotations

from uuid import UUID

from databunker.errors import NotFound

from . import trail
from .models import Event

__all__ = ["event", "events"]


def events(*, tenant: int, subject: bytes | None, offset: int, limit: int) -> tuple[int, list[Event]]:
    """How many events there are, and one page of them, newest first; of one person where `subject` is given."""
    found = Event.objects.filter(tenant=tenant)
    if subject is not None:
        found = found.filter(subject=subject)
    return found.count(), [_checked(event) for event in found.order_by("-id")[offset : offset + limit]]


def event(event_id: UUID, *, tenant: int) -> Event:
    """
    Raises:
        NotFound: no such event in this tenant.
    """
    try:
        return _checked(Event.objects.get(pk=event_id, tenant=tenant))
    except Event.DoesNotExist:
        raise NotFound("event not found") from None


def _checked(event: Event) -> Event:
    """
    Raises:
        IntegrityFailure: changed in the database since it was written.
    """
    trail.check_mac(trail.EventRow(*(getattr(event, name) for name in trail.EventRow._fields)))
    return event
