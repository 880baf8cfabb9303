"""Prometheus metrics. Labels are route templates, methods and codes: never a path, an identity or a token."""

from __future__ import annotations

import os
from functools import lru_cache

from django.db import Error as DatabaseError
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
)

from databunker.errors import VaultError

__all__ = ["CONTENT_TYPE_LATEST", "TURNED_AWAY", "exposition", "observe"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_SECONDS = Histogram("databunker_request_seconds", "Time to answer a request.", ["route", "method"], buckets=_BUCKETS)
_REQUESTS = Counter("databunker_requests", "Requests answered.", ["route", "method", "status"])
TURNED_AWAY = Counter("databunker_turned_away", "Requests answered 503 unread because the server was too busy.")


@lru_cache(maxsize=1024)
def _instruments(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
    return _REQUESTS.labels(route, method, status), _SECONDS.labels(route, method)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})


def observe(route: str, method: str, status: int, seconds: float) -> None:
    """Count an answered request; a method that no route has is a caller's own text and becomes `other`."""
    requests, duration = _instruments(route, method if method in _METHODS else "other", status)
    requests.inc()
    duration.observe(seconds)


def exposition() -> bytes:
    """All metrics in Prometheus' text format: of every worker where PROMETHEUS_MULTIPROC_DIR is set."""
    return _of_processes() + _of_the_vault()


def _of_processes() -> bytes:
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    of_all_workers = CollectorRegistry()
    multiprocess.MultiProcessCollector(of_all_workers)  # type: ignore[no-untyped-call]
    return generate_latest(of_all_workers)


def _of_the_vault() -> bytes:
    """What stands in the database, the same on every host; left out while that can't be reached."""
    # The server counts before Django is set up.
    from audit.search import unsealed_seconds  # noqa: PLC0415
    from databunker.keys import key_measures  # noqa: PLC0415
    from databunker.readiness import outbox_lag  # noqa: PLC0415
    from databunker.watch.incidents import recent_by_kind  # noqa: PLC0415
    from gdpr import maintenance  # noqa: PLC0415

    try:
        counts, keys, lag = recent_by_kind(), key_measures(), outbox_lag()
        failing, unsealed = maintenance.failing(), unsealed_seconds()
    except (DatabaseError, VaultError):
        return b""
    registry = CollectorRegistry()
    incidents = Gauge("databunker_incidents", "Incidents that went on within a day.", ["kind"], registry=registry)
    for kind, count in counts.items():
        incidents.labels(kind).set(count)
    numbers = Gauge("databunker_keys", "Keys of the keyring.", ["purpose"], registry=registry)
    ages = Gauge("databunker_key_age_seconds", "Age of the newest key.", ["purpose"], registry=registry)
    for purpose, number in keys.numbers.items():
        numbers.labels(purpose.value).set(number)
        ages.labels(purpose.value).set(keys.ages[purpose])
    waited = Gauge("databunker_outbox_lag_seconds", "For how long messages have been due.", ["kind"], registry=registry)
    for message, seconds in lag.items():
        waited.labels(message).set(seconds)
    failed = Gauge("databunker_task_failed", "Whether a task's latest run failed.", ["task"], registry=registry)
    for task, fails in failing.items():
        failed.labels(task).set(fails)
    waiting = Gauge("databunker_audit_unsealed_seconds", "For how long an event waits to be sealed.", registry=registry)
    waiting.set(unsealed)
    if keys.outdated is not None:
        Gauge("databunker_rewrap_rows", "Rows under an older data key.", registry=registry).set(keys.outdated)
    return generate_latest(registry)
