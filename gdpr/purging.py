"""Rows that have ended are deleted in small batches; several hosts may do so at once, and each row goes once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.conf import settings
from django.db import models

from audit import retention, trail
from databunker import periods
from databunker.access.actor import operator
from databunker.access.models import AccessToken, TokenKind, Unlock
from databunker.db.statements import atomically, database, retrying
from vault.models import Session, SharedRecord

from .events import MAINTENANCE_DONE

__all__ = ["delete_events", "delete_sessions", "delete_shares", "delete_tokens", "delete_unlocks"]

_MICROS = 1_000_000


def _purge(name: str, rows: models.QuerySet[Any], key: str, limit: int) -> int:
    """Delete at most `limit` of `rows`, told apart by the column `key`; how many. One event for each tenant."""

    def attempt() -> int:
        with atomically():
            skip = database().features.has_select_for_update_skip_locked
            ended = rows.select_for_update(skip_locked=skip).order_by("expires").values_list(key, "tenant")[:limit]
            found = list(ended)
            # Still with the condition: SQLite has no locks of rows, but this transaction is alone there.
            rows.filter(**{f"{key}__in": [value for value, _ in found]}).delete()
            _tell(name, Counter(tenant for _, tenant in found))
            return len(found)

    return retrying(attempt)


def _tell(name: str, counts: Mapping[int, int]) -> None:
    for tenant, count in counts.items():
        actor = replace(operator(), tenant=tenant)
        trail.record(actor, MAINTENANCE_DONE, detail={"message": f"{name}: {count}"})


def delete_sessions(now: int, limit: int) -> int:
    return _purge("sessions", Session.objects.filter(expires__lte=now), "digest", limit)


def delete_shares(now: int, limit: int) -> int:
    return _purge("shared records", SharedRecord.objects.filter(expires__lte=now), "digest", limit)


def delete_tokens(now: int, limit: int) -> int:
    """Access tokens of people, made by their logins. Those of applications stay, for `access_token list`."""
    return _purge("tokens of people", AccessToken.objects.filter(kind=TokenKind.PERSON, expires__lte=now), "id", limit)


def delete_unlocks(now: int, limit: int) -> int:
    return _purge("unlocks", Unlock.objects.filter(expires__lte=now), "digest", limit)


def delete_events(now: int, limit: int) -> int:
    """Events of the trail older than MAX_AUDIT_RETENTION; none where that is not set."""
    if not settings.MAX_AUDIT_RETENTION:
        return 0
    before = (now - periods.seconds_of(settings.MAX_AUDIT_RETENTION)) * _MICROS

    def attempt() -> int:
        with atomically():
            counts = retention.delete_events_before(before, limit)
            _tell("events", counts)
            return sum(counts.values())

    return retrying(attempt)
