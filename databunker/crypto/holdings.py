"""What stands in the database under keys of the keyring: how much of it under which key, and how to seal it anew.

Each app describes its own tables as holdings; nothing here knows any of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.db.models import BinaryField, Count, F, Func, Model, Q, QuerySet

from databunker.db.statements import Update, atomically, database, update_many

from . import envelope, store
from .envelope import Place
from .errors import CryptoError
from .keyring import Keyring, Purpose

__all__ = ["Holding", "Step", "count_by_key", "count_outdated", "rewrap_some"]

# For each row the places of its sealed columns, in their order; None where what they are bound to is gone.
Places = Callable[[Sequence[Any]], Sequence[Sequence[Place] | None]]


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows with columns that are sealed under keys of one purpose.

    `columns` names each column and what it holds, in the plural. `where` leaves out the rows that are sealed under a
    record key. `bound_to` are the columns that `places` reads. Without `places` nothing is ever sealed anew.
    """

    model: type[Model]
    columns: dict[str, str]
    where: Q = field(default_factory=Q)
    bound_to: tuple[str, ...] = ()
    places: Places | None = None
    key_column: str | None = None
    purpose: Purpose = Purpose.DATA

    def rows(self) -> QuerySet[Any]:
        return self.model._default_manager.filter(self.where)  # noqa: SLF001 - Django's interface

    def outdated(self, newest: int) -> QuerySet[Any]:
        """The rows that have something under another key than this one."""
        headers = {f"{column}_header": _Header(column) for column in self.columns}
        rows: QuerySet[Any] = self.rows().annotate(**headers)
        return rows.exclude(**dict.fromkeys(headers, envelope.header_for(newest)))


class _Header(Func):
    """Format version and key id of an envelope, read by the database."""

    template = f"substr(%(expressions)s, 1, {envelope.HEADER.size})"
    output_field = BinaryField()

    def __init__(self, column: str) -> None:
        super().__init__(F(column))


def count_by_key(holding: Holding) -> dict[str, dict[int, int]]:
    """For each column how many values are under which key. Reads the whole table."""
    return {column: _counts(holding, column) for column in holding.columns}


def _counts(holding: Holding, column: str) -> dict[int, int]:
    rows = holding.rows().exclude(**{column: None}).annotate(header=_Header(column)).order_by()
    found = rows.values("header").annotate(count=Count("*")).values_list("header", "count")
    counts: dict[int, int] = {}
    for header, count in found:
        key_id = envelope.HEADER.unpack(bytes(header).ljust(envelope.HEADER.size, b"\x00"))[1]
        counts[key_id] = counts.get(key_id, 0) + count
    return counts


def count_outdated(holding: Holding, newest: int) -> int:
    """How many rows `rewrap_some` has yet to do."""
    return holding.outdated(newest).count()


_Changed = tuple[Any, list[bytes]]


class Step(NamedTuple):
    """Some rows that were dealt with: the key of the last one, how many were sealed anew, and which don't open."""

    last: Any
    done: int
    damaged: list[Any]


def rewrap_some(holding: Holding, *, after: Any, limit: int) -> Step | None:
    """Seal the next rows behind `after` under the newest key of today; None where there are none.

    Rows that somebody else holds are left out, where the database can do that: several processes share the work, and
    nobody waits for anybody. What a row means does not change, so whoever reads it meanwhile notices nothing.
    """
    assert holding.places is not None  # noqa: S101 - a programming error
    keyring = store.current_keyring()
    newest = keyring.newest(holding.purpose).id
    with atomically():
        rows = holding.outdated(newest).order_by("pk").only(*_key_columns(holding), *holding.bound_to, *holding.columns)
        if after is not None:
            rows = rows.filter(pk__gt=after)
        skip_locked = database().features.has_select_for_update_skip_locked
        found = list(rows.select_for_update(skip_locked=skip_locked)[:limit])
        if not found:
            return None
        changed, damaged = _resealed(holding, found, keyring)
        update_many(_update(holding), [(*_key(row), *values, *_key_id(holding, newest)) for row, values in changed])
    return Step(found[-1].pk, len(changed), damaged)


def _resealed(holding: Holding, rows: Sequence[Any], keyring: Keyring) -> tuple[list[_Changed], list[Any]]:
    """The rows with their columns sealed anew, and the keys of those that don't open."""
    assert holding.places is not None  # noqa: S101 - a programming error
    changed: list[_Changed] = []
    damaged = []
    for row, places in zip(rows, holding.places(rows), strict=True):
        sealed = [bytes(getattr(row, column)) for column in holding.columns]
        try:
            changed.append((row, [_again(*one, keyring) for one in zip(sealed, places or (), strict=True)]))
        except (CryptoError, ValueError):
            damaged.append(row.pk)
    return changed, damaged


def _again(sealed: bytes, place: Place, keyring: Keyring) -> bytes:
    return keyring.seal(store.unseal(sealed, place), place)


def _update(holding: Holding) -> Update:
    columns = (*holding.columns, *([holding.key_column] if holding.key_column else []))
    return Update(holding.model._meta.db_table, _key_columns(holding), columns)  # noqa: SLF001 - Django's interface


def _key_columns(holding: Holding) -> tuple[str, ...]:
    return tuple(str(field.column) for field in holding.model._meta.pk_fields)  # noqa: SLF001 - Django's interface


def _key(row: Any) -> Sequence[Any]:
    return row.pk if isinstance(row.pk, tuple) else (row.pk,)


def _key_id(holding: Holding, newest: int) -> list[int]:
    return [newest] if holding.key_column else []
