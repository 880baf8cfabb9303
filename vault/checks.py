"""Deployment mistakes that show at start, with what to do about them."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from databunker import periods
from databunker.errors import BadRequest

from . import identities, normalise, schema

__all__ = ["check_records"]


@register()
def check_records(**_: Any) -> list[CheckMessage]:
    """Settings of the vault can be used as they are."""
    problems: list[CheckMessage] = []
    probes = (identities.configured, schema.configured, normalise.check_country, _check_retention)
    for number, probe in enumerate(probes, start=1):
        try:
            probe()
        except (ValueError, BadRequest) as error:
            problems.append(Error(str(error), id=f"vault.E{number:03}"))
    return problems


def _check_retention() -> None:
    """
    Raises:
        ValueError: a retention setting is no period.
    """
    for name in ("MAX_SESSION_RETENTION", "MAX_SHAREABLE_RECORD_RETENTION"):
        try:
            seconds = periods.seconds_of(getattr(settings, name))
        except BadRequest:
            seconds = 0
        if seconds < 1:
            raise ValueError(f"{name} must be a period such as 30s, 5h, 10d or 1m (a month)")
