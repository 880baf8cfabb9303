"""Short statements on the hot path: plain SQL with parameters, and several writes as one."""

from __future__ import annotations

import io
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from operator import attrgetter, methodcaller
from typing import Any, NamedTuple, TypeVar
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, IntegrityError, OperationalError, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from databunker.errors import Unavailable

from .prepared import as_prepared

__all__ = [
    "Insert",
    "Statement",
    "Update",
    "atomically",
    "conflict_target",
    "connections_of_threads",
    "database",
    "execute",
    "fetch_all",
    "fetch_one",
    "fetch_recording",
    "for_share",
    "for_update",
    "insert_many",
    "is_lost_race",
    "leave_to_parent",
    "retrying",
    "retrying_if_taken",
    "update_many",
    "write_if",
    "write_together",
]

T = TypeVar("T")
Statement = tuple[str, Sequence[Any]]


class Insert(NamedTuple):
    """Rows for one table, each with one value a column; `columns` is code, never input."""

    table: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[Any]]

    def statement(self) -> Statement:
        return _insert_sql(self.table, self.columns, len(self.rows)), [value for row in self.rows for value in row]

    def statement_if(self) -> Statement:
        """The one row, inserted only where the query named `guard` has found a row."""
        (row,) = self.rows
        return _guarded_insert_sql(self.table, self.columns), row


@lru_cache(maxsize=256)
def _insert_sql(table: str, columns: tuple[str, ...], rows: int) -> str:
    row = f"({', '.join(['%s'] * len(columns))})"
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * rows)}"  # noqa: S608 - our own SQL


@lru_cache(maxsize=256)
def _guarded_insert_sql(table: str, columns: tuple[str, ...]) -> str:
    values = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM guard"  # noqa: S608 - our own SQL


class _Thread(threading.local):
    connection: BaseDatabaseWrapper | None = None


_thread = _Thread()


def database() -> BaseDatabaseWrapper:
    """This thread's connection; Django's own registry takes longer to find it than a short statement to be sent."""
    connection = _thread.connection
    if connection is None:
        connection = _thread.connection = connections[DEFAULT_DB_ALIAS]
        _of_threads[threading.get_native_id()] = weakref.ref(connection)
    return connection


_of_threads: dict[int, weakref.ref[BaseDatabaseWrapper]] = {}


def connections_of_threads() -> dict[int, BaseDatabaseWrapper]:
    """The connection of each thread that has asked for one and lives, by the kernel's number of the thread."""
    found = {}
    for thread, reference in list(_of_threads.items()):
        connection = reference()
        if connection is None:
            del _of_threads[thread]
        else:
            found[thread] = connection
    return found


_of_parents: list[BaseDatabaseWrapper] = []


def leave_to_parent() -> None:
    """For a forked process: its parent's connection stays untouched, and the next statement opens another."""
    _of_parents.append(database())  # to let go of it would tell the server that it ends
    connections[DEFAULT_DB_ALIAS] = _thread.connection = connections.create_connection(DEFAULT_DB_ALIAS)


def atomically() -> AbstractContextManager[None]:
    """One transaction, or a savepoint in the caller's: rolls back as a whole."""
    return transaction.atomic()


def adapt(value: Any, connection: BaseDatabaseWrapper) -> Any:
    """UUIDs as 32 hex digits; MariaDB's own type wants them with hyphens, as its driver writes them."""
    if isinstance(value, UUID) and (connection.vendor != "mysql" or not connection.features.has_native_uuid_field):
        return value.hex
    return value


def _run(sql: str, parameters: Sequence[Any], take: Callable[[Any], Any], *, hot: bool = False) -> Any:
    """What `take` finds in the cursor after the statement; `hot` statements are prepared on PostgreSQL."""
    connection = database()
    values = [adapt(value, connection) for value in parameters]
    if connection.connection is None or connection.queries_logged or connection.execute_wrappers:
        with connection.cursor() as cursor:
            cursor.execute(sql, values)
            return take(cursor)
    # Django's cursor wrapper costs as much as a short query, and does nothing where nobody listens to it.
    connection.validate_no_broken_transaction()
    with connection.wrap_database_errors:
        cursor = connection.connection.cursor() if connection.vendor == "postgresql" else connection.create_cursor()
        try:
            cursor.execute(as_prepared(connection, sql) if hot else sql, values)
            return take(cursor)
        finally:
            cursor.close()


def execute(sql: str, parameters: Sequence[Any], *, hot: bool = False) -> int:
    """Run one statement; the number of rows that it touched."""
    touched: int = _run(sql, parameters, attrgetter("rowcount"), hot=hot)
    return touched


