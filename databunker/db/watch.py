"""A database server that hangs, neither answering nor gone, must not keep the threads of a server for ever."""

from __future__ import annotations

import os
import re
import socket
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

from django.db import DEFAULT_DB_ALIAS, connections

from .statements import connections_of_threads

__all__ = ["Watch"]

_SWITCHES = re.compile(r"^voluntary_ctxt_switches:\s+([0-9]+)$", re.MULTILINE)


class _Wait(NamedTuple):
    """A thread that sleeps while its connection has a statement under way."""

    since: float
    switches: int


class Watch:
    """Of the threads of one process: made before they open their connections, and asked now and then.

    The driver of MySQL has a time limit of its own. PostgreSQL's has none, and the server's (`statement_timeout`) is of
    no use when the server is what hangs. To a waiting thread nothing is added: here somebody else looks whether it has
    been woken since the last look, and if not for too long, ends the connection under it. The thread gets the same
    error as when the server goes away.
    """

    def __init__(self, *, seconds: int) -> None:
        self.seconds = seconds
        self._waits: dict[int, _Wait] = {}
        database: dict[str, Any] = connections.settings[DEFAULT_DB_ALIAS]
        self._postgresql = database["ENGINE"].endswith("postgresql")
        if database["ENGINE"].endswith("mysql"):
            database["OPTIONS"] = {"read_timeout": seconds, "write_timeout": seconds} | database["OPTIONS"]

    def look(self) -> int:
        """End the connections that have been waited for too long; how many."""
        if not self._postgresql:
            return 0
        waits: dict[int, _Wait] = {}
        ended = 0
        for thread, connection in connections_of_threads().items():
            driver = connection.connection
            if driver is None or driver.closed or not _has_statement(driver):
                continue
            wait = self._waits.get(thread)
            switches = _switches(thread)
            if wait is None or wait.switches != switches:
                wait = _Wait(time.monotonic(), switches)
            elif time.monotonic() - wait.since >= self.seconds:
                ended += _end(driver)
            waits[thread] = wait
        self._waits = waits
        return ended


def _has_statement(driver: Any) -> bool:
    from psycopg2.extensions import TRANSACTION_STATUS_ACTIVE  # noqa: PLC0415 - on PostgreSQL alone

    return bool(driver.get_transaction_status() == TRANSACTION_STATUS_ACTIVE)


def _switches(thread: int) -> int:
    """How often the thread has gone to sleep so far; it grows whenever the thread was woken in between."""
    with suppress(OSError):
        found = _SWITCHES.search(Path(f"/proc/self/task/{thread}/status").read_text(encoding="ascii"))
        if found is not None:
            return int(found[1])
    return -1


def _end(driver: Any) -> bool:
    descriptor: int = driver.fileno()
    try:
        # A duplicate, so that what is shut down is still that connection when its own thread closes it meanwhile.
        with socket.socket(fileno=os.dup(descriptor)) as connection:
            if driver.closed or driver.fileno() != descriptor:
                return False
            connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return False
    return True
