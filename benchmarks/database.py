"""A PostgreSQL database for one measurement: made, looked over and dropped again, whatever happens."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import AbstractContextManager, closing
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg2
from psycopg2 import sql

from benchmarks.errors import HarnessError

__all__ = ["ScratchDatabase", "durability", "server_settings"]

DEFAULT_SERVER = "postgres://postgres@127.0.0.1:5432/postgres"
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")
SHOWN = ("server_version", *DURABILITY, "wal_level", "wal_sync_method", "shared_buffers", "max_wal_size",
         "checkpoint_timeout", "max_connections")  # fmt: skip


def _server_url() -> str:
    return os.environ.get("BENCH_DATABASE_URL", DEFAULT_SERVER)


class ScratchDatabase(AbstractContextManager["ScratchDatabase"]):
    """A new, empty database on the server that BENCH_DATABASE_URL names; dropped by force on the way out."""

    def __init__(self, label: str) -> None:
        self.name = f"databunker_bench_{os.getpid()}_{label}"

    @property
    def url(self) -> str:
        return urlunsplit(urlsplit(_server_url())._replace(path=f"/{self.name}"))

    def __enter__(self) -> ScratchDatabase:
        self._on_server("CREATE DATABASE {}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._on_server("DROP DATABASE IF EXISTS {} WITH (FORCE)")

    def _on_server(self, statement: str) -> None:
        _run(_server_url(), sql.SQL(statement).format(sql.Identifier(self.name)))

    def execute(self, statement: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Run one statement outside a transaction; its rows, if it has any."""
        return _run(self.url, statement, parameters)

    def settle(self) -> None:
        """What autovacuum and the checkpointer would do in the next minutes, done now, so that no run pays for it."""
        self.execute("VACUUM (ANALYZE)")
        self.execute("CHECKPOINT")

    def megabytes(self) -> float:
        return float(self.execute("SELECT pg_database_size(current_database())")[0][0]) / 1e6


def _run(url: str, statement: Any, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
    try:
        connection = psycopg2.connect(url)
    except psycopg2.OperationalError as error:
        raise HarnessError(f"PostgreSQL can't be reached (set BENCH_DATABASE_URL): {error}".strip()) from error
    with closing(connection):
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return list(cursor.fetchall()) if cursor.description else []


def server_settings() -> list[tuple[str, str]]:
    """The settings that decide what a commit costs, as the server has them."""
    return [(name, str(_run(_server_url(), f"SHOW {name}")[0][0])) for name in SHOWN]


def durability(settings: Sequence[tuple[str, str]]) -> None:
    """
    Raises:
        HarnessError: a committed transaction might be lost, so a figure would mean nothing.
    """
    off = [name for name, value in settings if name in DURABILITY and value != "on"]
    if off:
        raise HarnessError(f"PostgreSQL must run with its default durability; not on: {', '.join(off)}")
