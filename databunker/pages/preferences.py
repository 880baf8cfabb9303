"""What a visitor has chosen: theme and language, each by a form that works without a script and kept in a cookie."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.views.decorators.http import require_POST

from .context import THEME_COOKIE, THEMES
from .views import safe_path

__all__ = ["set_language", "set_theme"]

_YEAR = 365 * 24 * 60 * 60


def _back(request: HttpRequest) -> HttpResponse:
    response = HttpResponseRedirect(safe_path(request, request.POST.get("next", ""), default="/"))
    response.status_code = 303
    return response


def _keep(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(
        name, value, max_age=_YEAR, secure=settings.PAGES_HTTPS, httponly=True, samesite="Lax", path="/"
    )


@require_POST
def set_theme(request: HttpRequest) -> HttpResponse:
    response = _back(request)
    theme = request.POST.get("theme", "")
    if theme in THEMES:
        _keep(response, THEME_COOKIE, theme)
    return response


@require_POST
def set_language(request: HttpRequest) -> HttpResponse:
    response = _back(request)
    language = request.POST.get("language", "")
    if language in dict(settings.LANGUAGES):
        _keep(response, settings.LANGUAGE_COOKIE_NAME, language)
    return response
