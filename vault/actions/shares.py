"""Share a part of a person's data for a while, and take it back."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_noop

from audit import trail
from databunker import periods
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, retrying
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.ids import new_token, parse_token, unix_now

from .. import lookups, storage, visible
from ..app_records import app_name, find_app_record
from ..events import SHARE_CREATED, SHARE_REVOKED
from ..models import Session, SharedRecord
from ..queries import find
from ..records import OpenRecord
from ..sessions import parse_session_id, session_digest
from ..shares import Terms, seal_share, share_digest, split_fields

__all__ = ["create_share", "revoke_share"]

_WISHES = frozenset({"fields", "app", "session", "partner", "expiration"})
_MAX_PARTNER = 256
_MAX_SHARES = 100


def create_share(actor: Actor, *, mode: str, identity: str, wish: dict[str, Any]) -> UUID:
    """The id under which anybody may read what `wish` names, until it expires or is revoked.

    `wish` may have `fields` (a comma list of dotted paths; none: all), `app` or `session` (else the profile is
    meant), `partner` (who is to read it) and `expiration`, at most MAX_SHAREABLE_RECORD_RETENTION.

    Raises:
        AccessDenied: the actor may not share this person's data.
        NotFound: no such person, or the person has no such application data or session.
        BadRequest: a field of `wish` can't be read.
        Conflict: the person has a hundred shared records already.
    """
    terms = _terms(wish)
    visible.require_terms(actor, terms)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    now = unix_now()
    cap = periods.seconds_of(settings.MAX_SHAREABLE_RECORD_RETENTION)
    expires = periods.end_of_period(wish.get("expiration"), now=now, cap=cap)

    def attempt() -> UUID:
        with atomically():
            record = find(actor, lookup, Permission.SHARE_MANAGE, lock=True)
            record.require_active()
            _require_owned(record, terms)
            _make_room(record, now)
            share_id = new_token()
            seal_share(share_id, terms, holder=record, created=now, expires=expires).save(force_insert=True)
            detail = {**lookup.trace(), "app": terms.app, "partner": terms.partner, "fields": terms.fields}
            trail.record(actor, SHARE_CREATED, subject=record.row.subject, sealer=record.key, detail=detail)
            return share_id

    return retrying(attempt)


def _terms(wish: dict[str, Any]) -> Terms:
    if set(wish) - _WISHES:
        # A mistyped `fields` would share everything.
        raise BadRequest(f"a shared record has only: {', '.join(sorted(_WISHES))}")
    texts = {name: "" if wish.get(name) is None else wish[name] for name in ("fields", "app", "session", "partner")}
    for name, value in texts.items():
        if not isinstance(value, str):
            raise BadRequest(f"{name} must be text")
    if len(texts["partner"]) > _MAX_PARTNER:
        raise BadRequest(f"partner has at most {_MAX_PARTNER} characters")
    if texts["app"] and texts["session"]:
        raise BadRequest("share an application's data or a session, not both")
    return Terms(
        fields=split_fields(texts["fields"]),
        app=app_name(texts["app"]) if texts["app"] else "",
        session=str(parse_session_id(texts["session"])) if texts["session"] else "",
        partner=texts["partner"],
    )


def _make_room(record: OpenRecord, now: int) -> None:
    """
    Raises:
        Conflict: the person shares too much already.
    """
    of_person = SharedRecord.objects.filter(tenant=record.row.tenant, subject=record.row.subject)
    of_person.filter(expires__lte=now).delete()
    if of_person.count() >= _MAX_SHARES:
        raise Conflict(
            gettext_noop("a person has at most %(most)s shared records"),
            places={"most": str(_MAX_SHARES)},
            subject=record.row.subject,
        )


def _require_owned(record: OpenRecord, terms: Terms) -> None:
    """
    Raises:
        NotFound: what the terms point to is not there, or somebody else's.
    """
    row = record.row
    if terms.app:
        find_app_record(record, terms.app)
    if terms.session:
        digest = session_digest(parse_session_id(terms.session), tenant=row.tenant)
        if not Session.objects.filter(tenant=row.tenant, digest=digest, subject=row.subject).exists():
            raise NotFound("not found", subject=row.subject)


def revoke_share(actor: Actor, *, share: str) -> None:
    """
    Raises:
        BadRequest: no UUID.
        AccessDenied: it is not of the actor's own data; a person learns no more about shares of others.
        NotFound: there is no such share.
    """
    share_id = parse_token(share)
    if share_id is None:
        raise BadRequest("bad uuid")
    with atomically():
        stored = SharedRecord.objects.filter(digest=share_digest(share_id), tenant=actor.tenant).first()
        subject = bytes(stored.subject) if stored else None
        require(actor, Permission.SHARE_MANAGE, subject=subject)
        if stored is None or subject is None or not SharedRecord.objects.filter(pk=stored.pk).delete()[0]:
            raise NotFound("not found", subject=subject)
        holder = storage.by_subject(actor.tenant, subject)
        trail.record(actor, SHARE_REVOKED, subject=subject, sealer=holder.key if holder else None)
