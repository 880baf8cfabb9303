"""Short statements on the hot path: plain SQL with parameters, and several writes as one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["Statement", "atomically", "database", "execute", "fetch_one", "write_together"]

Statement = tuple[str, Sequence[Any]]


def database() -> BaseDatabaseWrapper:
    """This thread's connection."""
    return connections[DEFAULT_DB_ALIAS]


def atomically() -> AbstractContextManager[None]:
    """One transaction, or a part of the caller's: rolls back as a whole."""
    return transaction.atomic(savepoint=False)


def adapt(value: Any, connection: BaseDatabaseWrapper) -> Any:
    """UUIDs as the database's own type, or as 32 hex digits where it has none."""
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def execute(sql: str, parameters: Sequence[Any]) -> int:
    """Run one statement; the number of rows that it touched."""
    connection = database()
    with connection.cursor() as cursor:
        cursor.execute(sql, [adapt(value, connection) for value in parameters])
        return cursor.rowcount


def fetch_one(sql: str, parameters: Sequence[Any]) -> tuple[Any, ...] | None:
    """The first row of the answer, or None."""
    connection = database()
    with connection.cursor() as cursor:
        cursor.execute(sql, [adapt(value, connection) for value in parameters])
        return cursor.fetchone()


def write_together(statements: Iterable[Statement]) -> None:
    """All of the statements or none, durable when this returns.

    On PostgreSQL outside a transaction they travel as one simple query, which the server runs as one
    transaction: one round trip instead of one a statement plus BEGIN and COMMIT.
    """
    connection = database()
    batch = list(statements)
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        sql = ";\n".join(statement for statement, _ in batch)
        execute(sql, [value for _, parameters in batch for value in parameters])
        return
    with atomically():
        for statement, parameters in batch:
            execute(statement, parameters)
