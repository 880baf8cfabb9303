"""Traces of requests for OpenTelemetry: the route's template, method, code and times. Never a path, header or value.

Off unless TRACING_URL is set; the packages it needs (`requirements-otel.txt`) are asked for only then. A span is made
when its request has been answered, so that nothing stands between a caller and the answer.
"""

from __future__ import annotations

import time
from functools import cache
from importlib.util import find_spec
from threading import Lock
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register
from django.http import HttpRequest
from django.http.response import HttpResponseBase

__all__ = ["observe"]

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
_FAULT = 500
_making = Lock()


def observe(request: HttpRequest, response: HttpResponseBase, *, seconds: float) -> None:
    """Hand on a span for this answer, where traces are wanted; a child of the caller's, which `traceparent` names."""
    if not settings.TRACING_URL:
        return
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - see above
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator  # noqa: PLC0415

    with _making:
        tracer = _tracer()
    parent = {"traceparent": request.META.get("HTTP_TRACEPARENT", "")}
    match = request.resolver_match
    route = str(match.route) if match else ""
    method = request.method if request.method in _METHODS else "other"
    ended = time.time_ns()
    span = tracer.start_span(
        f"{method} {route}".strip(),
        context=TraceContextTextMapPropagator().extract(parent),
        kind=SpanKind.SERVER,
        start_time=ended - int(seconds * 1e9),
        attributes={
            "http.request.method": method,
            "http.route": route,
            "http.response.status_code": response.status_code,
            "databunker.request_id": response.headers.get("X-Request-ID", ""),
        },
    )
    if response.status_code >= _FAULT:
        span.set_status(Status(StatusCode.ERROR))
    span.end(end_time=ended)


@cache
def _tracer() -> Any:
    """Made by the process that serves, after it was forked: what sends the spans is a thread of its own."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": settings.TRACING_SERVICE}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.TRACING_URL)))
    return provider.get_tracer("databunker")


@register()
def check_packages(**_: Any) -> list[CheckMessage]:
    """What makes traces is installed where they are wanted."""
    if settings.TRACING_URL and find_spec("opentelemetry") is None:
        return [Error("TRACING_URL needs the packages of requirements-otel.txt", id="tracing.E001")]
    return []