def fetch_one(sql: str, parameters: Sequence[Any], *, hot: bool = False) -> tuple[Any, ...] | None:
    """The first row of the answer, or None."""
    row: tuple[Any, ...] | None = _run(sql, parameters, methodcaller("fetchone"), hot=hot)
    return row


def fetch_all(sql: str, parameters: Sequence[Any], *, hot: bool = False) -> list[tuple[Any, ...]]:
    """Every row of the answer."""
    return list(_run(sql, parameters, methodcaller("fetchall"), hot=hot))


def for_update(*, skip_locked: bool = False) -> str:
    """The clause that locks the rows of a SELECT; SQLite has none, as its transactions lock the file at BEGIN.

    With `skip_locked` rows that another transaction holds are left out where the database can do that, else waited for.
    """
    features = database().features
    if not features.has_select_for_update:
        return ""
    return " FOR UPDATE SKIP LOCKED" if skip_locked and features.has_select_for_update_skip_locked else " FOR UPDATE"


def for_share() -> str:
    """As `for_update`, against writers only: several transactions may hold it at once."""
    if not database().features.has_select_for_update:
        return ""
    # The one spelling that MySQL and MariaDB have in common.
    return " LOCK IN SHARE MODE" if database().vendor == "mysql" else " FOR SHARE"


def conflict_target(*columns: str) -> list[str] | None:
    """For Django's `bulk_create(update_conflicts=True)`: MySQL takes any unique key and lets none be named."""
    return list(columns) if database().features.supports_update_conflicts_with_target else None


def write_together(inserts: Iterable[Insert]) -> None:
    """All of the rows or none, durable when this returns.

    On PostgreSQL outside a transaction they travel as one simple query, which the server runs as one
    transaction: one round trip instead of one a statement plus BEGIN and COMMIT.
    """
    statements = [insert.statement() for insert in inserts]
    connection = database()
    if connection.vendor == "postgresql" and not connection.in_atomic_block:
        connection.ensure_connection()
        with connection.wrap_database_errors:
            sql = ";\n".join(as_prepared(connection, statement) for statement, _ in statements)
        execute(sql, [value for _, parameters in statements for value in parameters])
        return
    with atomically():
        for statement, parameters in statements:
            execute(statement, parameters)


