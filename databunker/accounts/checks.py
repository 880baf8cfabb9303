"""Settings of the console that show at start whether they can be used."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from databunker.access.throttle import parse_limit

__all__ = ["check_console"]

_LIMITS = ("CONSOLE_TRIES_PER_ACCOUNT", "CONSOLE_TRIES_PER_ADDRESS")


@register()
def check_console(**_: Any) -> list[CheckMessage]:
    """Limits can be read."""
    problems: list[CheckMessage] = []
    for name in _LIMITS:
        try:
            parse_limit(getattr(settings, name))
        except ValueError as error:
            problems.append(Error(f"{name}: {error}", id="accounts.E001"))
    return problems
