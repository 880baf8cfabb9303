"""A whole database as SQL text and back, by the tools that its operators use."""

from __future__ import annotations

import os
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.support.databases import Database

__all__ = ["RELEASE", "dump", "folder", "restore"]

# The release whose databases are kept; `make upgrade-dumps` makes them with the code as it stands.
RELEASE = "0.1.0"


def folder() -> Path:
    return Path(__file__).resolve().parent / RELEASE


def dump(database: Database) -> str:
    if database.kind == "sqlite":
        with closing(database.connect()) as connection:
            return "\n".join(connection.iterdump()) + "\n"
    if database.kind == "postgresql":
        return _run(database, "pg_dump", "--no-owner", "--no-privileges", "--inserts", "--rows-per-insert=50")
    return _run(
        database,
        "mariadb-dump",
        "--hex-blob",
        "--skip-comments",
        "--compact",
        "--skip-extended-insert",
        "--no-tablespaces",
    )


def restore(database: Database, text: str) -> None:
    """Into an empty one."""
    if database.kind == "sqlite":
        with closing(sqlite3.connect(database.path)) as connection:
            connection.executescript(text)
            connection.execute("PRAGMA journal_mode = WAL")
    elif database.kind == "postgresql":
        _run(database, "psql", "--quiet", "--no-psqlrc", "--set=ON_ERROR_STOP=1", text=text)
    else:
        _run(database, "mariadb", text="SET foreign_key_checks = 0;\n" + text)


def _run(database: Database, tool: str, *options: str, text: str = "") -> str:
    parts = urlsplit(database.url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    host, port = parts.hostname or "", str(parts.port or (5432 if database.kind == "postgresql" else 3306))
    if database.kind == "postgresql":
        where = [f"--host={host}", f"--port={port}", f"--username={user}", "--no-password", database.name]
        secret = {"PGPASSWORD": password}
    else:
        where = [f"--host={host}", f"--port={port}", f"--user={user}", "--default-character-set=utf8mb4", database.name]
        secret = {"MYSQL_PWD": password}
        options = ("--no-defaults", *options)
    done = subprocess.run(
        [tool, *options, *where], input=text, capture_output=True, text=True, check=False, env=os.environ | secret
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
