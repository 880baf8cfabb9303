"""Request bodies: JSON and forms, bounded and strict."""

from __future__ import annotations

import re
from typing import Any

from django.conf import settings
from django.http import HttpRequest

from databunker import jsontext
from databunker.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType

__all__ = ["FORM", "JSON", "read_object", "read_value"]

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
_MAX_LENGTH_DIGITS = 15  # Python refuses to read numbers of thousands of digits
_EMPTY = "empty request body"
_NOT_ENCODED = "the form is not URL-encoded UTF-8"
_ESCAPE = re.compile(rb"%([0-9A-Fa-f]{2})")


def read_object(request: HttpRequest, *, limit: int) -> dict[str, Any]:
    """The body as an object; `limit` is in bytes.

    Raises:
        BadRequest, PayloadTooLarge, UnsupportedMediaType: see `read_value`; also where it is no object.
    """
    value = read_value(request, limit=limit)
    if not isinstance(value, dict):
        raise BadRequest("the request body must be an object")
    return value


def read_value(request: HttpRequest, *, limit: int) -> Any:
    """The body as a JSON value, or as an object of strings where it is a form.

    Raises:
        BadRequest: empty, or malformed; see `databunker.jsontext` for what JSON must keep to.
        PayloadTooLarge: more than `limit` bytes.
        UnsupportedMediaType: neither JSON nor a form, or not in UTF-8.
    """
    body = _read(request, limit)
    content_type = request.content_type
    if content_type not in (JSON, FORM):
        if not body:
            raise BadRequest(_EMPTY)
        raise UnsupportedMediaType(f"send the body as {JSON} or {FORM}, and say so in Content-Type")
    charset = (request.content_params or {}).get("charset", "utf-8")
    if charset.lower() not in ("utf-8", "utf8"):
        raise UnsupportedMediaType("the body must be in UTF-8")
    if not body.strip():
        raise BadRequest(_EMPTY)
    return jsontext.loads(body) if content_type == JSON else _form(body)


def _read(request: HttpRequest, limit: int) -> bytes:
    """At most `limit` bytes; a larger body is refused by its announced length, before it is read."""
    announced = request.META.get("CONTENT_LENGTH") or ""
    if announced:
        if not (announced.isascii() and announced.isdecimal()):
            raise BadRequest("Content-Length is not a number")
        if len(announced) > _MAX_LENGTH_DIGITS or int(announced) > limit:
            raise PayloadTooLarge(f"the request body is larger than {limit} bytes")
        return request.body
    if request.META.get("HTTP_TRANSFER_ENCODING", "").lower() != "chunked":
        return b""
    # Django reads no body of unannounced length; the server has undone the chunks already.
    try:
        body: bytes = request.META["wsgi.input"].read(limit + 1)
    except Exception:  # noqa: BLE001 - each server has errors of its own for chunks that are none
        raise BadRequest("the request body could not be read") from None
    if len(body) > limit:
        raise PayloadTooLarge(f"the request body is larger than {limit} bytes")
    return body


def _form(body: bytes) -> dict[str, Any]:
    """The first value of each field."""
    if body.lstrip()[:1] in (b"{", b"["):
        raise BadRequest("the body is JSON but Content-Type says that it is a form")
    if body.count(b"&") >= settings.MAX_FORM_FIELDS:
        raise BadRequest(f"the form has more than {settings.MAX_FORM_FIELDS} fields")
    fields: dict[str, Any] = {}
    for field in filter(None, body.split(b"&")):
        name, _, value = field.partition(b"=")
        fields.setdefault(_decoded(name), _decoded(value))
    return fields


def _decoded(part: bytes) -> str:
    """As `urllib.parse.unquote_plus` has it, which takes a hundred times the size of a part that is all percent signs.

    Raises:
        BadRequest: it is not UTF-8.
    """
    if not part.isascii():
        raise BadRequest(_NOT_ENCODED)
    try:
        return _ESCAPE.sub(_byte, part.replace(b"+", b" ")).decode()
    except UnicodeDecodeError:
        raise BadRequest(_NOT_ENCODED) from None


def _byte(escape: re.Match[bytes]) -> bytes:
    return bytes((int(escape[1], 16),))
