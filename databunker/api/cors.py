"""Cross-origin calls (Fetch standard, CORS protocol): closed unless CORS_ALLOWED_ORIGINS names the origin."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers

from .answers import failure

__all__ = ["allow", "preflight"]

_HEADERS = "Authorization, Content-Type, X-Bunker-Purpose, X-Bunker-Token, X-Bunker-Tenant, X-Request-ID"
_MAX_AGE = "600"


def _origin(request: HttpRequest) -> str:
    """The caller's origin where it is allowed, else nothing."""
    origin: str = request.META.get("HTTP_ORIGIN", "")
    return origin if origin in settings.CORS_ALLOWED_ORIGINS else ""


def allow(request: HttpRequest, response: HttpResponseBase) -> None:
    """Let the allowed origin read `response`."""
    patch_vary_headers(response, ["Origin"])
    origin = _origin(request)
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
        response.headers["Access-Control-Expose-Headers"] = "X-Request-ID"


def preflight(request: HttpRequest, methods: list[str]) -> HttpResponse:
    """The answer to OPTIONS: 204 for an allowed origin and for callers that are no browser page, else 403."""
    if request.META.get("HTTP_ORIGIN") and not _origin(request):
        return failure("origin not allowed", status=403)
    response = HttpResponse(status=204)
    del response.headers["Content-Type"]
    response.headers["Allow"] = ", ".join([*methods, "OPTIONS"])
    if _origin(request):
        response.headers["Access-Control-Allow-Methods"] = ", ".join(methods)
        response.headers["Access-Control-Allow-Headers"] = _HEADERS
        response.headers["Access-Control-Max-Age"] = _MAX_AGE
    return response
