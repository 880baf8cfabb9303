"""Settings of keys that show at start whether they can be used."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from databunker.errors import BadRequest

from . import ageing

__all__ = ["check_keys"]


@register()
def check_keys(**_: Any) -> list[CheckMessage]:
    """The lifetime of keys can be read."""
    try:
        seconds = ageing.lifetime()
    except BadRequest:
        seconds = 0
    return [] if seconds else [Error("KEY_LIFETIME must be a period such as 365d", id="crypto.E001")]
