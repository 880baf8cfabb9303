"""Deployment mistakes that show at start, with what to do about them."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, Error, register

from databunker.errors import BadRequest

from . import identities, normalise, schema

__all__ = ["check_records"]


@register()
def check_records(**_: Any) -> list[CheckMessage]:
    """IDENTITY_FIELDS, USER_SCHEMA_FILE and DEFAULT_COUNTRY can be used as they are."""
    problems: list[CheckMessage] = []
    for number, probe in enumerate((identities.configured, schema.configured, normalise.check_country), start=1):
        try:
            probe()
        except (ValueError, BadRequest) as error:
            problems.append(Error(str(error), id=f"vault.E{number:03}"))
    return problems
