"""The tables of a vault, whichever apps they belong to, and how their values look outside of any database."""

from __future__ import annotations

import enum
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from django.apps import apps
from django.db import models

__all__ = ["Column", "Kind", "Table", "described", "from_description", "tables"]


class Kind(enum.StrEnum):
    """The type of a column. Names stand in backups: never change or reuse one."""

    INTEGER = "integer"
    BOOLEAN = "boolean"
    BYTES = "bytes"
    UUID = "uuid"
    TEXT = "text"


_KINDS: list[tuple[type[models.Field[Any, Any]], Kind]] = [
    (models.BooleanField, Kind.BOOLEAN),
    (models.IntegerField, Kind.INTEGER),
    (models.BinaryField, Kind.BYTES),
    (models.UUIDField, Kind.UUID),
    (models.CharField, Kind.TEXT),
    (models.TextField, Kind.TEXT),
]


class Column(NamedTuple):
    name: str
    kind: Kind


class Table(NamedTuple):
    """One table; `counter` is the column that the database numbers by itself, if there is one."""

    name: str
    columns: tuple[Column, ...]
    counter: str | None = None

    @property
    def column_names(self) -> tuple[str, ...]:
        return tuple(column.name for column in self.columns)

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return tuple(column.kind for column in self.columns)


def tables() -> list[Table]:
    """Every table of every installed app, in one order.

    Raises:
        TypeError: a column is of a type that a backup doesn't know. A programming error.
    """
    return sorted(_tables(), key=lambda table: table.name)


def _tables() -> Iterator[Table]:
    for model in apps.get_models(include_auto_created=True):
        meta = model._meta  # noqa: SLF001 - Django's documented interface
        if meta.managed and not meta.proxy:
            stored = [field for field in meta.local_concrete_fields if field.column]  # a composite key has none
            columns = tuple(Column(str(field.column), _kind(field)) for field in stored)
            counter = meta.auto_field
            yield Table(meta.db_table, columns, str(counter.column) if counter else None)


def _kind(field: models.Field[Any, Any]) -> Kind:
    target: models.Field[Any, Any] = field
    while isinstance(target, models.ForeignKey):
        target = target.target_field
    for type_, kind in _KINDS:
        if isinstance(target, type_):
            return kind
    raise TypeError(f"a backup can't hold {field.model._meta.db_table}.{field.column}")  # noqa: SLF001


def described(found: list[Table]) -> list[dict[str, Any]]:
    """As they stand in the header of a backup; `from_description` is the way back."""
    return [{"name": table.name, "columns": [[name, kind.value] for name, kind in table.columns]} for table in found]


def from_description(description: Mapping[str, Any]) -> Table:
    """
    Raises:
        ValueError, KeyError, TypeError: it describes no table that this release can read.
    """
    columns = tuple(Column(str(name), Kind(kind)) for name, kind in description["columns"])
    return Table(str(description["name"]), columns)
