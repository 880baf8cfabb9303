"""From an exception to an answer, in one place for every route."""

from __future__ import annotations

import logging
from typing import TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from databunker.errors import AccessDenied, NotFound, Throttled, Unavailable, VaultError
from databunker.refusals import as_refusal

from .answers import failure
from .authentication import request_id

__all__ = ["endpoint_missing", "named", "server_error", "to_answer"]

_log = logging.getLogger("databunker.api")
_LEGACY_STATUS = 405
_INTERNAL = "internal error"
Response = TypeVar("Response", bound=HttpResponseBase)


def to_answer(error: Exception, *, route: str, method: str, request_id: str) -> HttpResponse:
    """The answer to a failed request. What the caller must not see goes to the log: type and place, no values."""
    refusal = as_refusal(error)
    context = {"route": route, "method": method, "request_id": request_id, "error": type(error).__name__}
    if refusal is None:
        _log.error("request failed", exc_info=error, extra=context)
        return failure(_INTERNAL, status=500)
    if isinstance(refusal, Unavailable):
        _log.error("a dependency is down", exc_info=error, extra=context)
        # The reason may name the keyring or the database: for the log only.
        return failure(Unavailable.message, status=_status(refusal))
    response = failure(refusal.message, status=_status(refusal), **refusal.shown)
    if isinstance(refusal, Throttled):
        response.headers["Retry-After"] = str(refusal.retry_after)
    return response


def _status(error: VaultError) -> int:
    """With V1_LEGACY_STATUS the peer's codes: 403 for a refused token, 405 for every error that the peer knows."""
    if settings.V1_LEGACY_STATUS and not isinstance(error, AccessDenied | Throttled | Unavailable):
        return _LEGACY_STATUS
    return error.http_status


def endpoint_missing(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Django's `handler404`."""
    return named(failure("endpoint is missing", status=_status(NotFound())), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: what failed before a view was reached."""
    _log.error("request failed", exc_info=True, extra={"request_id": str(request_id(request))})
    return named(failure(_INTERNAL, status=500), request)


def named(response: Response, request: HttpRequest) -> Response:
    """The answer with the request's id, by which its events and log lines are found."""
    response.headers["X-Request-ID"] = str(request_id(request))
    return response
