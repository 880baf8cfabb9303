"""Shared records: read by whoever knows the id, listed for those whose data it is."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from audit import trail
from databunker import jsontext
from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.errors import AccessDenied, NotFound
from databunker.ids import parse_token, unix_now

from .. import lookups, restriction, storage, visible
from ..app_records import find_app_record, open_app_data
from ..events import SHARE_READ, SHARES_LISTED
from ..models import Session, SharedRecord
from ..sessions import OpenSession, parse_session_id, session_digest
from ..shares import OpenShare, Terms, picked, share_digest
from .records import find

__all__ = ["SharedData", "list_shares", "read_share"]


class SharedData(NamedTuple):
    """What a share shows now, as compact JSON."""

    terms: Terms
    data: bytes


def read_share(actor: Actor, *, share: str) -> SharedData:
    """What is shared under this id, for anybody who knows it; the event names the partner it was made for.

    Raises:
        AccessDenied: no such share, expired, revoked, what it points to is gone, or the person's data is restricted.
            All look alike.
    """
    share_id = parse_token(share)
    stored = SharedRecord.objects.filter(digest=share_digest(share_id)).first() if share_id else None
    if stored is None or stored.expires <= unix_now():
        raise AccessDenied
    subject = bytes(stored.subject)
    holder = storage.by_subject(stored.tenant, subject)
    if holder is None or holder.row.generation != stored.generation or restriction.binds(actor, holder):
        raise AccessDenied(subject=subject)
    opened = OpenShare(stored, holder)
    terms = opened.terms
    content = _content(opened, terms)
    if content is None:
        raise AccessDenied(subject=subject)
    detail = {"partner": terms.partner, "app": terms.app}
    trail.record(replace(actor, tenant=stored.tenant), SHARE_READ, subject=subject, sealer=holder.key, detail=detail)
    return SharedData(terms, jsontext.dumps(picked(jsontext.loads(content), terms.fields, token=holder.token)))


def _content(share: OpenShare, terms: Terms) -> bytes | None:
    """The whole of what the fields are picked from, or None where it is gone."""
    holder, row = share.holder, share.holder.row
    if terms.app:
        try:
            return open_app_data(holder, find_app_record(holder, terms.app))
        except NotFound:
            return None
    if not terms.session:
        return holder.profile_json
    digest = session_digest(parse_session_id(terms.session), tenant=row.tenant)
    session = Session.objects.filter(
        tenant=row.tenant, digest=digest, subject=row.subject, generation=row.generation, expires__gt=unix_now()
    ).first()
    return OpenSession(session, holder).data_json if session else None


def list_shares(actor: Actor, *, mode: str, identity: str) -> list[OpenShare]:
    """What of the person is shared now, newest first; to a limited token what it may see itself.

    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied, NotFound: see `find`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.SHARE_MANAGE)
    row = record.row
    trail.record(actor, SHARES_LISTED, subject=row.subject, sealer=record.key, detail=lookup.trace())
    found = SharedRecord.objects.filter(
        tenant=row.tenant, subject=row.subject, generation=row.generation, expires__gt=unix_now()
    )
    shares = [OpenShare(stored, record) for stored in found.order_by("-created", "digest")]
    return [share for share in shares if visible.share(actor, share)]
