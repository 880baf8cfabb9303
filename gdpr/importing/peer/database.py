"""The other vault's database, read only, in one snapshot: SQLite, PostgreSQL and MySQL by their own drivers."""

from __future__ import annotations

import re
import sqlite3
import sys
import warnings
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import environ

from ..errors import ImportRefused, ImportStopped

__all__ = ["Column", "PeerDatabase", "Row", "open_peer"]

Row = dict[str, Any]
_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}", re.ASCII)
_FETCHED_AT_ONCE = 500
_SECONDS_BETWEEN_READS = 3600


class Column(NamedTuple):
    """A column to order by; `missing` stands in for NULL."""

    name: str
    missing: str | int


class _Kind(NamedTuple):
    """How one kind of server is reached and spoken to. `ordered` is how a text sorts by its bytes."""

    quote: str
    parameter: str
    ordered: str
    tables: str
    stream: Callable[[Any], Any]


def _mysql_stream(connection: Any) -> Any:
    from MySQLdb.cursors import SSCursor  # noqa: PLC0415 - only there where MySQL is used

    return connection.cursor(SSCursor)


_KINDS = {
    "sqlite3": _Kind(
        '"', "?", "{}", "SELECT name FROM sqlite_master WHERE type = 'table'", lambda connection: connection.cursor()
    ),
    "postgresql": _Kind(
        '"', "%s", "{}",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = current_schema()",
        lambda connection: connection.cursor(name="databunker_import"),
    ),
    "mysql": _Kind(
        "`", "%s", "BINARY {}",
        "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
        _mysql_stream,
    ),
}  # fmt: skip


