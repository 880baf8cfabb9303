"""The vault's SQL: every statement that touches records and their blind index on the hot path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any
from uuid import UUID

from databunker.crypto.errors import IntegrityFailure
from databunker.crypto.record_key import RecordKey
from databunker.db.statements import (
    Insert,
    Statement,
    database,
    execute,
    fetch_all,
    fetch_one,
    fetch_recording,
    for_update,
)

from .identities import UNIQUE_SLOT, IdentityRow, is_proved
from .lookups import ByToken
from .models import RecordState, RecordVersion
from .records import OpenRecord, RecordRow

__all__ = [
    "behind",
    "by_digest",
    "by_subject",
    "by_subjects",
    "by_token_recording",
    "count_behind",
    "count_holders",
    "delete_identities",
    "delete_versions",
    "holder_without_profile",
    "holders",
    "identity_insert",
    "indexed_fields",
    "key_of",
    "last_number",
    "page",
    "page_after",
    "record_insert",
    "replace",
    "replace_profile",
    "set_digests",
    "set_state",
    "still_the_same",
    "taken",
    "version_insert",
    "version_of",
    "walk",
]

_COLUMNS = ", ".join(f"r.{name}" for name in RecordRow._fields)
_IDENTITY_COLUMNS = ("tenant", "digest", "slot", "subject", "field", "tag")
_VERSION_COLUMNS = ("tenant", "subject", "version", "generation", "profile", "replaced")

# All but the profile, which may be large.
_SLIM_FIELDS = tuple(name for name in RecordRow._fields if name != "profile")
_SLIM_COLUMNS = ", ".join(_SLIM_FIELDS)
_SLIM = f"SELECT {_SLIM_COLUMNS} FROM vault_record WHERE tenant = %s AND subject = %s"  # noqa: S608
_HOLDERS_OF = "SELECT tag, subject FROM vault_identity WHERE tenant = %s AND digest = %s LIMIT 2"
_BY_SUBJECT = f"SELECT {_COLUMNS} FROM vault_record r WHERE r.tenant = %s AND r.subject = %s"  # noqa: S608
_UNRESTRICTED = f"{_BY_SUBJECT} AND r.state <> {RecordState.RESTRICTED.value}"
_WITH_DIGEST = (
    f"SELECT i.tag, {_COLUMNS} FROM vault_identity i "  # noqa: S608
    "JOIN vault_record r ON r.tenant = i.tenant AND r.subject = i.subject WHERE i.tenant = %s AND i.digest = %s"
)
# A constant limit: with a parameter PostgreSQL would plan the prepared statement anew each time.
_BY_DIGEST = f"{_WITH_DIGEST} LIMIT 2"
_HOLDERS = f"{_WITH_DIGEST} ORDER BY i.slot LIMIT %s OFFSET %s"
# By their order: SQLite would read and sort all of a tenant's, see `databunker.db.planning`.
_OF_TENANT = {"sqlite": "r.tenant + 0 = %s"}
_PAGE = (
    f"SELECT r.id, {_COLUMNS} FROM vault_record r WHERE {{of_tenant}} AND r.id > %s ORDER BY r.id LIMIT %s OFFSET %s"  # noqa: S608
)
_WALK = f"SELECT r.id, {_COLUMNS} FROM vault_record r WHERE r.id > %s ORDER BY r.id LIMIT %s"  # noqa: S608
_REPLACE_PROFILE = (
    "UPDATE vault_record SET version = %s, profile = %s, digests = %s, index_epoch = %s, changed = %s "
    "WHERE tenant = %s AND subject = %s AND version = %s AND generation = %s AND index_epoch = %s AND state = %s"
)
_BEHIND = (
    f"SELECT r.id, {_COLUMNS} FROM vault_record r "  # noqa: S608
    "WHERE r.id > %s AND r.index_epoch < %s ORDER BY r.id LIMIT %s"
)
_SET_DIGESTS = "UPDATE vault_record SET digests = %s, index_epoch = %s WHERE tenant = %s AND subject = %s"
_SET_STATE = "UPDATE vault_record SET state = %s WHERE tenant = %s AND subject = %s"
_REPLACE = (
    "UPDATE vault_record SET state = %s, version = %s, generation = %s, key_id = %s, sealed_token = %s, "
    "wrapped_key = %s, profile = %s, digests = %s, index_epoch = %s, changed = %s "
    "WHERE tenant = %s AND subject = %s AND version = %s AND generation = %s AND index_epoch = %s"
)


def _opened(row: Sequence[object], token: UUID | None = None) -> OpenRecord:
    return OpenRecord(RecordRow._make(_plain(row)), token=token)


def _plain(row: Sequence[Any]) -> list[Any]:
    """Drivers give binary values as memoryview, bytes or bytearray."""
    return [value if isinstance(value, int) else bytes(value) for value in row]


def by_subject(tenant: int, subject: bytes, *, suffix: str = "") -> OpenRecord | None:
    """`suffix` is the locking clause, see `databunker.db.statements.for_update`."""
    row = fetch_one(_BY_SUBJECT + suffix, [tenant, subject], hot=True)
    return None if row is None else _opened(row)


def key_of(tenant: int, subject: bytes) -> RecordKey | None:
    """The person's record key, for what waits to be delivered; None where there is no such person.

    Raises:
        IntegrityFailure, UnknownKey: see `OpenRecord.key`.
    """
    record = by_subject(tenant, subject)
    return None if record is None else record.key


def by_token_recording(tenant: int, lookup: ByToken, event: Insert) -> OpenRecord | None:
    """The record, with the event of its reading committed before it is returned; None, too, where it is restricted."""
    row = fetch_recording((_UNRESTRICTED, [tenant, lookup.subject]), event)
    return None if row is None else _opened(row, lookup.token)


def by_subjects(tenant: int, subjects: Collection[bytes], *, suffix: str = "") -> dict[bytes, OpenRecord]:
    """`suffix` is the locking clause: rows are locked in one order for all, so that two can't wait for each other."""
    if not subjects:
        return {}
    wanted = ", ".join(["%s"] * len(subjects))
    sql = (
        f"SELECT {_COLUMNS} FROM vault_record r WHERE r.tenant = %s AND r.subject IN ({wanted}) "  # noqa: S608
        "ORDER BY r.subject"
    )
    rows = fetch_all(sql + suffix, [tenant, *subjects])
    return {record.row.subject: record for record in map(_opened, rows)}


