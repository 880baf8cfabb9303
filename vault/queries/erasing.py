"""What forgetting a person would erase of the vault, and what of the profile it would keep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.db.models import CharField, Count, Value

from .. import schema
from ..models import AppRecord, AppVersion, RecordVersion, Session, SharedRecord
from ..records import OpenRecord

__all__ = ["Parts", "parts_of"]

_COUNTED = {
    "versions": RecordVersion.objects,
    "app_versions": AppVersion.objects,
    "sessions": Session.objects,
    "shares": SharedRecord.objects,
}


class Parts(NamedTuple):
    """`fields` and `preserved` are dotted paths of the profile, `counts` numbers of rows by kind.

    `identities` is how many identities the person is found by.
    """

    fields: list[str]
    preserved: list[str]
    identities: int
    apps: list[str]
    counts: dict[str, int]


def parts_of(record: OpenRecord) -> Parts:
    """For whoever has been let in already; no value is in it. Writes no event."""
    row, profile = record.row, record.profile()
    where = {"tenant": row.tenant, "subject": row.subject}
    rules = schema.configured()
    preserved = list(_paths(rules.preserved(profile))) if rules else []
    first, *others = [
        rows.filter(**where)
        .annotate(kind=Value(kind, CharField()))
        .values_list("kind")
        .annotate(number=Count("tenant"))
        .order_by()
        for kind, rows in _COUNTED.items()
    ]
    counts = dict.fromkeys(_COUNTED, 0) | dict(first.union(*others, all=True))
    apps = AppRecord.objects.filter(**where).order_by("app").values_list("app", flat=True)
    return Parts(
        [path for path in _paths(profile) if path not in preserved],
        preserved,
        len(row.digest_set),
        list(apps),
        counts,
    )


def _paths(document: Any, above: str = "") -> Iterator[str]:
    """Of the leaves of objects; a list is one leaf."""
    for name, value in document.items():
        path = f"{above}.{name}" if above else name
        if isinstance(value, dict) and value:
            yield from _paths(value, path)
        else:
            yield path
