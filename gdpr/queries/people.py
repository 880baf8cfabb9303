"""One person, as those at the console see somebody: masked first, and in clear only where they say what for."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from vault import lookups, masking, visible
from vault.queries import find

from ..events import PERSON_LOOKED_AT, PERSON_REVEALED
from ..expirations import upon
from ..inputs import checked_reason
from ..models import ExpirationStatus
from .retention import ExpirationView
from .rights import Rights, seen_rights

__all__ = ["PersonView", "look_at_person", "reveal_person"]


class PersonView(NamedTuple):
    """`profile` is masked whoever looks; of somebody forgotten it has what is preserved. Times are in Unix seconds."""

    token: UUID
    forgotten: bool
    created: int
    changed: int
    profile: dict[str, Any]
    rights: Rights
    expiration: ExpirationView


def look_at_person(actor: Actor, *, mode: str, identity: str) -> PersonView:
    """
    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied, NotFound, Conflict: see `vault.queries.find`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.AUDIT_READ)
    trail.record(actor, PERSON_LOOKED_AT, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    stored = upon(record)
    return PersonView(
        record.token,
        record.forgotten,
        record.row.created,
        record.row.changed,
        masking.masked(record.profile()),
        seen_rights(actor, record),
        ExpirationView(stored.endtime, ExpirationStatus(stored.status).label) if stored else ExpirationView(),
    )


def reveal_person(actor: Actor, *, token: str, purpose: str) -> dict[str, Any]:
    """The profile in clear, as far as the actor may see it; the purpose stands in the trail, for the person to read.

    Raises:
        BadRequest: no UUID, or no purpose.
        AccessDenied: the actor may not read it.
        NotFound: no such person, or forgotten.
        ProcessingRestricted: see `vault.restriction`.
    """
    said = checked_reason(purpose, needed="looking at personal data")
    lookup = lookups.parse("token", token, tenant=actor.tenant)
    record = find(actor, lookup, Permission.RECORD_READ)
    record.require_active()
    trail.record(actor, PERSON_REVEALED, subject=record.row.subject, sealer=record.key, detail={"purpose": said})
    shown: dict[str, Any] = visible.record(actor, record).profile()
    return shown
