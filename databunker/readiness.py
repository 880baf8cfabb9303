"""Whether this process can serve now: asked every few seconds by load balancers, so it costs four small reads."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from django.conf import settings
from django.db import Error as DatabaseError
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder

from databunker.crypto import store
from databunker.db.statements import fetch_one
from databunker.errors import VaultError
from databunker.notify import delivery, jobs

__all__ = ["missing_part", "outbox_lag"]


def missing_part() -> str | None:
    """The first part that isn't ready, in one word that tells a stranger nothing; None where all is well.

    `database` doesn't answer; `migrations` of this release are missing; the `keyring` can't be opened; messages in
    the `outbox` have been due for longer than READY_OUTBOX_LAG_SECONDS.
    """
    return next((part for part, works in _PARTS.items() if not _holds(works)), None)


def outbox_lag() -> dict[str, int]:
    """For each kind of message, for how many seconds the one that is due for longest has waited for its turn."""
    return jobs.lag(delivery.kinds())


def _holds(works: Callable[[], bool]) -> bool:
    try:
        return works()
    except (DatabaseError, VaultError):
        return False


def _database() -> bool:
    return fetch_one("SELECT 1", []) is not None


def _migrations() -> bool:
    """A database that a newer release has migrated is as good: releases are taken up one host after the other."""
    return set(MigrationRecorder.Migration.objects.values_list("app", "name")) >= _known_migrations()


@cache
def _known_migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def _keyring() -> bool:
    return len(store.current_keyring()) > 0


def _outbox() -> bool:
    most: int = settings.READY_OUTBOX_LAG_SECONDS
    return most == 0 or max(outbox_lag().values(), default=0) <= most


_PARTS: dict[str, Callable[[], bool]] = {
    "database": _database,
    "migrations": _migrations,
    "keyring": _keyring,
    "outbox": _outbox,
}
