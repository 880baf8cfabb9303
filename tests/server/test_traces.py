"""A collector gets a span of each request, and nothing personal with it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.support.vaults import serving

pytestmark = pytest.mark.slow

MARKER = "zx9marker"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


class Collector(ThreadingHTTPServer):
    """Takes OTLP over HTTP."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        super().__init__(("127.0.0.1", 0), _Handler)

    def spans(self) -> list[Any]:
        service = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
        found = []
        for body in self.bodies:
            for resource in service.ExportTraceServiceRequest.FromString(body).resource_spans:
                found += [span for scope in resource.scope_spans for span in scope.spans]
        return found


class _Handler(BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            import gzip

            body = gzip.decompress(body)
        self.server.bodies.append(body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def collector() -> Iterator[Collector]:
    pytest.importorskip("opentelemetry.sdk", reason="needs requirements-otel.txt")
    with Collector() as running:
        Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def attributes(span: Any) -> dict[str, Any]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def test_every_request_is_a_span_without_anything_personal(collector: Collector, tmp_path: Path) -> None:
    url = f"http://127.0.0.1:{collector.server_port}/v1/traces"
    with serving(tmp_path, TRACING_URL=url, BUNKER_WORKERS="1") as server:
        caller = server.client()
        person = caller.create(login=MARKER, email=f"{MARKER}@example.com")
        parent = f"00-{TRACE}-{CALLER}-01"
        found = caller.call("GET", f"/v1/user/email/{MARKER}@example.com", traceparent=parent, x_marker=MARKER)
        assert caller.call("GET", f"/v1/user/login/{MARKER}2?{MARKER}").status == 404
        assert caller.call("GET", f"/my/data?{MARKER}", user_agent=MARKER).status in {302, 303}
        caller.close()
    # Stopped: what it still had it has sent on its way out.
    spans = collector.spans()
    by_request = {attributes(span)["databunker.request_id"]: span for span in spans}
    span = by_request[found.headers["x-request-id"]]
    assert span.name == "GET v1/user/<str:mode>/<identity:identity>"
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, CALLER)
    assert attributes(span)["http.response.status_code"] == 200
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 20 * 1e9
    assert abs(span.end_time_unix_nano / 1e9 - time.time()) < 600
    assert sorted(one.name for one in spans) == sorted(
        ["POST v1/user", span.name, "GET v1/user/<str:mode>/<identity:identity>", "GET my/data"]
    )
    sent = b"".join(collector.bodies).lower()
    for personal in (MARKER, person, server.vault.root_token):
        assert personal.encode() not in sent


def test_a_collector_that_is_away_holds_up_nobody(collector: Collector, tmp_path: Path) -> None:
    collector.shutdown()
    collector.server_close()
    with serving(tmp_path, TRACING_URL=f"http://127.0.0.1:{collector.server_port}/v1/traces") as server:
        caller = server.client()
        began = time.monotonic()
        for number in range(50):
            caller.create(login=f"ann{number}")
        assert time.monotonic() - began < 10
        caller.close()
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 15
