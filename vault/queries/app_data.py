"""What applications keep about people."""

from __future__ import annotations

from typing import NamedTuple
from uuid import UUID

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.errors import AccessDenied

from .. import lookups, visible
from ..app_records import app_name, find_app_record, open_app_data
from ..events import APP_NAMES_LISTED, APP_READ, APPS_LISTED
from ..models import AppRecord
from .records import find

__all__ = ["AppData", "list_all_apps", "list_apps", "read_app_data"]


class AppData(NamedTuple):
    """The person's token and what an application keeps about the person, as compact JSON, in its newest version."""

    token: UUID
    content: bytes
    version: int


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
