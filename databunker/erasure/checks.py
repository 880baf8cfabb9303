"""Mistakes in where the erasure journal goes, shown at start."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, register

from databunker.notify.checks import check_signed_url

__all__ = ["check_journal_url"]


@register()
def check_journal_url(**_: Any) -> list[CheckMessage]:
    """ERASURE_JOURNAL_URL can be called, and what is sent there can be signed."""
    return check_signed_url("ERASURE_JOURNAL_URL", prefix="erasure")
