"""The vault's SQL: every statement that touches records and their blind index on the hot path."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from databunker.crypto import hashing
from databunker.crypto.errors import IntegrityFailure
from databunker.db.statements import Insert, Statement, execute, fetch_all, fetch_one, fetch_recording

from .identities import UNIQUE_SLOT, IdentityRow, identity_tag
from .lookups import ByToken
from .models import RecordVersion
from .records import OpenRecord, RecordRow

__all__ = [
    "by_digest",
    "by_subject",
    "by_subjects",
    "by_token_recording",
    "count_holders",
    "delete_identities",
    "delete_versions",
    "holders",
    "identity_insert",
    "page",
    "record_insert",
    "replace",
    "taken",
    "version_insert",
    "version_of",
]

_COLUMNS = ", ".join(f"r.{name}" for name in RecordRow._fields)
_IDENTITY_COLUMNS = ("tenant", "digest", "slot", "subject", "field", "tag")
_VERSION_COLUMNS = ("tenant", "subject", "version", "generation", "profile", "replaced")

_BY_SUBJECT = f"SELECT {_COLUMNS} FROM vault_record r WHERE r.tenant = %s AND r.subject = %s"  # noqa: S608
_WITH_DIGEST = (
    f"SELECT i.tag, {_COLUMNS} FROM vault_identity i "  # noqa: S608
    "JOIN vault_record r ON r.tenant = i.tenant AND r.subject = i.subject WHERE i.tenant = %s AND i.digest = %s"
)
# A constant limit: with a parameter PostgreSQL would plan the prepared statement anew each time.
_BY_DIGEST = f"{_WITH_DIGEST} LIMIT 2"
_HOLDERS = f"{_WITH_DIGEST} ORDER BY i.slot LIMIT %s OFFSET %s"
_PAGE = f"SELECT {_COLUMNS} FROM vault_record r WHERE r.tenant = %s ORDER BY r.id LIMIT %s OFFSET %s"  # noqa: S608
_REPLACE = (
    "UPDATE vault_record SET state = %s, version = %s, generation = %s, key_id = %s, sealed_token = %s, "
    "wrapped_key = %s, profile = %s, digests = %s, changed = %s "
    "WHERE tenant = %s AND subject = %s AND version = %s AND generation = %s"
)


def _opened(row: Sequence[object], token: UUID | None = None) -> OpenRecord:
    """Drivers give binary values as memoryview, bytes or bytearray."""
    plain = [value if isinstance(value, int) else bytes(value) for value in row]  # type: ignore[call-overload]
    return OpenRecord(RecordRow._make(plain), token=token)


def by_subject(tenant: int, subject: bytes, *, suffix: str = "") -> OpenRecord | None:
    """`suffix` is the locking clause, see `databunker.db.statements.for_update`."""
    row = fetch_one(_BY_SUBJECT + suffix, [tenant, subject], hot=True)
    return None if row is None else _opened(row)


def by_token_recording(tenant: int, lookup: ByToken, event: Insert) -> OpenRecord | None:
    """The record, with the event of its reading committed before it is returned."""
    row = fetch_recording((_BY_SUBJECT, [tenant, lookup.subject]), event)
    return None if row is None else _opened(row, lookup.token)


def by_subjects(tenant: int, subjects: Collection[bytes]) -> dict[bytes, OpenRecord]:
    if not subjects:
        return {}
    wanted = ", ".join(["%s"] * len(subjects))
    rows = fetch_all(
        f"SELECT {_COLUMNS} FROM vault_record r WHERE r.tenant = %s AND r.subject IN ({wanted})",  # noqa: S608
        [tenant, *subjects],
    )
    return {record.row.subject: record for record in map(_opened, rows)}


def by_digest(tenant: int, digest: bytes) -> list[OpenRecord]:
    """Who has this identity: nobody, one person, or two of the several who share it."""
    return [_holder(digest, row) for row in fetch_all(_BY_DIGEST, [tenant, digest], hot=True)]


def holders(tenant: int, digest: bytes, *, offset: int, limit: int) -> list[OpenRecord]:
    """A page of those who share this identity."""
    return [_holder(digest, row) for row in fetch_all(_HOLDERS, [tenant, digest, limit, offset])]


def _holder(digest: bytes, row: Sequence[object]) -> OpenRecord:
    """
    Raises:
        IntegrityFailure: the identity was given to this person by somebody who has no key.
    """
    record = _opened(row[1:])
    expected = identity_tag(digest, tenant=record.row.tenant, subject=record.row.subject)
    if not hashing.same(bytes(row[0]), expected):  # type: ignore[call-overload]
        raise IntegrityFailure("an identity does not belong to the record that it names")
    return record


def count_holders(tenant: int, digest: bytes) -> int:
    row = fetch_one("SELECT count(*) FROM vault_identity WHERE tenant = %s AND digest = %s", [tenant, digest])
    return int(row[0]) if row else 0


def page(tenant: int, *, offset: int, limit: int) -> list[OpenRecord]:
    """Records in the order of their creation, forgotten ones included."""
    return [_opened(row) for row in fetch_all(_PAGE, [tenant, limit, offset])]


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


def replace(old: RecordRow, new: RecordRow) -> Statement:
    """Put `new` in the place of `old`; touches no row where the record has changed since `old` was read."""
    return _REPLACE, [
        new.state, new.version, new.generation, new.key_id, new.sealed_token, new.wrapped_key, new.profile,
        new.digests, new.changed, old.tenant, old.subject, old.version, old.generation,
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
