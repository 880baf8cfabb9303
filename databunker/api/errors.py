"""From an exception to an answer, in one place for every route."""

from __future__ import annotations

import logging

from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.http.request import RawPostDataException, UnreadablePostError

from databunker.crypto.errors import CryptoError
from databunker.errors import AccessDenied, BadRequest, NotFound, Unavailable, VaultError

from .answers import failure
from .authentication import request_id

__all__ = ["as_refusal", "endpoint_missing", "named", "server_error", "to_answer"]

_log = logging.getLogger("databunker.api")
_LEGACY_STATUS = 405
_INTERNAL = "internal error"


def as_refusal(error: Exception) -> VaultError | None:
    """The refusal that `error` amounts to, or None for a fault of ours."""
    if isinstance(error, CryptoError):
        return None
    if isinstance(error, VaultError):
        return error
    if isinstance(error, DatabaseError):
        return Unavailable()
    if isinstance(error, UnreadablePostError | RawPostDataException):
        return BadRequest("the request body could not be read")
    if isinstance(error, SuspiciousOperation):
        return BadRequest("the request is malformed")
    return None


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
    return failure(refusal.message, status=_status(refusal))


def _status(error: VaultError) -> int:
    """With V1_LEGACY_STATUS the peer's codes: 403 for a refused token, 405 for every other error."""
    if settings.V1_LEGACY_STATUS and not isinstance(error, AccessDenied | Unavailable):
        return _LEGACY_STATUS
    return error.http_status


def endpoint_missing(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Django's `handler404`."""
    return named(failure("endpoint is missing", status=_status(NotFound())), request)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: what failed before a view was reached."""
    return named(failure(_INTERNAL, status=500), request)


def named(response: HttpResponse, request: HttpRequest) -> HttpResponse:
    """The answer with the request's id, by which its events and log lines are found."""
    response.headers["X-Request-ID"] = str(request_id(request))
    return response