def insert_many(insert: Insert) -> None:
    """Thousands of rows, in the caller's transaction: by COPY on PostgreSQL, else by statements of bounded size."""
    connection = database()
    if connection.vendor == "postgresql":
        _copy(insert)
        return
    for rows in _chunks(insert.rows, min(_ROWS_A_STATEMENT, _PARAMETERS_A_STATEMENT // len(insert.columns))):
        execute(*insert._replace(rows=rows).statement())


# SQLite takes 32,766 parameters a statement; MySQL's default packet is 16 MiB, in which a byte may take two.
_PARAMETERS_A_STATEMENT = 30_000
_ROWS_A_STATEMENT = 500
_BYTES_A_STATEMENT = 4 * 1024 * 1024


def _chunks(rows: Sequence[Sequence[Any]], most: int) -> Iterator[list[Sequence[Any]]]:
    """The rows in order, at most so many at a time and no more bytes than a statement may carry."""
    chunk: list[Sequence[Any]] = []
    size = 0
    for row in rows:
        length = sum(len(value) for value in row if isinstance(value, bytes))
        if chunk and (len(chunk) == most or size + length > _BYTES_A_STATEMENT):
            yield chunk
            chunk, size = [], 0
        chunk.append(row)
        size += length
    if chunk:
        yield chunk


def _copy(insert: Insert) -> None:
    lines = ["\t".join(map(_copy_field, row)) for row in insert.rows]
    connection = database()
    sql = f"COPY {insert.table} ({', '.join(insert.columns)}) FROM STDIN"
    with connection.cursor() as cursor, connection.wrap_database_errors:
        cursor.copy_expert(sql, _CopyData("\n".join([*lines, ""])))


class _CopyData(io.StringIO):
    """Read in large pieces, whatever the driver asks for: after each it must wait for other threads to yield."""

    def read(self, size: int | None = -1, /) -> str:
        return super().read(size if size is None or size < 0 else max(size, _COPY_PIECE))


_COPY_PIECE = 1 << 20


_COPY_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def _copy_field(value: Any) -> str:
    """One value in PostgreSQL's text format of COPY."""
    if value is None:
        return "\\N"
    if isinstance(value, bytes):
        return "\\\\x" + value.hex()
    return str(value).translate(_COPY_ESCAPES) if isinstance(value, str) else str(value)


class Update(NamedTuple):
    """New values for some columns of rows found by their key; all names are code, never input."""

    table: str
    key: tuple[str, ...]
    columns: tuple[str, ...]


def update_many(update: Update, rows: Sequence[Sequence[Any]]) -> None:
    """For each row the values of its key and then the new ones; in the caller's transaction, which holds the rows.

    On PostgreSQL it is one statement, else one a row.
    """
    if not rows:
        return
    connection = database()
    if connection.vendor == "postgresql":
        row = f"({', '.join(_typed(value) for value in rows[0])})"
        execute(_update_sql(update, row, len(rows)), [value for row in rows for value in row])
        return
    changes = ", ".join(f"{column} = %s" for column in update.columns)
    where = " AND ".join(f"{column} = %s" for column in update.key)
    key = len(update.key)
    values = [[adapt(value, connection) for value in (*row[key:], *row[:key])] for row in rows]
    with connection.cursor() as cursor:
        cursor.executemany(f"UPDATE {update.table} SET {changes} WHERE {where}", values)  # noqa: S608 - our own SQL


def _typed(value: Any) -> str:
    """Within VALUES PostgreSQL takes what it is given for text."""
    return "%s::uuid" if isinstance(value, UUID) else "%s"


@lru_cache(maxsize=64)
def _update_sql(update: Update, row: str, rows: int) -> str:
    changes = ", ".join(f"{column} = v.{column}" for column in update.columns)
    where = " AND ".join(f"t.{column} = v.{column}" for column in update.key)
    names = ", ".join((*update.key, *update.columns))
    given = ", ".join([row] * rows)
    return f"UPDATE {update.table} t SET {changes} FROM (VALUES {given}) v ({names}) WHERE {where}"  # noqa: S608 - our own SQL


def write_if(guard: Statement, inserts: Iterable[Insert]) -> bool:
    """Run the UPDATE `guard` and, where it changed a row, the inserts: all of it or nothing.

    Whether the guard changed a row. On PostgreSQL it is one statement. Within the caller's transaction it is the
    caller who undoes what an exception interrupted.
    """
    if database().vendor == "postgresql":
        return _write_if_at_once(guard, inserts)
    with nullcontext() if database().in_atomic_block else atomically():
        if not execute(*guard):
            return False
        for insert in inserts:
            execute(*insert.statement())
    return True


def _write_if_at_once(guard: Statement, inserts: Iterable[Insert]) -> bool:
    guarded = [insert.statement_if() for insert in inserts]
    steps = "".join(f", step{number} AS ({sql})" for number, (sql, _) in enumerate(guarded))
    sql = f"WITH guard AS ({guard[0]} RETURNING 1){steps} SELECT count(*) FROM guard"  # noqa: S608 - our own SQL
    row = fetch_one(sql, [*guard[1], *(value for _, parameters in guarded for value in parameters)], hot=True)
    return row is not None and row[0] > 0


def fetch_recording(select: Statement, insert: Insert) -> tuple[Any, ...] | None:
    """The row that `select` finds and, in case it finds one, `insert` committed (or part of the caller's transaction).

    On PostgreSQL it is one statement and so one round trip.
    """
    if database().vendor == "postgresql":
        recorded, values = insert.statement_if()
        sql = f"WITH guard AS ({select[0]}), recorded AS ({recorded}) SELECT * FROM guard"  # noqa: S608 - our own SQL
        return fetch_one(sql, [*select[1], *values], hot=True)
    row = fetch_one(*select)
    if row is not None:
        execute(*insert.statement())
    return row


_ATTEMPTS = 10


def retrying(attempt: Callable[[], T]) -> T:
    """What `attempt` returns, tried again while the database undoes it in favour of others.

    Within the caller's transaction it is tried once: what the database undoes is that whole transaction, so it is the
    caller who must begin again.

    Raises:
        Unavailable: it has lost too many races.
    """
    for _ in range(_ATTEMPTS):
        try:
            return attempt()
        except OperationalError as error:
            if database().in_atomic_block or not is_lost_race(error):
                raise
    raise Unavailable


def retrying_if_taken(attempt: Callable[[], T]) -> T:
    """As `retrying`, tried again also where somebody else has stored what must be unique since `attempt` looked.

    `attempt` is a transaction of its own, or within the caller's one a savepoint, and looks again each time.
    """
    for _ in range(_ATTEMPTS):
        try:
            return retrying(attempt)
        except IntegrityError:
            continue
    raise Unavailable


# PostgreSQL: serialization_failure, deadlock_detected. MySQL and MariaDB: ER_LOCK_DEADLOCK, ER_CHECKREAD.
_LOST_RACES = frozenset({"40001", "40P01", 1213, 1020})


def is_lost_race(error: OperationalError) -> bool:
    """Whether the database undid this transaction in favour of another, so that it may simply be tried again."""
    cause = error.__cause__
    return getattr(cause, "pgcode", None) in _LOST_RACES or (bool(error.args) and error.args[0] in _LOST_RACES)
