"""What applications keep about people."""

from __future__ import annotations

from uuid import UUID

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require

from .. import lookups
from ..app_records import app_name, find_app_record, open_app_data
from ..events import APP_NAMES_LISTED, APP_READ, APPS_LISTED
from ..models import AppRecord
from .records import find

__all__ = ["list_all_apps", "list_apps", "read_app_data"]


def read_app_data(actor: Actor, *, mode: str, identity: str, app: str) -> tuple[UUID, bytes]:
    """The person's token and what `app` keeps about the person, as compact JSON.

    Raises:
        AccessDenied: the actor may not read it.
        NotFound: no such person, forgotten, or the application keeps nothing about the person.
    """
    name = app_name(app)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.APP_READ)
    record.require_active()
    stored = find_app_record(record, name)
    detail = {**lookup.trace(), "app": name}
    trail.record(actor, APP_READ, subject=record.row.subject, sealer=record.key, detail=detail)
    return record.token, open_app_data(record, stored)


def list_apps(actor: Actor, *, mode: str, identity: str) -> tuple[UUID, list[str]]:
    """The person's token and the names of the applications that keep something about the person.

    Raises:
        AccessDenied, NotFound: see `read_app_data`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.APP_READ)
    trail.record(actor, APPS_LISTED, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    rows = AppRecord.objects.filter(tenant=actor.tenant, subject=record.row.subject)
    return record.token, list(rows.order_by("app").values_list("app", flat=True))


def list_all_apps(actor: Actor) -> list[str]:
    """The names of all applications that keep something about anybody.

    Raises:
        AccessDenied: the actor is a person.
    """
    require(actor, Permission.APP_LIST_ALL)
    trail.record(actor, APP_NAMES_LISTED)
    rows = AppRecord.objects.filter(tenant=actor.tenant)
    return list(rows.order_by("app").values_list("app", flat=True).distinct())
