"""All that the vault keeps about one person, for whoever has been let in already."""

from __future__ import annotations

from typing import NamedTuple

import orjson

from databunker.access.actor import Actor
from databunker.ids import unix_now

from .. import visible
from ..app_records import open_app_data
from ..models import AppRecord, Session, SharedRecord
from ..records import OpenRecord
from ..sessions import OpenSession
from ..shares import OpenShare

__all__ = ["AppDataOf", "Everything", "everything_of"]


class AppDataOf(NamedTuple):
    """What one application keeps; times are Unix seconds."""

    app: str
    data: orjson.Fragment
    created: int
    changed: int


class Everything(NamedTuple):
    """Sessions and shares are those that haven't ended."""

    apps: list[AppDataOf]
    sessions: list[OpenSession]
    shares: list[OpenShare]


def everything_of(actor: Actor, record: OpenRecord, *, most: int | None = None) -> Everything:
    """What stands beside the profile, as far as the actor may see it. Writes no event: the caller says what it is for.

    With `most` no more than so many of each kind, of sessions and shares the newest.

    Raises:
        IntegrityFailure: something of it was changed or moved.
    """
    row = record.row
    where = {"tenant": row.tenant, "subject": row.subject, "generation": row.generation}
    now = unix_now()
    return Everything(
        apps=[
            AppDataOf(stored.app, _data(actor, record, stored), stored.created, stored.changed)
            for stored in AppRecord.objects.filter(**where).order_by("app")[:most]
            if visible.sees_app(actor, stored.app)
        ],
        sessions=[
            visible.session(actor, OpenSession(stored, record))
            for stored in Session.objects.filter(**where, expires__gt=now).order_by("-stored", "digest")[:most]
        ],
        shares=[
            OpenShare(stored, record)
            for stored in SharedRecord.objects.filter(**where, expires__gt=now).order_by("-created", "digest")[:most]
        ],
    )


def _data(actor: Actor, record: OpenRecord, stored: AppRecord) -> orjson.Fragment:
    return orjson.Fragment(visible.app_data(actor, stored.app, open_app_data(record, stored)))
