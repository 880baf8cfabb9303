"""Pages that tell of a failure, in words for people and without a word about what is inside."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from typing import NamedTuple

from django.db import Error as DatabaseError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from databunker.callers import request_id
from databunker.errors import (
    AccessDenied,
    BadRequest,
    Conflict,
    NotFound,
    PayloadTooLarge,
    Throttled,
    Unavailable,
    UnsupportedMediaType,
    VaultError,
)

__all__ = ["bad_request", "csrf_refused", "explained", "not_found", "refusal_page", "server_error", "worded"]

_log = logging.getLogger("databunker.pages")


class _Words(NamedTuple):
    title: object
    text: object


_UNREADABLE = _Words(_("This can't be read"), _("Go back, check what you have entered, and try again."))
_REFUSALS: list[tuple[type[VaultError], _Words]] = [
    (AccessDenied, _Words(_("This is not for you"), _("Your account may not see this page or do this."))),
    (NotFound, _Words(_("Not found"), _("There is nothing here, or not any more."))),
    (Conflict, _Words(_("This does not go together"), _("Something has changed meanwhile. Go back and look again."))),
    (PayloadTooLarge, _Words(_("Too large"), _("What you have sent is too large."))),
    (Throttled, _Words(_("Too many tries"), _("Please wait a while and try again."))),
    (Unavailable, _Words(_("Not available"), _("Nothing was changed. Please try again in a minute."))),
    (BadRequest, _UNREADABLE),
    (UnsupportedMediaType, _UNREADABLE),
]
_FAULT = _Words(_("This did not work"), _("It is our fault, and it has been noted. Please try again later."))


def explained(error: VaultError) -> str:
    """What a form says of a refusal: our own words for it, in the language of the page."""
    return worded(error.template, error.places)


def worded(text: str, places: Mapping[str, str]) -> str:
    """A text in the language of the page, with what stands in its places; words of the API there, too."""
    told = gettext(text)
    return told % {name: place and gettext(place) for name, place in places.items()} if places else told


# The messages of `databunker.errors`, which knows no Django, and what stands in the places of others.
_WORDS = (
    gettext_noop("Access denied"),
    gettext_noop("this change needs approval"),
    gettext_noop("processing of this person's data is restricted"),
    gettext_noop("open"),
    gettext_noop("awaiting-identity"),
    gettext_noop("approved"),
    gettext_noop("canceled"),
    gettext_noop("refused"),
    gettext_noop("forget-me"),
    gettext_noop("change-profile"),
    gettext_noop("change-app-data"),
    gettext_noop("agreement-withdraw"),
)


def refusal_page(request: HttpRequest, error: VaultError) -> HttpResponse:
    """The page instead of the one that was asked for."""
    words = next((words for kind, words in _REFUSALS if isinstance(error, kind)), _FAULT)
    # A conflict says which; other messages are for the forms that they belong to.
    told = explained(error) if isinstance(error, Conflict) else ""
    response = _page(request, words, status=error.http_status, told=told)
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _page(request: HttpRequest, words: _Words, *, status: int, told: str = "") -> HttpResponse:
    context = {"title": words.title, "text": words.text, "told": told, "request_id": str(request_id(request))}
    return render(request, "error.html", context, status=status)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Django's `handler404`."""
    return refusal_page(request, NotFound())


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's signature
    """Django's `handler400`: a host name that is not ours, or a body that breaks the limits."""
    return refusal_page(request, BadRequest())


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's `handler500`: what failed is in the log, by type and place."""
    error = sys.exc_info()[1]
    context = {"request_id": str(request_id(request)), "error": type(error).__name__, "method": request.method}
    _log.error("page failed", exc_info=True, extra=context)
    if isinstance(error, DatabaseError | Unavailable):
        return refusal_page(request, Unavailable())
    return _page(request, _FAULT, status=500)


def csrf_refused(request: HttpRequest, reason: str = "") -> HttpResponse:  # noqa: ARG001 - Django's signature
    """A form that was not sent from a page of ours, or from one that was open for too long."""
    words = _Words(
        _("This form is too old"),
        _("It was not sent, so that nobody else can send it for you. Go back, load the page again, and send it anew."),
    )
    return _page(request, words, status=403)
