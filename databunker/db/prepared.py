"""Statements that PostgreSQL parses and plans once a connection rather than at each call.

psycopg2 sends text, so the statement is prepared in SQL: `PREPARE name AS …`, then `EXECUTE name (…)`. That
lives as long as the session; a pooler that gives each transaction another session can't be used with it, see
the setting DATABASE_PREPARED_STATEMENTS.
"""

from __future__ import annotations

import itertools
import threading
from functools import lru_cache
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper

__all__ = ["as_prepared"]

# Far more than the hot path has; a bound, should a caller ever make statements of ever new shapes.
_MAX_STATEMENTS = 200


class _Session(threading.local):
    """What this thread's connection has prepared: the driver's connection, and the EXECUTE for each statement."""

    driver: Any = None
    known: dict[str, str]


_session = _Session()


def as_prepared(connection: BaseDatabaseWrapper, sql: str) -> str:
    """The EXECUTE that runs `sql` with the same parameters, prepared now where that hasn't happened; else `sql`."""
    if connection.vendor != "postgresql" or "%s" not in sql or not settings.DATABASE_PREPARED_STATEMENTS:
        return sql
    driver = connection.connection
    if _session.driver is not driver:
        _session.driver, _session.known = driver, {}
    execute = _session.known.get(sql)
    if execute is not None:
        return execute
    if len(_session.known) >= _MAX_STATEMENTS:
        return sql
    name = f"databunker_{len(_session.known)}"
    with driver.cursor() as cursor:
        cursor.execute(f"PREPARE {name} AS {_numbered(sql)}")
    execute = f"EXECUTE {name} ({', '.join(['%s'] * sql.count('%s'))})"
    _session.known[sql] = execute
    return execute


@lru_cache(maxsize=_MAX_STATEMENTS)
def _numbered(sql: str) -> str:
    """`%s` as `$1`, `$2`, …; none of our statements has it in a literal."""
    pieces = sql.split("%s")
    numbers = (f"${number}" for number in itertools.count(1))
    return "".join(piece + next(numbers) for piece in pieces[:-1]) + pieces[-1]