class PeerDatabase:
    """Two connections: one streams a table, the other looks up what belongs to the rows at hand."""

    def __init__(self, kind: str, connect: Callable[[], Any]) -> None:
        self._kind = _KINDS[kind]
        self._begin = _BEGIN[kind]
        self._reading = self._begun(connect)
        self._looking = self._begun(connect)

    def _begun(self, connect: Callable[[], Any]) -> Any:
        try:
            connection = connect()
            with closing(connection.cursor()) as cursor:
                for statement in self._begin:
                    cursor.execute(statement)
        except ImportRefused:
            raise
        except Exception as error:  # noqa: BLE001 - of three drivers; its text may quote the password
            raise ImportRefused(f"the Databunker database can't be reached or read ({type(error).__name__})") from None
        return connection

    def close(self) -> None:
        self._reading.close()
        self._looking.close()

    def tables(self) -> dict[str, int]:
        """Every table and how many rows it has."""
        names = sorted(str(row[0]) for row in self._ask(self._kind.tables))
        return {name: self._count(name) for name in names if _NAME.fullmatch(name)}

    def _count(self, table: str) -> int:
        return int(self._ask(f"SELECT count(*) FROM {self._quoted(table)}")[0][0])  # noqa: S608 - a checked name

    def columns(self, table: str) -> set[str]:
        with closing(self._looking.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM {self._quoted(table)} WHERE 1 = 0")  # noqa: S608 - a checked name
            return {column[0] for column in cursor.description}

    def sample(self, table: str, column: str, *, number: int) -> list[Row]:
        """Some rows in which this column holds something."""
        name, held = self._quoted(table), self._quoted(column)
        with closing(self._looking.cursor()) as cursor:
            cursor.execute(f"SELECT * FROM {name} WHERE {held} IS NOT NULL AND {held} <> '' LIMIT {number:d}")  # noqa: S608 - checked names
            names = [found[0] for found in cursor.description]
            return [dict(zip(names, map(_plain, row), strict=True)) for row in cursor.fetchall()]

    def rows(self, table: str, order: Sequence[Column], *, after: Sequence[Any] | None) -> Generator[Row, None, None]:
        """The rows in this order, from behind the one whose order values are `after`.

        Raises:
            ImportStopped: the connection is lost.
        """
        keys = ", ".join(self._key(column) for column in order)
        name, where = self._quoted(table), ""
        if after is not None:
            where = f"WHERE ({keys}) > ({', '.join([self._kind.parameter] * len(order))})"
        sql = f"SELECT * FROM {name} {where} ORDER BY {keys}"  # noqa: S608 - checked names
        try:
            with closing(self._kind.stream(self._reading)) as cursor:
                cursor.execute(sql, tuple(after or ()))
                names: list[str] = []
                while found := cursor.fetchmany(_FETCHED_AT_ONCE):
                    names = names or [column[0] for column in cursor.description]
                    yield from (dict(zip(names, map(_plain, row), strict=True)) for row in found)
        except _driver_errors() as error:
            raise ImportStopped(f"the Databunker database can't be read any further ({type(error).__name__})") from None

    def record_keys(self, tokens: Sequence[str]) -> dict[str, Any]:
        """The record keys of these people as they stand in their column, by token; None of who was forgotten."""
        if not tokens:
            return {}
        wanted = ", ".join([self._kind.parameter] * len(tokens))
        key = self._quoted("key")
        sql = f"SELECT token, {key} FROM users WHERE token IN ({wanted})"  # noqa: S608 - our own names
        return {str(_plain(token)).lower(): _plain(found) for token, found in self._ask(sql, tuple(tokens))}

    def _ask(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        with closing(self._looking.cursor()) as cursor:
            cursor.execute(sql, parameters)
            return list(cursor.fetchall())

    def _key(self, column: Column) -> str:
        missing = "''" if column.missing == "" else str(int(column.missing))
        text = f"COALESCE({self._quoted(column.name)}, {missing})"
        return self._kind.ordered.format(text) if column.missing == "" else text

    def _quoted(self, name: str) -> str:
        """
        Raises:
            ValueError: not a plain name. Names of tables come from the other database.
        """
        if not _NAME.fullmatch(name):
            raise ValueError("not the name of a table of Databunker")
        return f"{self._kind.quote}{name}{self._kind.quote}"


def _plain(value: Any) -> Any:
    return value.decode(errors="replace") if isinstance(value, bytes | bytearray) else value


_BEGIN: dict[str, tuple[str, ...]] = {
    "sqlite3": ("PRAGMA query_only = ON", "BEGIN"),
    "postgresql": ("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    "mysql": (
        f"SET SESSION net_write_timeout = {_SECONDS_BETWEEN_READS}",
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",
    ),
}


def _driver_errors() -> tuple[type[Exception], ...]:
    """Whatever the driver in use raises when the server or the file is gone."""
    loaded = (sys.modules.get(name) for name in ("psycopg2", "MySQLdb"))
    return (sqlite3.Error, *(module.Error for module in loaded if module is not None))


@contextmanager
def open_peer(url: str) -> Iterator[PeerDatabase]:
    """
    Raises:
        ImportRefused: the URL names no database of a known kind, or it can't be reached, or it isn't Databunker's.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one of them shows the URL, with its password
            config = dict(environ.Env.db_url_config(url))
    except Exception:  # noqa: BLE001 - whatever the library makes of it; without its cause, which may quote the password
        raise ImportRefused("--database-url can't be read; it has the form of DATABASE_URL") from None
    kind = str(config.get("ENGINE", "")).rpartition(".")[2]
    if kind not in _CONNECT:
        raise ImportRefused("--database-url must begin with sqlite:///, postgres:// or mysql://")
    database = PeerDatabase(kind, lambda: _CONNECT[kind](config))
    try:
        _require_databunker(database)
        yield database
    finally:
        database.close()


def _require_databunker(database: PeerDatabase) -> None:
    tables = database.tables()
    if not {"users", "xtokens", "audit"} <= set(tables) or not {"token", "key", "data"} <= database.columns("users"):
        raise ImportRefused("there is no Databunker in this database: it has no table of users as Databunker makes it")


def _connect_sqlite(config: dict[str, Any]) -> Any:
    path = Path(config["NAME"])
    if not path.is_file():
        raise ImportRefused("the file that --database-url names does not exist; Databunker's ends with .db")
    connection = sqlite3.connect(f"file:{quote(str(path.absolute()))}?mode=ro", uri=True, isolation_level=None)
    connection.text_factory = lambda text: text.decode(errors="replace")
    return connection


def _connect_postgresql(config: dict[str, Any]) -> Any:
    import psycopg2  # noqa: PLC0415 - only where it is used

    return psycopg2.connect(
        host=config["HOST"] or None, port=config["PORT"] or None, user=config["USER"] or None,
        password=config["PASSWORD"] or None, dbname=config["NAME"], **(config.get("OPTIONS") or {}),
    )  # fmt: skip


def _connect_mysql(config: dict[str, Any]) -> Any:
    try:
        import MySQLdb  # noqa: PLC0415 - only there where MySQL is used
    except ImportError:
        raise ImportRefused("MySQL needs the package mysqlclient: pip install -r requirements-mysql.txt") from None
    return MySQLdb.connect(
        host=config["HOST"] or "127.0.0.1", port=int(config["PORT"] or 3306), user=config["USER"] or "",
        password=config["PASSWORD"] or "", database=config["NAME"], charset="utf8mb4",
        **(config.get("OPTIONS") or {}),
    )  # fmt: skip


_CONNECT: dict[str, Callable[[dict[str, Any]], Any]] = {
    "sqlite3": _connect_sqlite,
    "postgresql": _connect_postgresql,
    "mysql": _connect_mysql,
}
