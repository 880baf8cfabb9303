"""gunicorn's thread worker, less the walk through its main thread between two requests of one connection."""

from __future__ import annotations

import select
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

__all__ = ["LingeringWorker"]

_LINGER_MILLIS = 2


class LingeringWorker(ThreadWorker):  # type: ignore[misc] # gunicorn has no types
    """A thread that has answered waits a moment for the connection's next request before it gives it back.

    gthread hands a connection to its main thread after each request, which polls it and hands it to a thread
    again: under load that is more than half of what a worker does (docs/performance.md). A thread lingers only
    while no other connection waits for one.
    """

    def handle(self, conn: Any) -> Any:
        while True:
            result = super().handle(conn)
            if result is not True or not self.alive or not self._has_next(conn):
                return result

    def _has_next(self, conn: Any) -> bool:
        if not self.tpool._work_queue.empty():  # noqa: SLF001 - the executor tells nobody how much waits
            return False
        if conn.parser.unreader.buf.getvalue():
            return True
        poller = select.poll()
        poller.register(conn.sock, select.POLLIN)
        return bool(poller.poll(_LINGER_MILLIS))
