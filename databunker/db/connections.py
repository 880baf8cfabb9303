"""Database connections that live as long as their thread, at next to no cost a request."""

from __future__ import annotations

from django.core.cache import close_caches
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries

from .statements import database

__all__ = ["keep_connections", "replace_broken"]


def keep_connections() -> None:
    """Disconnect what Django does at the start and end of each request; a tenth of a short one (docs/performance.md).

    Nothing is lost: DATABASES sets neither an age of connections nor health checks, so all that Django's check
    would find is a connection that had an error, and that is what `replace_broken` is for. Caches that live in
    the process or in a pool of connections have nothing to close.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    request_started.disconnect(reset_queries)
    request_finished.disconnect(close_caches)


def replace_broken() -> None:
    """Close the thread's connection if anything went wrong with it; the next query opens a new one.

    Also one that still answers: it may lead to a server that is a replica by now, or to a file that could only be read
    when it was opened, and would refuse to write for ever.
    """
    connection = database()
    if connection.errors_occurred and not connection.in_atomic_block:
        connection.close()
