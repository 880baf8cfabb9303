"""Whose events somebody looks for."""

from __future__ import annotations

from uuid import UUID

from audit import trail
from audit.events import TRAIL_LISTED
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require

from .. import lookups
from .records import find

__all__ = ["find_in_trail"]


def find_in_trail(actor: Actor, *, mode: str, identity: str) -> UUID:
    """The token of the person with this identity, for whoever may read everybody's events.

    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied: the actor may not read them.
        NotFound: nobody has it.
        Conflict: several people share it.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.AUDIT_READ)
    trail.record(actor, TRAIL_LISTED, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    return record.token