def by_digest(tenant: int, digest: bytes) -> list[OpenRecord]:
    """Who has this identity: nobody, one person, or two of the several who share it."""
    return [_holder(digest, row) for row in fetch_all(_BY_DIGEST, [tenant, digest], hot=True)]


def holder_without_profile(tenant: int, digest: bytes, *, suffix: str = "") -> OpenRecord | None:
    """The one who has this identity, without the profile, which must not be asked for; None: nobody, or several.

    Two statements whether anybody has it or not; `suffix` is the locking clause of the second.

    Raises:
        IntegrityFailure: the identity was given to this person by somebody who has no key.
    """
    found = fetch_all(_HOLDERS_OF, [tenant, digest])
    tag, subject = (bytes(value) for value in found[0]) if len(found) == 1 else (None, digest)
    proved = is_proved(tag or digest, digest, tenant=tenant, subject=subject)
    row = fetch_one(_SLIM + suffix, [tenant, subject])
    if tag is None or row is None:
        return None
    if not proved:
        raise IntegrityFailure("an identity does not belong to the record that it names")
    record = OpenRecord(RecordRow(**dict(zip(_SLIM_FIELDS, _plain(row), strict=True)), profile=b""))
    # The identity may have gone, or the person been forgotten, between the two.
    return record if digest in record.row.digest_set else None


def holders(tenant: int, digest: bytes, *, offset: int, limit: int) -> list[OpenRecord]:
    """A page of those who share this identity."""
    return [_holder(digest, row) for row in fetch_all(_HOLDERS, [tenant, digest, limit, offset])]


def _holder(digest: bytes, row: Sequence[object]) -> OpenRecord:
    """
    Raises:
        IntegrityFailure: the identity was given to this person by somebody who has no key.
    """
    record = _opened(row[1:])
    tag = bytes(row[0])  # type: ignore[call-overload]
    if not is_proved(tag, digest, tenant=record.row.tenant, subject=record.row.subject):
        raise IntegrityFailure("an identity does not belong to the record that it names")
    return record


def count_holders(tenant: int, digest: bytes) -> int:
    row = fetch_one("SELECT count(*) FROM vault_identity WHERE tenant = %s AND digest = %s", [tenant, digest])
    return int(row[0]) if row else 0


def page(tenant: int, *, offset: int, limit: int) -> list[OpenRecord]:
    """Records in the order of their creation, forgotten ones included."""
    return [record for _, record in _page(tenant, 0, limit, offset)]


def page_after(tenant: int, number: int, *, limit: int) -> list[tuple[int, OpenRecord]]:
    """The next records behind the one with this number, each with its own: however far, no row is counted."""
    return _page(tenant, number, limit, 0)


def _page(tenant: int, behind: int, limit: int, offset: int) -> list[tuple[int, OpenRecord]]:
    statement = _PAGE.format(of_tenant=_OF_TENANT.get(database().vendor, "r.tenant = %s"))
    return [(row[0], _opened(row[1:])) for row in fetch_all(statement, [tenant, behind, limit, offset])]


def walk(*, after: int, limit: int) -> list[tuple[int, OpenRecord]]:
    """The next records of all tenants behind the one with the number `after`, each with its own number."""
    return [(row[0], _opened(row[1:])) for row in fetch_all(_WALK, [after, limit])]


def behind(epoch: int, *, after: int, limit: int) -> list[tuple[int, OpenRecord]]:
    """The next records of all tenants whose identities were last written before `epoch`, each with its own number."""
    return [(row[0], _opened(row[1:])) for row in fetch_all(_BEHIND, [after, epoch, limit])]


