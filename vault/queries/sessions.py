"""Sessions of applications: one by its id, or those of a person."""

from __future__ import annotations

from typing import NamedTuple

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.errors import NotFound
from databunker.ids import unix_now

from .. import lookups, restriction, storage, visible
from ..events import SESSION_READ, SESSIONS_LISTED
from ..models import Session
from ..sessions import OpenSession, parse_session_id, session_digest
from .records import find

__all__ = ["SessionPage", "list_sessions", "read_session"]


class SessionPage(NamedTuple):
    """One page of a person's sessions, newest first; `total` counts all."""

    total: int
    sessions: list[OpenSession]


def read_session(actor: Actor, *, session: str) -> OpenSession:
    """
    Raises:
        BadRequest: no UUID.
        AccessDenied: the session is not the actor's own; a person learns no more about sessions of others.
        NotFound: there is no such session, or it has expired.
        ProcessingRestricted: see `vault.restriction`.
    """
    digest = session_digest(parse_session_id(session), tenant=actor.tenant)
    stored = Session.objects.filter(tenant=actor.tenant, digest=digest).first()
    subject = bytes(stored.subject) if stored is not None and stored.subject is not None else None
    require(actor, Permission.SESSION_READ, subject=subject)
    if stored is None:
        raise NotFound("not found")
    if stored.expires <= unix_now():
        raise NotFound("session expired", subject=subject)
    holder = storage.by_subject(actor.tenant, subject) if subject is not None else None
    if subject is not None and (holder is None or holder.row.generation != stored.generation):
        raise NotFound("not found", subject=subject)
    if holder is not None:
        restriction.require_free(actor, holder, Permission.SESSION_READ)
    trail.record(actor, SESSION_READ, subject=subject, sealer=holder.key if holder else None)
    return visible.session(actor, OpenSession(stored, holder))


def list_sessions(actor: Actor, *, mode: str, identity: str, offset: int, limit: int) -> SessionPage:
    """
    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied, NotFound: see `find`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.SESSION_READ)
    row = record.row
    trail.record(actor, SESSIONS_LISTED, subject=row.subject, sealer=record.key, detail=lookup.trace())
    found = Session.objects.filter(
        tenant=row.tenant, subject=row.subject, generation=row.generation, expires__gt=unix_now()
    )
    page = found.order_by("-stored", "digest")[offset : offset + limit]
    return SessionPage(found.count(), [visible.session(actor, OpenSession(stored, record)) for stored in page])
