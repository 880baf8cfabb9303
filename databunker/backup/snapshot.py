"""Every table as it was at one moment, read a little at a time while others go on writing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, InterfaceError, connections
from django.db.backends.base.base import BaseDatabaseWrapper

from databunker.priority import rest

from .counters import next_number
from .tables import Table

__all__ = ["Snapshot", "applied_migrations", "count_rows", "read_rows"]

Batch = Sequence[Sequence[Any]]

# A driver holds so many rows at a time; of the largest profiles it is a hundred megabytes.
_ROWS_A_FETCH = 100
# PostgreSQL and MariaDB keep what a transaction has seen first; SQLite what it has read first, in WAL mode. None of
# them lets a writer wait for that.
_BEGIN = {
    "postgresql": ["BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"],
    "mysql": [
        "SET SESSION net_write_timeout = 3600",  # whoever takes the backup may be slow
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ],
    "sqlite": ["BEGIN DEFERRED", "SELECT count(*) FROM django_migrations"],
}


class Snapshot:
    """A read-only transaction on a connection of its own, until it is closed."""

    def __init__(self) -> None:
        """
        Raises:
            DatabaseError: the database can't be reached.
        """
        self._connection = connections.create_connection(DEFAULT_DB_ALIAS)
        # Whoever finds a client gone may be another thread than the one that began.
        self._connection.inc_thread_sharing()
        try:
            with self._connection.cursor() as cursor:
                for statement in _BEGIN[self._connection.vendor]:
                    cursor.execute(statement)
                if self._connection.vendor == "sqlite":
                    cursor.fetchall()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """End the transaction. Whatever was being read can't be read on."""
        self._connection.close()

    def rows(self, table: Table) -> Iterator[Batch]:
        return read_rows(self._connection, table)

    def count(self, table: Table) -> int:
        return count_rows(self._connection, table)

    def migrations(self) -> list[tuple[str, str]]:
        return applied_migrations(self._connection)

    def next_number(self, table: Table) -> int | None:
        if self._connection.connection is None:
            raise InterfaceError("the transaction has ended")
        return next_number(self._connection, table)


def applied_migrations(connection: BaseDatabaseWrapper) -> list[tuple[str, str]]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name FROM django_migrations")
        return sorted((str(app), str(name)) for app, name in cursor.fetchall())


def count_rows(connection: BaseDatabaseWrapper, table: Table) -> int:
    name = connection.ops.quote_name(table.name)
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {name}")  # noqa: S608 - a table of ours
        (number,) = cursor.fetchone()
    return int(number)


def read_rows(connection: BaseDatabaseWrapper, table: Table) -> Iterator[Batch]:
    """All rows of the table, a batch at a time, in no order and in little memory; needs an open transaction.

    Raises:
        InterfaceError: there is none.
    """
    quoted = connection.ops.quote_name
    columns = ", ".join(quoted(name) for name in table.column_names)
    select = f"SELECT {columns} FROM {quoted(table.name)}"  # noqa: S608 - a table of ours
    if connection.connection is None:
        raise InterfaceError("the transaction has ended")
    with connection.wrap_database_errors:
        if connection.vendor == "postgresql":
            yield from _by_server_cursor(connection, select)
        elif connection.vendor == "mysql":
            yield from _fetched(connection, _unbuffered(connection), select)
        else:
            yield from _fetched(connection, connection.connection.cursor(), select)


def _by_server_cursor(connection: BaseDatabaseWrapper, select: str) -> Iterator[Batch]:
    with connection.cursor() as cursor:
        cursor.execute(f"DECLARE backup_rows NO SCROLL CURSOR FOR {select}")
        while True:
            cursor.execute(f"FETCH FORWARD {_ROWS_A_FETCH} FROM backup_rows")
            batch = cursor.fetchall()
            if not batch:
                break
            yield batch
            rest()
        cursor.execute("CLOSE backup_rows")


def _unbuffered(connection: Any) -> Any:
    """A cursor of MySQL's driver that leaves the rows with the server until they are fetched."""
    return connection.connection.cursor(connection.Database.cursors.SSCursor)


def _fetched(connection: BaseDatabaseWrapper, cursor: Any, select: str) -> Iterator[Batch]:
    """From drivers that fetch rows only when they are asked for them."""
    complete = False
    try:
        cursor.execute(select)
        while batch := cursor.fetchmany(_ROWS_A_FETCH):
            yield batch
            rest()
        complete = True
    finally:
        if complete:
            cursor.close()
        else:
            # MySQL's cursor would read all the rest before it closes.
            connection.close()
