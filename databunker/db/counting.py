"""Counts that cost no more than they may, however many rows there are, in one statement for all."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from django.db.models import QuerySet, Value

from .statements import fetch_one

__all__ = ["Count", "counts_of"]

Key = TypeVar("Key")


class Count(NamedTuple):
    """How many rows there are; with `more` there are more than that, and nobody has counted them."""

    number: int
    more: bool = False


def counts_of(wanted: Mapping[Key, QuerySet[Any]], *, most: int) -> dict[Key, Count]:
    """Of each of these how many rows it has, looking at `most` of them and one: an index should give them in turn."""
    if not wanted:
        return {}
    parts, parameters = [], []
    for number, rows in enumerate(wanted.values()):
        sql, given = _limited(rows, most + 1)
        parts.append(f"(SELECT count(*) FROM ({sql}) AS counted_{number})")  # noqa: S608 - of the ORM
        parameters += given
    found = fetch_one(f"SELECT {', '.join(parts)}", parameters) or ()
    return {key: Count(min(number, most), number > most) for key, number in zip(wanted, found, strict=True)}


def _limited(rows: QuerySet[Any], most: int) -> tuple[str, list[Any]]:
    limited = rows.order_by().annotate(counted=Value(1)).values("counted")[:most]
    sql, parameters = limited.query.sql_with_params()
    return sql, list(parameters)
