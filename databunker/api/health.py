"""`/livez` and `/readyz`: what load balancers and orchestrators ask, without a token."""

from __future__ import annotations

from typing import ClassVar

from django.http import HttpResponse

from databunker import readiness
from databunker.api.answers import raw
from databunker.api.endpoint import Call, Endpoint

__all__ = ["Live", "Ready"]

_TEXT = "text/plain; charset=utf-8"


class Live(Endpoint):
    """`GET /livez`: that this process answers. It asks nobody: a database that is away is cured by no restart."""

    public: ClassVar = {"GET": None}
    schema = None

    def get(self, call: Call) -> HttpResponse:  # noqa: ARG002 - every handler takes a call
        return raw(b"ok", content_type=_TEXT)


class Ready(Endpoint):
    """`GET /readyz`: `ok`, or 503 and the one part that isn't ready; see `readiness.missing_part`."""

    public: ClassVar = {"GET": None}
    schema = None

    def get(self, call: Call) -> HttpResponse:  # noqa: ARG002 - every handler takes a call
        missing = readiness.missing_part()
        if missing is None:
            return raw(b"ok", content_type=_TEXT)
        return raw(missing.encode(), status=503, content_type=_TEXT)
