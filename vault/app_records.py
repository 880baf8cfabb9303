"""An application's data about a person: its name, and how it is sealed."""

from __future__ import annotations

import re
from typing import Any

from databunker import jsontext
from databunker.crypto.envelope import Place
from databunker.errors import BadRequest, NotFound

from .models import AppRecord, AppVersion
from .records import OpenRecord

__all__ = [
    "app_data_at",
    "app_name",
    "data_place",
    "delete_app_data_of",
    "find_app_record",
    "open_app_data",
    "seal_app_data",
]

_NAME = re.compile(r"[a-z][a-z0-9_]{1,30}")


def app_name(text: str) -> str:
    """The name in lower case.

    Raises:
        BadRequest: not a letter followed by 1 to 30 letters, digits and underscores.
    """
    name = text.lower()
    if not _NAME.fullmatch(name):
        raise BadRequest("bad appname")
    return name


def data_place(tenant: int, subject: bytes, app: str, version: int) -> Place:
    """The same for current and archived data: archiving moves the ciphertext as it is."""
    return Place(tenant, b"app", b"data", subject + app.encode(), version)


def seal_app_data(record: OpenRecord, app: str, data: dict[str, Any], *, version: int) -> bytes:
    row = record.row
    return record.key.seal(jsontext.dumps(data), data_place(row.tenant, row.subject, app, version))


def open_app_data(record: OpenRecord, stored: AppRecord | AppVersion) -> bytes:
    """The data as compact JSON, exactly as it was stored.

    Raises:
        IntegrityFailure: changed, moved, or sealed under a record key that was destroyed.
    """
    row = record.row
    return record.key.open(bytes(stored.data), data_place(row.tenant, row.subject, stored.app, stored.version))


def find_app_record(record: OpenRecord, app: str) -> AppRecord:
    """
    Raises:
        NotFound: the application keeps nothing about this person.
    """
    row = record.row
    found = AppRecord.objects.filter(tenant=row.tenant, subject=row.subject, app=app).first()
    if found is None:
        raise NotFound("not found", subject=row.subject)
    return found


def delete_app_data_of(tenant: int, subject: bytes) -> None:
    """All applications' data about a person, in all versions."""
    for model in (AppVersion, AppRecord):
        model.objects.filter(tenant=tenant, subject=subject).delete()


def app_data_at(record: OpenRecord, app: str, version: int, *, at: int) -> bytes | None:
    """The data as it was at `version`, which was written at `at` (Unix seconds), or None where that is gone.

    Deleted data takes its versions along, and data stored later counts from 1 again.
    """
    row = record.row
    where = {"tenant": row.tenant, "subject": row.subject, "app": app}
    current = AppRecord.objects.filter(**where).first()
    if current is None or current.created > at:
        return None
    if current.version == version:
        return open_app_data(record, current)
    archived = AppVersion.objects.filter(**where, version=version).first()
    return None if archived is None else open_app_data(record, archived)
