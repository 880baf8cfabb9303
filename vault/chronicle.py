"""Look at what was: whether each version of a record is there, opens, and has its event, and each event its version."""

from __future__ import annotations

import struct
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from typing import Any, NamedTuple, TypeVar

import orjson
from django.conf import settings

from audit import trail
from audit.events import Outcome
from audit.models import Event
from databunker.crypto import envelope
from databunker.crypto.errors import CryptoError
from databunker.db.planning import unindexed

from . import storage
from .app_records import open_app_data
from .events import RECORD_ADOPTED, RECORD_CHANGED, RECORD_CREATED, RECORD_FORGOTTEN
from .models import AppRecord, AppVersion, RecordVersion, Session
from .records import OpenRecord
from .sessions import OpenSession

__all__ = ["ChangesChecked", "check_changes", "check_sessions_of_nobody"]

_BATCH = 200
_ROWS = 1_000
_TOLD = {event.number for event in (RECORD_ADOPTED, RECORD_CREATED, RECORD_CHANGED, RECORD_FORGOTTEN)}

Row = TypeVar("Row", RecordVersion, AppRecord, AppVersion, Session)
# By tenant and person.
_Key = tuple[int, bytes]


class ChangesChecked(NamedTuple):
    """Some records, the older versions, application data and sessions that belong to them, and what is wrong."""

    records: int
    values: int
    problems: list[str]


class _Story:
    """What the events of one person tell of the profile."""

    def __init__(self) -> None:
        self.versions: Counter[int] = Counter()
        self.forgotten = 0
        self.unreadable = 0

    def add(self, record: OpenRecord, event_type: int, detail: Any, place: envelope.Place) -> None:
        """
        Raises:
            IntegrityFailure: the event's detail was changed or moved.
        """
        if event_type == RECORD_FORGOTTEN.number:
            self.forgotten += 1
        elif detail is None or envelope.key_id_of(detail) < record.row.generation:
            self.unreadable += 1  # sealed under a record key that forget-me has destroyed
        else:
            told = orjson.loads(record.key.open(detail, place))
            if not told.get("unchanged"):
                self.versions[told["version"]] += 1

    def problems(self, record: OpenRecord) -> Iterator[str]:
        if record.forgotten:
            if not self.forgotten and record.row.generation > 1 and not settings.MAX_AUDIT_RETENTION:
                yield "nothing tells that the person was forgotten"
            return
        for version, times in sorted(self.versions.items()):
            if version > record.row.version:
                yield f"an event tells of version {version}, which is not there"
            elif times > 1:
                yield f"{times} events tell of version {version}"
        # Old events may have been deleted: then versions from the first on have none.
        first = min(self.versions, default=record.row.version + 1) if settings.MAX_AUDIT_RETENTION else 1
        missing = set(range(first, record.row.version + 1)) - set(self.versions)
        if missing:
            yield f"no event tells of version {min(missing)}"


def check_changes() -> Iterator[ChangesChecked]:
    """All records, some at a time, against their events; each older version and each value beside them is opened.

    To be read in one transaction that sees one moment (`databunker.db.moments`), or while nobody writes.
    """
    last = 0
    while batch := storage.walk(after=last, limit=_BATCH):
        records = {(record.row.tenant, record.row.subject): record for _, record in batch}
        numbers = {(record.row.tenant, record.row.subject): number for number, record in batch}
        found: list[tuple[_Key, str]] = list(_untold(records))
        values = 0
        for key, problem in _beside(records):
            values += 1
            if problem:
                found.append((key, problem))
        yield ChangesChecked(len(batch), values, [f"record {numbers[key]}: {problem}" for key, problem in found])
        last = batch[-1][0]


def _untold(records: dict[_Key, OpenRecord]) -> Iterator[tuple[_Key, str]]:
    stories: defaultdict[_Key, _Story] = defaultdict(_Story)
    of_types = Event.objects.alias(kind=unindexed("type")).filter(kind__in=_TOLD, outcome=Outcome.OK)
    events = of_types.filter(**_about(records))
    columns = events.values_list("id", "tenant", "subject", "type", "detail")
    for event_id, tenant, subject, event_type, detail in columns.iterator(chunk_size=_ROWS):
        key = tenant, bytes(subject or b"")
        if key not in records:
            continue
        try:
            stories[key].add(records[key], event_type, detail, trail.detail_place(event_id, tenant))
        except (CryptoError, KeyError, ValueError):
            yield key, f"the detail of event {event_id} does not open"
    for key, record in records.items():
        for problem in stories[key].problems(record):
            yield key, problem


def _beside(records: dict[_Key, OpenRecord]) -> Iterator[tuple[_Key, str]]:
    """Every value that is sealed under these people's record keys beside the profile; empty text: it is well."""
    archived: Counter[_Key] = Counter()
    for version in _of(RecordVersion, records):
        key = version.tenant, bytes(version.subject)
        archived[key] += 1
        yield key, _opens(records[key], version)
    for key, record in records.items():
        if not record.forgotten and archived[key] != record.row.version - 1:
            yield key, f"{archived[key]} older versions of the profile are there, not {record.row.version - 1}"
    current: dict[tuple[int, bytes, str], int] = {}
    for app in _of(AppRecord, records):
        key = app.tenant, bytes(app.subject)
        current[*key, app.app] = app.version
        yield key, _opens(records[key], app)
    for old in _of(AppVersion, records):
        key = old.tenant, bytes(old.subject)
        current[*key, old.app] = current.get((*key, old.app), 0) - 1
        yield key, _opens(records[key], old)
    for (tenant, subject, name), rest in current.items():
        if rest != 1:
            yield (tenant, subject), f"older versions of the data of application {name} are not all there"
    for session in _of(Session, records):
        key = session.tenant, bytes(session.subject)
        yield key, _opens(records[key], session)


def _about(records: Collection[_Key]) -> dict[str, Any]:
    """Conditions that an index by tenant and person serves; they also let a person of another of the tenants pass."""
    return {
        "tenant__in": {tenant for tenant, _ in records},
        "subject__in": {subject for _, subject in records},
    }


def _of(model: type[Row], records: Collection[_Key]) -> Iterator[Row]:
    rows = model.objects.filter(**_about(records))
    for row in rows.iterator(chunk_size=_ROWS):
        if (row.tenant, bytes(row.subject)) in records:
            yield row


def _opens(record: OpenRecord, stored: RecordVersion | AppRecord | AppVersion | Session) -> str:
    """Nothing, or what is wrong with the stored value."""
    try:
        if isinstance(stored, RecordVersion):
            record.open_profile(bytes(stored.profile), stored.version)
        elif isinstance(stored, Session):
            OpenSession(stored, record).data_json  # noqa: B018 - opens it
        else:
            open_app_data(record, stored)
    except (CryptoError, struct.error):
        return f"{stored} does not open"
    return ""


def check_sessions_of_nobody() -> Iterator[str]:
    """Sessions that belong to no person are sealed under a data key."""
    for session in Session.objects.filter(subject=None).iterator(chunk_size=_ROWS):
        try:
            OpenSession(session, None).data_json  # noqa: B018 - opens it
        except (CryptoError, struct.error):
            yield "a session that is nobody's does not open"
