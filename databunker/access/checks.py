"""Settings of the login and of limits that show at start whether they can be used."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from databunker import periods
from databunker.errors import BadRequest

from .rates import RATES
from .throttle import parse_limit
from .throttle_stores import REDIS_SCHEMES

__all__ = ["check_login"]

_LIMITS = (
    "LOGIN_CODES_PER_PERSON",
    "LOGIN_CODES_PER_ADDRESS",
    "LOGIN_TRIES_PER_PERSON",
    "LOGIN_TRIES_PER_ADDRESS",
    "CAPTCHA_PICTURES_PER_ADDRESS",
    "RECEIPTS_PER_ADDRESS",
    "REPORTS_PER_PERSON",
)


@register()
def check_login(**_: Any) -> list[CheckMessage]:
    """Limits and periods can be read."""
    problems: list[CheckMessage] = []
    for name in (*_LIMITS, *RATES):
        try:
            if name in _LIMITS or getattr(settings, name):
                parse_limit(getattr(settings, name))
        except ValueError as error:
            problems.append(Error(f"{name}: {error}", id="access.E001"))
    if settings.THROTTLE_STORE and not settings.THROTTLE_STORE.startswith(REDIS_SCHEMES):
        problems.append(Error(f"THROTTLE_STORE must begin with {' or '.join(REDIS_SCHEMES)}", id="access.E003"))
    try:
        seconds = periods.seconds_of(settings.LOGIN_TOKEN_LIFE)
    except BadRequest:
        seconds = 0
    if seconds < 1:
        problems.append(Error("LOGIN_TOKEN_LIFE must be a period such as 600s or 1h", id="access.E002"))
    return problems
