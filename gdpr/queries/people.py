"""One person, as those at the console see somebody: masked first, and in clear only where they say what for."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple
from uuid import UUID

from django.utils.translation import gettext_noop

from audit import trail
from databunker import jsontext
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.errors import AccessDenied, BadRequest, Conflict
from vault import lookups, masking, visible
from vault.app_records import app_name, find_app_record, open_app_data
from vault.leaves import leaves, path_of
from vault.queries import find
from vault.records import OpenRecord

from ..events import APP_REVEALED, PERSON_FIELDS_REVEALED, PERSON_LOOKED_AT, PERSON_REVEALED
from ..expirations import upon
from ..inputs import checked_reason
from ..models import ExpirationStatus
from .retention import ExpirationView
from .rights import Rights, seen_rights

__all__ = ["PersonView", "look_at_person", "open_for_edit", "reveal_app", "reveal_fields", "reveal_person"]


class PersonView(NamedTuple):
    """`version` is that of the profile, which is masked whoever looks; of somebody forgotten it has what is preserved.
    Times are in Unix seconds."""

    token: UUID
    forgotten: bool
    version: int
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
        record.row.version,
        record.row.created,
        record.row.changed,
        masking.masked(record.profile()),
        seen_rights(visible.looking(actor, Permission.RIGHTS_READ), record),
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
    said = checked_reason(purpose, needed=_NEEDED)
    record = _active(actor, token, Permission.RECORD_READ)
    trail.record(actor, PERSON_REVEALED, subject=record.row.subject, sealer=record.key, detail={"purpose": said})
    return _seen_profile(actor, record)


def open_for_edit(actor: Actor, *, token: str, purpose: str) -> OpenRecord:
    """The record of whoever is about to be changed, to be shown in clear; told of as `reveal_person` is.

    Raises:
        AccessDenied: the actor may not read it, or not change it.
        BadRequest, NotFound, ProcessingRestricted: see `reveal_person`.
    """
    said = checked_reason(purpose, needed=_NEEDED)
    record = _active(actor, token, Permission.RECORD_CHANGE)
    require(actor, Permission.RECORD_READ, subject=record.row.subject)
    trail.record(actor, PERSON_REVEALED, subject=record.row.subject, sealer=record.key, detail={"purpose": said})
    return visible.record(actor, record)


def reveal_fields(actor: Actor, *, token: str, fields: Collection[str], purpose: str) -> dict[str, Any]:
    """These fields (JSON Pointers) of the profile in clear, as far as the actor may see them; the event names them.

    Raises:
        BadRequest: no fields, or no purpose.
        Conflict: the profile has no such field, or not any more.
        AccessDenied, NotFound, ProcessingRestricted: see `reveal_person`.
    """
    said = checked_reason(purpose, needed=_NEEDED)
    if not fields:
        raise BadRequest(gettext_noop("choose at least one field"))
    record = _active(actor, token, Permission.RECORD_READ)
    there = leaves(_seen_profile(actor, record))
    if not there.keys() >= set(fields):
        raise Conflict(gettext_noop("the profile has no such field any more"), subject=record.row.subject)
    shown = {name: there[name] for name in there if name in fields}
    detail = {"purpose": said, "message": ", ".join(map(path_of, shown))}
    trail.record(actor, PERSON_FIELDS_REVEALED, subject=record.row.subject, sealer=record.key, detail=detail)
    return shown


def reveal_app(actor: Actor, *, token: str, app: str, purpose: str) -> dict[str, Any]:
    """What an application keeps of the person in clear, as far as the actor may see it.

    Raises:
        BadRequest: no name of an application, or no purpose.
        NotFound: no such person, forgotten, or the application keeps nothing.
        AccessDenied, ProcessingRestricted: see `reveal_person`.
    """
    said, name = checked_reason(purpose, needed=_NEEDED), app_name(app)
    record = _active(actor, token, Permission.APP_READ)
    if not visible.sees_app(actor, name):
        raise AccessDenied(subject=record.row.subject)
    content = visible.app_data(actor, name, open_app_data(record, find_app_record(record, name)))
    detail = {"purpose": said, "app": name}
    trail.record(actor, APP_REVEALED, subject=record.row.subject, sealer=record.key, detail=detail)
    shown: dict[str, Any] = jsontext.loads(content)
    return shown


_NEEDED = "looking at personal data"


def _active(actor: Actor, token: str, permission: Permission) -> OpenRecord:
    """
    Raises:
        AccessDenied: the actor may not, or never sees values in clear: no event must say that it did.
        NotFound, ProcessingRestricted: see `reveal_person`.
    """
    if actor.scope is not None and actor.scope.masked:
        raise AccessDenied
    record = find(actor, lookups.parse("token", token, tenant=actor.tenant), permission)
    record.require_active()
    return record


def _seen_profile(actor: Actor, record: OpenRecord) -> dict[str, Any]:
    shown: dict[str, Any] = visible.record(actor, record).profile()
    return shown
