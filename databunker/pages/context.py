"""What every template knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import get_language

from databunker.colours import stylesheet_version
from databunker.ui import ui_configuration

__all__ = ["THEMES", "THEME_COOKIE", "page"]

THEME_COOKIE = "theme"
THEMES = ("auto", "light", "dark")


def page(request: HttpRequest) -> dict[str, Any]:
    """Also for pages that tell of a failure before any layer has done its work."""
    theme = request.COOKIES.get(THEME_COOKIE, "")
    return {
        "request": request,
        "nonce": getattr(request, "csp_nonce", ""),
        "ui": ui_configuration(),
        "colours": stylesheet_version(),
        "theme": theme if theme in THEMES else THEMES[0],
        "language": get_language() or settings.LANGUAGE_CODE,
        "languages": settings.LANGUAGES,
        "messages": getattr(request, "_messages", []),
        # Where the switches of theme and language lead back to: a form's answer has no address to go back to.
        "here": request.get_full_path() if request.method in ("GET", "HEAD") else request.path,
    }
