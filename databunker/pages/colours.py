"""The operator's colours as a stylesheet of ours: no page has a style inside."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from databunker import colours

__all__ = ["stylesheet"]

_YEAR = 365 * 24 * 60 * 60


@require_safe
def stylesheet(request: HttpRequest) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Asked for under its version, and kept for ever."""
    headers = {"Cache-Control": f"public, max-age={_YEAR}, immutable"}
    return HttpResponse(colours.stylesheet(), content_type="text/css; charset=utf-8", headers=headers)
