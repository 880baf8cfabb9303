"""The layers around every page, in the order in which settings.MIDDLEWARE has them. The API knows none of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from time import perf_counter
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, UnreadablePostError
from django.utils import translation
from django.utils.cache import patch_vary_headers

from databunker import tracing
from databunker.accounts import sessions as stored
from databunker.accounts.sessions import Audience, Session
from databunker.callers import request_id
from databunker.db.connections import replace_broken
from databunker.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType, VaultError

from .errors import refusal_page

__all__ = ["MOST_OF_A_STRANGER", "BoundedForms", "cookie_name", "faults", "headers", "language", "scheme", "sessions"]

Handler = Callable[[HttpRequest], HttpResponse]
_CONSOLE = "/console/"
_SERVER_ERROR = 500
MOST_OF_A_STRANGER = 256 * 1024  # bytes; the largest form for everyone takes a receipt of 64 KiB, percent-encoded
_HEADERS = {
    # Our own addresses may be told to ourselves: Django's check of forms looks at them.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    # Pages are made for one person at one moment; files from `static` say otherwise themselves.
    "Cache-Control": "no-store",
}
_HSTS = f"max-age={365 * 24 * 60 * 60}"


def faults(get_response: Handler) -> Handler:
    """A connection to the database that has broken is replaced before it is used; the answer is traced, if wanted."""

    def middleware(request: HttpRequest) -> HttpResponse:
        started = perf_counter()
        replace_broken()
        response = get_response(request)
        tracing.observe(request, response, seconds=perf_counter() - started)
        return response

    return middleware


def headers(get_response: Handler) -> Handler:
    """What browsers must not do with a page."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if settings.PAGES_HTTPS:
            response.headers.setdefault("Strict-Transport-Security", _HSTS)
        response.headers.setdefault("X-Request-ID", str(request_id(request)))
        return response

    return middleware


def scheme(get_response: Handler) -> Handler:
    """Only under names of ours, and by the scheme that the browser sees: TLS ends before us."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if settings.PAGES_HTTPS:
            request.META["wsgi.url_scheme"] = "https"
        request.get_host()  # refuses a name that is not in ALLOWED_HOSTS
        return get_response(request)

    return middleware


def language(get_response: Handler) -> Handler:
    """The language chosen by cookie, else what the browser asks for.

    Only for the length of this request: the thread's next one may be an API call, whose texts are English.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        with translation.override(translation.get_language_from_request(request), deactivate=True):
            response = get_response(request)
            response.headers.setdefault("Content-Language", translation.get_language())
        patch_vary_headers(response, ("Accept-Language", "Cookie"))
        return response

    return middleware


def cookie_name(audience: Audience) -> str:
    """With a prefix by which browsers keep others from setting it, where there is HTTPS."""
    if not settings.PAGES_HTTPS:
        return audience.value
    return f"__Secure-{audience}" if audience is Audience.CONSOLE else f"__Host-{audience}"


def sessions(get_response: Handler) -> Handler:
    """`request.session`: the console's under its own path, the portal's elsewhere; each has a cookie of its own."""

    def middleware(request: HttpRequest) -> HttpResponse:
        audience = Audience.CONSOLE if request.path_info.startswith(_CONSOLE) else Audience.PORTAL
        session = stored.load(audience, request.COOKIES.get(cookie_name(audience)))
        request.session = session  # type: ignore[assignment] # ours is no SessionBase
        response = get_response(request)
        if response.status_code < _SERVER_ERROR:
            session.save()
        _set_cookie(request, response, session)
        return response

    return middleware


def _set_cookie(request: HttpRequest, response: HttpResponse, session: Session) -> None:
    name, path = cookie_name(session.audience), _CONSOLE if session.audience is Audience.CONSOLE else "/"
    held = request.COOKIES.get(name)
    if session.key is None:
        if held is not None:
            response.delete_cookie(name, path=path, samesite="Lax")
            response.cookies[name]["secure"] = settings.PAGES_HTTPS
    elif session.key_is_new:
        # Gone with the browser; the server says when it ends.
        response.set_cookie(name, session.key, path=path, secure=settings.PAGES_HTTPS, httponly=True, samesite="Lax")


class BoundedForms:
    """Refuses what is too large before Django's check of forms reads it, which comes ahead of every view.

    A form has at most `MOST_OF_A_STRANGER` bytes, from whoever has a session MAX_BODY_BYTES where that is more. No page
    takes files: they would be written to the disk before a view could refuse them. Nor may a percent sign stand for
    nothing, which no browser sends: Django would take hundreds of times the size of a form that is full of them.
    """

    def __init__(self, get_response: Handler) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, *_view: Any) -> HttpResponse | None:
        """Only where there is a page: whatever has no address is answered without its body being read."""
        refusal = _too_much(request)
        return refusal_page(request, refusal) if refusal else None


_LONE_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def _too_much(request: HttpRequest) -> VaultError | None:
    if request.content_type == "multipart/form-data":
        return UnsupportedMediaType()
    session: Session = request.session  # type: ignore[assignment] # ours, see `sessions`
    most = max(MOST_OF_A_STRANGER, settings.MAX_BODY_BYTES) if session.exists else MOST_OF_A_STRANGER
    if _announced(request) > most:
        return PayloadTooLarge()
    return BadRequest() if request.method == "POST" and _LONE_PERCENT.search(_read(request)) else None


def _read(request: HttpRequest) -> bytes:
    """The form, or nothing where it broke off: then there is no token in it either."""
    try:
        return request.body if request.content_type == "application/x-www-form-urlencoded" else b""
    except UnreadablePostError:
        return b""


def _announced(request: HttpRequest) -> int:
    """How many bytes Django would read: none of a body that comes without its length, or with one that is no number."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
