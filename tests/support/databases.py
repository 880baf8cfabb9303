"""A scratch database on the server, or in the folder, that DATABASE_URL names: made, looked into, dropped again."""

from __future__ import annotations

import os
import sqlite3
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit, urlunsplit

__all__ = ["KIND", "Database", "scratch_database", "server_statement", "url_of"]

_GIVEN = os.environ.get("DATABASE_URL", "")
_KINDS = {"": "sqlite", "sqlite": "sqlite", "postgres": "postgresql", "postgresql": "postgresql", "mysql": "mysql"}


def kind_of(url: str) -> str:
    return _KINDS[urlsplit(url).scheme]


# Of the databases that tests make for themselves.
KIND = kind_of(_GIVEN)

# Of the product; Django's own tables hold nothing of ours.
_TABLES = {
    "sqlite": "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
    "postgresql": "SELECT tablename FROM pg_tables WHERE schemaname = 'public'",
    "mysql": "SELECT table_name FROM information_schema.tables WHERE table_schema = database()",
}


@dataclass(frozen=True)
class Database:
    """Reached past the product, as an attacker or an operator would: by plain SQL."""

    url: str

    @property
    def path(self) -> Path:
        """The file of a SQLite database."""
        return Path(self.url.removeprefix("sqlite:///"))

    @property
    def kind(self) -> str:
        return kind_of(self.url)

    @property
    def name(self) -> str:
        return urlsplit(self.url).path.lstrip("/")

    def connect(self) -> Any:
        """A connection of its own that commits each statement."""
        if self.kind == "sqlite":
            return sqlite3.connect(self.path, timeout=30, isolation_level=None)
        return _connect(self.url)

    def rows(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement; its rows, if it has any."""
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute(statement, parameters or ())
            return [tuple(row) for row in cursor.fetchall()] if cursor.description else []

    def run(self, *statements: str) -> None:
        """Run these one after the other on one connection."""
        with closing(self.connect()) as connection, closing(connection.cursor()) as cursor:
            for statement in statements:
                cursor.execute(statement)

    def value(self, statement: str, parameters: Sequence[Any] = ()) -> Any:
        return self.rows(statement, parameters)[0][0]

    def tables(self) -> list[str]:
        return sorted(str(name) for (name,) in self.rows(_TABLES[self.kind]))

    def counts(self) -> dict[str, int]:
        """How many rows each table has."""
        return {table: self.value(f"SELECT count(*) FROM {table}") for table in self.tables()}


def _connect(url: str) -> Any:
    """
    Connect to a PostgreSQL or MySQL server.
    """
    parts, kind = urlsplit(url), kind_of(url)
    given = {
        "host": parts.hostname,
        "port": parts.port or (5432 if kind == "postgresql" else 3306),
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "database": parts.path.lstrip("/"),
    }
    if kind == "postgresql":
        import psycopg2

        connection = psycopg2.connect(**given)
        connection.autocommit = True
        return connection
    import MySQLdb

    return MySQLdb.connect(**given, charset="utf8mb4", autocommit=True)


def url_of(name: str) -> str:
    """Another database on the same server."""
    return urlunsplit(urlsplit(_GIVEN)._replace(path=f"/{name}"))


def server_statement(statement: str) -> list[tuple[Any, ...]]:
    """Run one statement on the server's own database, the one that DATABASE_URL names."""
    return Database(_GIVEN).rows(statement)


@contextmanager
def scratch_database(folder: Path) -> Iterator[Database]:
    """A new, empty database; whoever is still connected to it at the end is thrown out."""
    if KIND == "sqlite":
        yield Database(f"sqlite:///{folder / 'vault.sqlite3'}")
        return
    name = f"scratch_{uuid.uuid4().hex}"
    server_statement(f"CREATE DATABASE {name}")
    try:
        yield Database(url_of(name))
    finally:
        server_statement(f"DROP DATABASE {name}" + (" WITH (FORCE)" if KIND == "postgresql" else ""))
