"""What applications keep about people."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import execute
from databunker.errors import AccessDenied

from .. import lookups, visible
from ..app_records import app_name, find_app_record, open_app_data
from ..events import APP_NAMES_LISTED, APP_READ, APPS_LISTED
from ..models import AppRecord
from .records import find

__all__ = ["AppData", "NamedAppData", "list_all_apps", "list_apps", "read_app_data", "read_apps"]


class AppData(NamedTuple):
    """The person's token and what an application keeps about the person, as compact JSON, in its newest version."""

    token: UUID
    content: bytes
    version: int


class NamedAppData(NamedTuple):
    """What one application keeps about the person, as compact JSON."""

    app: str
    content: bytes


def read_app_data(actor: Actor, *, mode: str, identity: str, app: str) -> AppData:
    """What `app` keeps about the person.

    Raises:
        AccessDenied: the actor may not read it.
        NotFound: no such person, forgotten, or the application keeps nothing about the person.
    """
    name = app_name(app)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.APP_READ)
    record.require_active()
    if not visible.sees_app(actor, name):
        raise AccessDenied(subject=record.row.subject)
    stored = find_app_record(record, name)
    detail = {**lookup.trace(), "app": name}
    trail.record(actor, APP_READ, subject=record.row.subject, sealer=record.key, detail=detail)
    return AppData(record.token, visible.app_data(actor, name, open_app_data(record, stored)), stored.version)


def read_apps(actor: Actor, *, mode: str, identity: str) -> list[NamedAppData]:
    """What every application keeps about the person, as far as the actor may see it; an event for each.

    Raises:
        AccessDenied, NotFound: see `read_app_data`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.APP_READ)
    record.require_active()
    row = record.row
    rows = AppRecord.objects.filter(tenant=row.tenant, subject=row.subject).order_by("app")
    seen = [stored for stored in rows if visible.sees_app(actor, stored.app)]
    events = [trail.build(actor, APPS_LISTED, subject=row.subject, sealer=record.key, detail=lookup.trace())]
    for stored in seen:
        detail = {**lookup.trace(), "app": stored.app}
        events.append(trail.build(actor, APP_READ, subject=row.subject, sealer=record.key, detail=detail))
    execute(*trail.insert(*events).statement())
    return [
        NamedAppData(stored.app, visible.app_data(actor, stored.app, open_app_data(record, stored))) for stored in seen
    ]


def list_apps(actor: Actor, *, mode: str, identity: str) -> tuple[UUID, list[str]]:
    """The person's token and the names of the applications that keep something about the person.

    Raises:
        AccessDenied, NotFound: see `read_app_data`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.APP_READ)
    trail.record(actor, APPS_LISTED, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    rows = AppRecord.objects.filter(tenant=actor.tenant, subject=record.row.subject)
    return record.token, visible.app_names(actor, rows.order_by("app").values_list("app", flat=True))


def list_all_apps(actor: Actor) -> list[str]:
    """The names of all applications that keep something about anybody.

    Raises:
        AccessDenied: the actor is a person.
    """
    require(actor, Permission.APP_LIST_ALL)
    trail.record(actor, APP_NAMES_LISTED)
    rows = AppRecord.objects.filter(tenant=actor.tenant)
    return visible.app_names(actor, rows.order_by("app").values_list("app", flat=True).distinct())
