"""Database connections that live as long as their thread, at no cost a request."""

from __future__ import annotations

from typing import Any

from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries

from .statements import database

__all__ = ["keep_connections"]


def keep_connections() -> None:
    """Put one cheap check in the place of Django's own, which look at every connection twice a request.

    Nothing is lost: DATABASES sets neither an age nor health checks, so all that Django's would find is a
    connection that had an error.
    """
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    request_started.disconnect(reset_queries)
    request_started.connect(_replace_broken)


def _replace_broken(**_: Any) -> None:
    """Close the thread's connection if it failed and no longer answers; the next query opens a new one."""
    connection = database()
    if connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
