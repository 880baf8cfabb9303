"""Deployment mistakes that show at start, with what to do about them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from databunker import periods
from databunker.access.scopes import purpose_name
from databunker.errors import BadRequest

from . import requests

__all__ = ["check_holidays", "check_purposes", "check_retention"]


@register()
def check_retention(**_: Any) -> list[CheckMessage]:
    """Settings of retention can be used as they are."""
    return [
        Error(f"{name} must be a period such as 30s, 5h, 10d or 1m (a month)", id=f"gdpr.E{number:03}")
        for number, (name, value) in enumerate(_periods(), start=1)
        if not _is_period(value)
    ]


def _periods() -> list[tuple[str, str]]:
    required = [(name, getattr(settings, name)) for name in ("MAX_USER_RETENTION", "PENDING_AGREEMENT_RETENTION")]
    optional = [(name, getattr(settings, name)) for name in ("MAX_AUDIT_RETENTION", "FORGET_ME_COOLING_OFF")]
    return required + [(name, value) for name, value in optional if value]


def _is_period(text: str) -> bool:
    try:
        return periods.seconds_of(text) > 0
    except BadRequest:
        return False


@register()
def check_purposes(**_: Any) -> list[CheckMessage]:
    """RESTRICTED_PURPOSES are purposes that a caller can send."""
    if all(map(_is_purpose, settings.RESTRICTED_PURPOSES)):
        return []
    return [
        Error("RESTRICTED_PURPOSES must be words of letters, digits, dots, hyphens and underscores", id="gdpr.E011")
    ]


def _is_purpose(text: str) -> bool:
    try:
        purpose_name(text)
    except BadRequest:
        return False
    return True


@register()
def check_holidays(**_: Any) -> list[CheckMessage]:
    """HOLIDAYS can be used as they are."""
    try:
        requests.holidays()
    except ValueError:
        return [Error("HOLIDAYS must be dates such as 2027-01-01, separated by commas", id="gdpr.E010")]
    return []
