"""Mistakes in where the heads of the trail go, shown at start."""

from __future__ import annotations

from typing import Any

from django.core.checks import CheckMessage, register

from databunker.notify.checks import check_signed_url

__all__ = ["check_witness_url"]


@register()
def check_witness_url(**_: Any) -> list[CheckMessage]:
    """AUDIT_WITNESS_URL can be called, and what is sent there can be signed."""
    return check_signed_url("AUDIT_WITNESS_URL", prefix="audit")
