"""The numbers that a database gives to new rows by itself.

They go along with the rows: events name an access token by its number, and the number of one that was deleted must not
be given to another after a restore.
"""

from __future__ import annotations

import re
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

from .tables import Table

__all__ = ["is_transactional", "next_number", "set_next_number"]

_AUTO_INCREMENT = re.compile(r" AUTO_INCREMENT=([0-9]+) ")


def next_number(connection: BaseDatabaseWrapper, table: Table) -> int | None:
    """What the next row would get, or None for a table whose rows are not numbered."""
    if table.counter is None:
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            return _of_sequence(cursor, connection, table)
        if connection.vendor == "mysql":
            # What the information schema says may be a day old.
            cursor.execute(f"SHOW CREATE TABLE {connection.ops.quote_name(table.name)}")
            found = _AUTO_INCREMENT.search(cursor.fetchone()[1])
            return int(found[1]) if found else 1
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [table.name])
        row = cursor.fetchone()
        return int(row[0]) + 1 if row else 1


def _of_sequence(cursor: Any, connection: BaseDatabaseWrapper, table: Table) -> int:
    cursor.execute("SELECT pg_get_serial_sequence(%s, %s)", [connection.ops.quote_name(table.name), table.counter])
    (sequence,) = cursor.fetchone()
    cursor.execute(f"SELECT last_value, is_called FROM {sequence}")  # noqa: S608 - as the database itself names it
    last, called = cursor.fetchone()
    return int(last) + bool(called)


def is_transactional(connection: BaseDatabaseWrapper) -> bool:
    """Whether a counter may be set within a transaction: on MySQL it ends the transaction."""
    return connection.vendor != "mysql"


def set_next_number(connection: BaseDatabaseWrapper, table: Table, number: int) -> None:
    """Let the next row of a numbered table get `number`, or one more than the largest that is there."""
    quoted = connection.ops.quote_name
    assert table.counter is not None  # noqa: S101 - told by the backup of the very same table
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT max({quoted(table.counter)}) FROM {quoted(table.name)}")  # noqa: S608 - a table of ours
        number = max(number, (cursor.fetchone()[0] or 0) + 1)
        if connection.vendor == "postgresql":
            sequence = [quoted(table.name), table.counter]
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, %s), %s, false)", [*sequence, number])
        elif connection.vendor == "mysql":
            cursor.execute(f"ALTER TABLE {quoted(table.name)} AUTO_INCREMENT = %s", [number])
        else:
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table.name])
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [table.name, number - 1])
