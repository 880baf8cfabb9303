"""The layers around every page, in the order in which settings.MIDDLEWARE has them. The API knows none of them."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils import translation
from django.utils.cache import patch_vary_headers

from databunker import tracing
from databunker.accounts import sessions as stored
from databunker.accounts.sessions import Audience, Session
from databunker.callers import request_id
from databunker.db.connections import replace_broken

__all__ = ["cookie_name", "faults", "headers", "language", "scheme", "sessions"]

Handler = Callable[[HttpRequest], HttpResponse]
_CONSOLE = "/console/"
_SERVER_ERROR = 500
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
