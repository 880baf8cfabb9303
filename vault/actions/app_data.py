"""An application's data about a person: stored, changed and deleted, never left behind by a forget-me."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext_noop

from audit import trail
from audit.events import EventType
from databunker import jsontext
from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission
from databunker.db.statements import atomically, retrying
from databunker.errors import BadRequest, Conflict, NeedsApproval
from databunker.ids import unix_now

from .. import lookups, patch, visible
from ..app_records import app_name, find_app_record, open_app_data, seal_app_data
from ..events import APP_CHANGED, APP_DELETED, APP_STORED
from ..lookups import Lookup
from ..models import AppRecord, AppVersion
from ..queries import find
from ..records import OpenRecord

__all__ = ["change_app_data", "delete_app_data", "store_app_data"]


def store_app_data(actor: Actor, *, mode: str, identity: str, app: str, data: Any) -> UUID:
    """Keep `data` as all that `app` knows of the person, in the place of what it kept before. The person's token.

    Raises:
        AccessDenied, NeedsApproval: the actor may not, or the person may not alone.
        NotFound: nobody has this token or identity, or the person was forgotten.
        BadRequest: `data` is no object, or `app` is no name.
    """
    if not isinstance(data, dict):
        raise BadRequest(gettext_noop("an application's data must be an object"))

    def store(record: OpenRecord, name: str) -> tuple[EventType, int]:
        row = record.row
        old = AppRecord.objects.filter(tenant=row.tenant, subject=row.subject, app=name).first()
        if visible.narrows(actor):
            before = jsontext.loads(open_app_data(record, old)) if old else {}
            visible.require_change(actor, before, data, app=name, subject=row.subject)
        version = _put(record, name, data, old)
        return APP_STORED, version

    return _with_locked_record(actor, mode=mode, identity=identity, app=app, act=store)


def change_app_data(
    actor: Actor, *, mode: str, identity: str, app: str, change: Any, version: int | None = None
) -> UUID:
    """Apply a merge patch (an object) or a JSON Patch (an array). The person's token.

    With `version` it is applied to that version of the data or not at all: to what somebody has looked at.

    Raises:
        AccessDenied, NeedsApproval: the actor may not, or the person may not alone.
        NotFound: no such person, or the application keeps nothing about the person.
        BadRequest, Conflict: see `patch.apply`; Conflict also: the data has another version.
    """

    def apply(record: OpenRecord, name: str) -> tuple[EventType, int]:
        visible.require_steps(actor, change, app=name, subject=record.row.subject)
        old = find_app_record(record, name)
        if version is not None and version != old.version:
            raise Conflict(gettext_noop("the data has changed meanwhile"), subject=record.row.subject)
        before = jsontext.loads(open_app_data(record, old))
        after = patch.apply(before, change, max_bytes=settings.MAX_BODY_BYTES)
        visible.require_change(actor, before, after, app=name, subject=record.row.subject)
        return APP_CHANGED, _put(record, name, after, old)

    return _with_locked_record(actor, mode=mode, identity=identity, app=app, act=apply)


def delete_app_data(actor: Actor, *, mode: str, identity: str, app: str) -> UUID:
    """Delete what `app` keeps about the person, all versions of it. The person's token.

    Raises:
        AccessDenied, NeedsApproval: the actor may not, or the person may not alone.
        NotFound: no such person, or the application keeps nothing about the person.
    """

    def delete(record: OpenRecord, name: str) -> tuple[EventType, int]:
        visible.require_whole(actor, app=name, subject=record.row.subject)
        old = find_app_record(record, name)
        where = {"tenant": old.tenant, "subject": old.subject, "app": name}
        AppVersion.objects.filter(**where).delete()
        AppRecord.objects.filter(**where).delete()
        return APP_DELETED, 0

    return _with_locked_record(actor, mode=mode, identity=identity, app=app, act=delete)


def _with_locked_record(
    actor: Actor, *, mode: str, identity: str, app: str, act: Callable[[OpenRecord, str], tuple[EventType, int]]
) -> UUID:
    """Run `act` and write its event while nobody else changes or forgets the person."""
    name = app_name(app)
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)

    def attempt() -> UUID:
        with atomically():
            record = find(actor, lookup, Permission.APP_CHANGE, lock=True)
            record.require_active()
            _require_self_service(actor, record, name)
            event_type, version = act(record, name)
            _tell(actor, event_type, lookup, record, app=name, version=version)
            return record.token

    return retrying(attempt)


def _require_self_service(actor: Actor, record: OpenRecord, app: str) -> None:
    if actor.kind is ActorKind.PERSON and not any(
        _matches(app, pattern) for pattern in settings.SELFSERVICE_APP_RECORD_CHANGE
    ):
        raise NeedsApproval(subject=record.row.subject)


def _matches(app: str, pattern: str) -> bool:
    """`*`, `ship*`, `*ping`, `*pp*` or a whole name."""
    wanted = pattern.strip("*").lower()
    if pattern == "*":
        return True
    if pattern.startswith("*") and pattern.endswith("*"):
        return wanted in app
    if pattern.startswith("*"):
        return app.endswith(wanted)
    if pattern.endswith("*"):
        return app.startswith(wanted)
    return app == wanted


def _put(record: OpenRecord, app: str, data: dict[str, Any], old: AppRecord | None) -> int:
    """Write `data` as the next version and archive what was there; the version."""
    row, now = record.row, unix_now()
    if old is None:
        AppRecord.objects.create(
            tenant=row.tenant,
            subject=row.subject,
            app=app,
            version=1,
            generation=row.generation,
            data=seal_app_data(record, app, data, version=1),
            created=now,
            changed=now,
        )
        return 1
    version = old.version + 1
    where = {"tenant": row.tenant, "subject": row.subject, "app": app}
    AppVersion.objects.create(
        **where, version=old.version, generation=old.generation, data=bytes(old.data), replaced=now
    )
    AppRecord.objects.filter(**where).update(
        version=version, data=seal_app_data(record, app, data, version=version), changed=now
    )
    return version


def _tell(actor: Actor, event_type: EventType, lookup: Lookup, record: OpenRecord, *, app: str, version: int) -> None:
    detail: dict[str, Any] = {**lookup.trace(), "app": app}
    if version:
        detail["version"] = version
    trail.record(actor, event_type, subject=record.row.subject, sealer=record.key, detail=detail)
