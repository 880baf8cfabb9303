"""`/docs`: the OpenAPI document as a page, with everything it needs from this server."""

from __future__ import annotations

import gzip
import zlib
from functools import cache
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, ClassVar

from django.conf import settings
from django.http import HttpResponse

from databunker.errors import NotFound

from .answers import raw
from .endpoint import Call, Endpoint

__all__ = ["DocsAsset", "DocsPage", "assets_version"]

_OURS = Path(settings.RESOURCES) / "static" / "docs"
_SWAGGER_UI: Any = files("drf_spectacular_sidecar") / "static" / "drf_spectacular_sidecar" / "swagger-ui-dist"
_SCRIPT, _STYLE = "text/javascript; charset=utf-8", "text/css; charset=utf-8"
# Only these are served: a name in a path never becomes a file's name.
_ASSETS: dict[str, tuple[Any, str]] = {
    "favicon-32x32.png": (_SWAGGER_UI / "favicon-32x32.png", "image/png"),
    "start.js": (_OURS / "start.js", _SCRIPT),
    "swagger-ui-bundle.js": (_SWAGGER_UI / "swagger-ui-bundle.js", _SCRIPT),
    "swagger-ui.css": (_SWAGGER_UI / "swagger-ui.css", _STYLE),
}
# Scripts and styles from here alone, none inline; Swagger UI's style sheet has its icons as data: URLs.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_PAGE_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Cache-Control": "no-cache",
}


@cache
def _asset(name: str) -> bytes:
    content: bytes = _ASSETS[name][0].read_bytes()
    return content


@cache
def _packed(name: str) -> bytes:
    return gzip.compress(_asset(name), mtime=0)


@cache
def assets_version() -> str:
    """A name for these very assets: a browser may keep what stands under it for ever."""
    checksum = 0
    for name in sorted(_ASSETS):
        checksum = zlib.crc32(_asset(name), checksum)
    return f"{checksum:08x}"


@cache
def _page() -> bytes:
    return Template((_OURS / "index.html").read_text()).substitute(version=assets_version()).encode()


class DocsPage(Endpoint):
    """`GET /docs`: Swagger UI over `/v1/openapi.json`."""

    public: ClassVar = {"GET": None}
    schema = None

    def get(self, call: Call) -> HttpResponse:  # noqa: ARG002 - every handler takes a call
        response = raw(_page(), content_type="text/html; charset=utf-8")
        for name, value in _PAGE_HEADERS.items():
            response.headers[name] = value
        return response


class DocsAsset(Endpoint):
    """`GET /docs/{version}/{name}`: a script, style sheet or picture of the page."""

    public: ClassVar = {"GET": None}
    schema = None

    def get(self, call: Call, version: str, name: str) -> HttpResponse:
        if version != assets_version() or name not in _ASSETS:
            raise NotFound("not found")
        packs = "gzip" in call.request.META.get("HTTP_ACCEPT_ENCODING", "")
        response = raw(_packed(name) if packs else _asset(name), content_type=_ASSETS[name][1])
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        response.headers["Vary"] = "Accept-Encoding"
        if packs:
            response.headers["Content-Encoding"] = "gzip"
        return response
