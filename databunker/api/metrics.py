"""Prometheus metrics. Labels are route templates, methods and codes: never a path, an identity or a token."""

from __future__ import annotations

import os
from functools import lru_cache

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Histogram,
    generate_latest,
    multiprocess,
)

__all__ = ["CONTENT_TYPE_LATEST", "UNRECORDED", "exposition", "observe"]

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)

_SECONDS = Histogram("databunker_request_seconds", "Time to answer a request.", ["route", "method"], buckets=_BUCKETS)
_REQUESTS = Counter("databunker_requests", "Requests answered.", ["route", "method", "status"])
UNRECORDED = Counter(
    "databunker_refusals_unrecorded", "Refusals of strangers and of people that were counted but not audited."
)


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
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(REGISTRY)
    of_all_workers = CollectorRegistry()
    multiprocess.MultiProcessCollector(of_all_workers)  # type: ignore[no-untyped-call]
    return generate_latest(of_all_workers)
