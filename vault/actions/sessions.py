"""Sessions of applications: stored under an id of the application's choice, deleted, gone when they expire."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings

from audit import trail
from databunker import jsontext, periods
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.planning import of_tenant
from databunker.db.statements import atomically, conflict_target, retrying
from databunker.errors import BadRequest, NotFound
from databunker.ids import unix_now

from .. import identities, lookups, storage, visible
from ..events import SESSION_DELETED, SESSION_STORED
from ..lookups import Lookup
from ..models import Session
from ..queries import find
from ..records import OpenRecord
from ..sessions import parse_handle, parse_session_id, seal_session, session_digest

__all__ = ["delete_session", "end_session", "store_session"]


def store_session(actor: Actor, *, session: str, data: dict[str, Any]) -> UUID:
    """Keep `data` under the id `session`, in the place of what was there; the id.

    `expiration` in the data says how long, at most MAX_SESSION_RETENTION. The first of `token` and the identity
    fields in the data that somebody has ties the session to that person: it can be listed by the person, and
    is gone when the person is forgotten.

    Raises:
        AccessDenied: the actor is a person.
        BadRequest: no UUID, or `expiration` can't be read.
    """
    require(actor, Permission.SESSION_CHANGE)
    visible.require_whole(actor, what=visible.SESSION)
    session_id = parse_session_id(session)
    now = unix_now()
    cap = periods.seconds_of(settings.MAX_SESSION_RETENTION)
    expires = periods.end_of_period(data.get("expiration"), now=now, cap=cap)
    content = jsontext.dumps(data)

    def attempt() -> UUID:
        with atomically():
            _purge(actor.tenant, now)
            holder = _holder(actor, data)
            row = seal_session(session_id, content, tenant=actor.tenant, holder=holder, stored=now, expires=expires)
            Session.objects.bulk_create(
                [row],
                update_conflicts=True,
                update_fields=_REPLACED,
                unique_fields=conflict_target("tenant", "digest"),
            )
            trail.record(
                actor,
                SESSION_STORED,
                subject=holder.row.subject if holder else None,
                sealer=holder.key if holder else None,
            )
        return session_id

    return retrying(attempt)


_REPLACED = ["subject", "generation", "sealed_id", "data", "stored", "expires"]


def _purge(tenant: int, now: int) -> None:
    """Some of the sessions that have ended: each new one makes room."""
    ended = of_tenant(Session.objects.filter(expires__lte=now), tenant)
    digests = list(ended.values_list("digest", flat=True)[:_PURGED_AT_ONCE])
    Session.objects.filter(tenant=tenant, digest__in=digests).delete()


_PURGED_AT_ONCE = 10


def _holder(actor: Actor, data: dict[str, Any]) -> OpenRecord | None:
    """Whose session it is, locked, so that a forget-me at the same time finds it."""
    for lookup in _lookups(actor, data):
        try:
            record = find(actor, lookup, Permission.SESSION_CHANGE, lock=True)
        except NotFound:
            continue
        if not record.forgotten:
            return record
    return None


def _lookups(actor: Actor, data: dict[str, Any]) -> list[Lookup]:
    found: list[Lookup] = []
    for mode in ("token", *identities.configured()):
        value = data.get(mode)
        if value is not None and not identities.is_shared(mode):
            try:
                text = identities.as_text(mode, value)
                found.append(lookups.parse(mode, text, tenant=actor.tenant))
            except BadRequest:
                continue  # of no use for finding anybody; it stays in the session's data as it is
    return found


def delete_session(actor: Actor, *, session: str) -> None:
    """There is no such session afterwards, whether there was one or not.

    As the peer: express-session ends a visitor's session before it begins a new one, also where nothing is stored.

    Raises:
        AccessDenied: the actor is a person.
        BadRequest: no UUID.
    """
    require(actor, Permission.SESSION_CHANGE)
    visible.require_whole(actor, what=visible.SESSION)
    digest = session_digest(parse_session_id(session), tenant=actor.tenant)
    with atomically():
        found = Session.objects.filter(tenant=actor.tenant, digest=digest)
        subject = found.values_list("subject", flat=True).first()
        found.delete()
        holder = storage.by_subject(actor.tenant, bytes(subject)) if subject is not None else None
        trail.record(
            actor,
            SESSION_DELETED,
            subject=holder.row.subject if holder else None,
            sealer=holder.key if holder else None,
        )


def end_session(actor: Actor, *, mode: str, identity: str, handle: str) -> None:
    """End one session of a person, who is signed out of the application by it.

    `handle` is `OpenSession.handle`: unlike the id it lets nobody in.

    Raises:
        AccessDenied: the actor may not end this person's sessions.
        NotFound: no such person, or the person has no such session, or not any more.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> None:
        with atomically():
            record = find(actor, lookup, Permission.SESSION_END, lock=True)
            row = record.row
            found = Session.objects.filter(tenant=row.tenant, subject=row.subject, digest=parse_handle(handle))
            if not found.delete()[0]:
                raise NotFound("not found", subject=row.subject)
            trail.record(actor, SESSION_DELETED, subject=row.subject, sealer=record.key, detail=lookup.trace())

    retrying(attempt)
