"""A vault that `manage.py init` has made once, copied for every test that wants one of its own.

Migrating takes seconds, a copy some milliseconds. All copies have the keys of the first: a test that is about keys
makes its vault anew, by `Vault.init`.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from .databases import KIND, Database, scratch_database, server_statement, url_of

__all__ = ["Prepared", "copied_database"]


@dataclass(frozen=True)
class Prepared:
    """What the copies are made of, and its secrets."""

    database: Database
    master_key: str
    root_token: str


Make = Callable[[Path, Database], tuple[str, str]]


@functools.cache
def _prepared(make: Make) -> Prepared:
    """Made when it is first asked for; gone with the process. `make` fills an empty database and tells the secrets."""
    stack = ExitStack()
    atexit.register(stack.close)
    folder = Path(tempfile.mkdtemp(prefix="databunker-prepared-"))
    stack.callback(shutil.rmtree, folder, ignore_errors=True)
    database = stack.enter_context(scratch_database(folder))
    return Prepared(database, *make(folder, database))


@contextmanager
def copied_database(folder: Path, make: Make) -> Iterator[Prepared]:
    """A database of its own that holds what `make` put into the first one; dropped afterwards."""
    prepared = _prepared(make)
    with _COPY[KIND](prepared.database, folder) as database:
        yield Prepared(database, prepared.master_key, prepared.root_token)


@contextmanager
def _copied_sqlite(original: Database, folder: Path) -> Iterator[Database]:
    with scratch_database(folder) as database:
        shutil.copyfile(original.path, database.path)  # nobody has it open, so nothing of it is in its log
        yield database


@contextmanager
def _copied_postgresql(original: Database, _: Path) -> Iterator[Database]:
    name = f"scratch_{uuid.uuid4().hex}"
    server_statement(f"CREATE DATABASE {name} TEMPLATE {original.name}")
    try:
        yield Database(url_of(name))
    finally:
        server_statement(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def _copied_mysql(original: Database, folder: Path) -> Iterator[Database]:
    with scratch_database(folder) as database:
        tables = original.tables()
        definitions = [original.rows(f"SHOW CREATE TABLE {table}")[0][1] for table in tables]
        rows = [f"INSERT INTO {table} SELECT * FROM {original.name}.{table}" for table in tables]
        database.run("SET foreign_key_checks = 0", *definitions, *rows)
        yield database


_COPY = {"sqlite": _copied_sqlite, "postgresql": _copied_postgresql, "mysql": _copied_mysql}
