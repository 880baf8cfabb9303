"""Status and metrics."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import Error as DatabaseError
from django.http import HttpResponse

from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require_some
from databunker.api import metrics
from databunker.api.answers import raw
from databunker.api.authentication import TokenAuthentication
from databunker.api.endpoint import Call, Endpoint
from databunker.db.statements import fetch_one

__all__ = ["Metrics", "Status"]

_TEXT = "text/plain; charset=utf-8"


class Status(Endpoint):
    """`GET /status`: whether the database answers."""

    public: ClassVar = {"GET": None}

    def get(self, call: Call) -> HttpResponse:  # noqa: ARG002 - every handler takes a call
        try:
            fetch_one("SELECT 1", [])
        except DatabaseError:
            return raw(b"error", status=500, content_type=_TEXT)
        return raw(b"OK", content_type=_TEXT)


class Metrics(Endpoint):
    """`GET /v1/metrics`: Prometheus text, for METRICS_ALLOWED_ADDRESSES or with a token. No personal data."""

    public: ClassVar = {"GET": None}

    def get(self, call: Call) -> HttpResponse:
        # Behind a proxy that nobody told us of, every caller has the proxy's address.
        unknown_proxy = not settings.TRUSTED_PROXIES and "HTTP_X_FORWARDED_FOR" in call.request.META
        if unknown_proxy or call.actor.address not in settings.METRICS_ALLOWED_ADDRESSES:
            actor: Actor = TokenAuthentication().authenticate(call.request)[0]
            require_some(actor, Permission.METRICS_READ)
        return raw(metrics.exposition(), content_type=metrics.CONTENT_TYPE_LATEST)
