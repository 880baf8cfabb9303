"""Which index serves a query, where the database can't know: SQLite has no statistics here."""

from __future__ import annotations

from typing import TypeVar

from django.db import connection
from django.db.models import F, Model, QuerySet
from django.db.models.expressions import Combinable
from django.db.models.lookups import Exact

__all__ = ["of_tenant", "unindexed"]

Row = TypeVar("Row", bound=Model)


def of_tenant(rows: QuerySet[Row], tenant: int) -> QuerySet[Row]:
    """Those of a tenant, for where their order, or another condition, says how they are found.

    SQLite takes all that a tenant has for a few rows: it would read and sort them.
    """
    return rows.filter(Exact(unindexed("tenant"), tenant))


def unindexed(column: str) -> Combinable:
    """The number in this column, for a condition that is not to choose the index. Other databases know better."""
    return F(column) + 0 if connection.vendor == "sqlite" else F(column)
