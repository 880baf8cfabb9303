"""One host at a time: for work that must not run twice at once, such as setting up the database."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from databunker.errors import Unavailable

from .statements import database, fetch_one

__all__ = ["setup_lock"]

_ADVISORY_LOCK = 0x6461746162756E6B  # "databunk"
_NAME = "databunker.setup"
_NAME_LENGTH = 64
_SECONDS = 300


@contextmanager
def setup_lock() -> Iterator[None]:
    """Held by one process over all hosts of the same database; the others wait.

    Raises:
        Unavailable: MySQL's lock could not be had within five minutes.
    """
    connection = database()
    if connection.vendor == "postgresql":
        fetch_one("SELECT pg_advisory_lock(%s)", [_ADVISORY_LOCK])
        try:
            yield
        finally:
            fetch_one("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])
    elif connection.vendor == "mysql":
        # The lock is of the whole server: its name says of which database.
        name = f"{_NAME}.{connection.settings_dict['NAME']}"[:_NAME_LENGTH]
        if fetch_one("SELECT GET_LOCK(%s, %s)", [name, _SECONDS]) != (1,):
            raise Unavailable("another host has been setting up this database for too long")
        try:
            yield
        finally:
            fetch_one("SELECT RELEASE_LOCK(%s)", [name])
    else:
        path = Path(str(connection.settings_dict["NAME"]) + ".lock")
        with path.open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
