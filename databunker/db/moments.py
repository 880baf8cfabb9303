"""Read for long, and see everything as it was when the reading began."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, transaction

__all__ = ["at_one_moment"]

# PostgreSQL and MariaDB keep what a transaction has seen first; SQLite what it has read first, in WAL mode. None of
# them lets a writer wait for that.
_BEFORE = {"mysql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"}
_FIRST = {
    "postgresql": "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",
    "mysql": "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    "sqlite": "SELECT count(*) FROM django_migrations",
}


@contextmanager
def at_one_moment() -> Iterator[None]:
    """A read-only transaction in which nothing changes any more, for a process that does nothing else meanwhile."""
    connection: Any = connections[DEFAULT_DB_ALIAS]
    connection.ensure_connection()
    if connection.vendor == "sqlite":
        # The usual BEGIN IMMEDIATE would keep writers out.
        connection.transaction_mode = "DEFERRED"
    if connection.vendor in _BEFORE:
        with connection.cursor() as cursor:
            cursor.execute(_BEFORE[connection.vendor])
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute(_FIRST[connection.vendor])
        yield
