"""Text messages, by the HTTP gateway that SMS_URL describes, as the peer's configuration does.

`_PHONE_`, `_FROM_`, `_TOKEN_` and `_MSG_` in the URL and the body are replaced by what they stand for, each written
as its place demands, in one pass: a message that says `_TOKEN_` gets none.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from html import escape
from urllib.parse import quote

import orjson
from django.conf import settings

from . import outgoing
from .errors import NotConfigured
from .kinds import Delivery

__all__ = ["PLACEHOLDER", "deliver", "header"]

PLACEHOLDER = re.compile("_(?:PHONE|FROM|TOKEN|MSG)_")


def deliver(delivery: Delivery) -> None:
    """
    Raises:
        NotConfigured: SMS_URL was unset meanwhile.
        OSError, OutgoingError, HTTPException: see `outgoing.send`.
    """
    if not settings.SMS_URL:
        raise NotConfigured
    said = orjson.loads(delivery.payload)
    values = {
        "_PHONE_": said["to"],
        "_FROM_": settings.SMS_FROM,
        "_TOKEN_": settings.SMS_TOKEN,
        "_MSG_": said["text"],
    }
    headers = {"User-Agent": "databunker"}
    body = b""
    if settings.SMS_METHOD == "POST":
        headers["Content-Type"] = settings.SMS_CONTENT_TYPE
        body = _filled(settings.SMS_BODY, values, _writer(settings.SMS_CONTENT_TYPE)).encode()
    if settings.SMS_BASIC_AUTH:
        headers["Authorization"] = f"Basic {base64.b64encode(settings.SMS_BASIC_AUTH.encode()).decode()}"
    if settings.SMS_CUSTOM_HEADER:
        name, value = header(settings.SMS_CUSTOM_HEADER)
        headers[name] = value
    url = _filled(settings.SMS_URL, values, _in_url)
    outgoing.send(settings.SMS_METHOD, url, body=body, headers=headers, seconds=settings.NOTIFICATION_TIMEOUT_SECONDS)


def header(text: str) -> tuple[str, str]:
    """Name and value of `Name: value`.

    Raises:
        ValueError: it is no header.
    """
    found = _HEADER.fullmatch(text)
    if found is None:
        raise ValueError("SMS_CUSTOM_HEADER must be written `Name: value`")
    return found[1], found[2]


_HEADER = re.compile(r"([A-Za-z0-9-]+): *([!-~](?:[ -~]*[!-~])?)")


def _filled(text: str, values: dict[str, str], write: Callable[[str], str]) -> str:
    return PLACEHOLDER.sub(lambda found: write(values[found[0]]), text)


def _writer(content_type: str) -> Callable[[str], str]:
    """How a value is written inside a body of this type."""
    plain = content_type.partition(";")[0].strip().lower()
    if plain == "application/x-www-form-urlencoded":
        return _in_url
    if plain.endswith("json"):
        return lambda value: orjson.dumps(value)[1:-1].decode()
    if plain.endswith("xml"):
        return escape
    return str


def _in_url(value: str) -> str:
    return quote(value, safe="")