def count_behind(epoch: int) -> int:
    row = fetch_one("SELECT count(*) FROM vault_record WHERE index_epoch < %s", [epoch])
    return int(row[0]) if row else 0


def indexed_fields() -> set[str]:
    return {str(name) for (name,) in fetch_all("SELECT DISTINCT field FROM vault_identity", [])}


def last_number() -> int:
    """The highest number of a record; 0: there is none."""
    row = fetch_one("SELECT max(id) FROM vault_record", [])
    return (row and row[0]) or 0


def still_the_same(batch: Sequence[tuple[int, OpenRecord]]) -> list[OpenRecord]:
    """Those that nobody has changed since they were read, locked; records that others hold are left out."""
    if not batch:
        return []
    wanted = ", ".join(["%s"] * len(batch))
    sql = f"SELECT id, version, generation, index_epoch FROM vault_record WHERE id IN ({wanted}) ORDER BY id"  # noqa: S608
    now = {row[0]: row[1:] for row in fetch_all(sql + for_update(skip_locked=True), [number for number, _ in batch])}
    return [
        record
        for number, record in batch
        if now.get(number) == (record.row.version, record.row.generation, record.row.index_epoch)
    ]


def set_digests(row: RecordRow, digests: bytes, epoch: int) -> None:
    """Of a record that the caller holds locked."""
    execute(_SET_DIGESTS, [digests, epoch, row.tenant, row.subject])


def set_state(row: RecordRow, state: RecordState) -> None:
    """Of a record that the caller holds locked."""
    execute(_SET_STATE, [state.value, row.tenant, row.subject])


def record_insert(rows: Sequence[RecordRow]) -> Insert:
    return Insert("vault_record", RecordRow._fields, rows)


def identity_insert(tenant: int, holders: Iterable[tuple[bytes, IdentityRow]]) -> Insert:
    """Blind index entries and whose they are."""
    rows = [(tenant, entry.digest, entry.slot, subject, entry.field, entry.tag) for subject, entry in holders]
    return Insert("vault_identity", _IDENTITY_COLUMNS, rows)


def version_insert(row: RecordRow, *, replaced: int) -> Insert:
    """The profile of `row` as an archived version."""
    values = (row.tenant, row.subject, row.version, row.generation, row.profile, replaced)
    return Insert("vault_record_version", _VERSION_COLUMNS, [values])


def replace_profile(old: RecordRow, new: RecordRow) -> Statement:
    """Give the record the profile of `new`; touches no row where it has changed since `old` was read.

    Key and token stay as they are in the database: they may have been wrapped anew since.
    """
    return _REPLACE_PROFILE, [
        new.version, new.profile, new.digests, new.index_epoch, new.changed,
        old.tenant, old.subject, old.version, old.generation, old.index_epoch, old.state,
    ]  # fmt: skip


def replace(old: RecordRow, new: RecordRow) -> Statement:
    """Put `new`, which has a key of its own, in the place of `old`, which the caller's transaction holds locked."""
    return _REPLACE, [
        new.state, new.version, new.generation, new.key_id, new.sealed_token, new.wrapped_key, new.profile,
        new.digests, new.index_epoch, new.changed,
        old.tenant, old.subject, old.version, old.generation, old.index_epoch,
    ]  # fmt: skip


def delete_identities(tenant: int, subject: bytes, digests: Collection[bytes]) -> None:
    if digests:
        wanted = ", ".join(["%s"] * len(digests))
        execute(
            f"DELETE FROM vault_identity WHERE tenant = %s AND subject = %s AND digest IN ({wanted})",  # noqa: S608
            [tenant, subject, *digests],
        )


def delete_versions(tenant: int, subject: bytes) -> None:
    RecordVersion.objects.filter(tenant=tenant, subject=subject).delete()


def taken(tenant: int, digests: Sequence[bytes]) -> dict[bytes, bytes]:
    """Which of these unique identities somebody has, and who."""
    found: dict[bytes, bytes] = {}
    for start in range(0, len(digests), _DIGESTS_A_QUERY):
        part = digests[start : start + _DIGESTS_A_QUERY]
        wanted = ", ".join(["%s"] * len(part))
        sql = f"SELECT digest, subject FROM vault_identity WHERE tenant = %s AND slot = %s AND digest IN ({wanted})"  # noqa: S608
        found |= {bytes(digest): bytes(subject) for digest, subject in fetch_all(sql, [tenant, UNIQUE_SLOT, *part])}
    return found


_DIGESTS_A_QUERY = 5_000


def version_of(record: OpenRecord, version: int) -> bytes | None:
    """The profile (compact JSON) as it was at `version`, or None where that is gone."""
    row = record.row
    if version == row.version:
        return record.profile_json
    found = (
        RecordVersion.objects.filter(tenant=row.tenant, subject=row.subject, version=version, generation=row.generation)
        .values_list("profile", flat=True)
        .first()
    )
    return None if found is None else record.open_profile(bytes(found), version)
