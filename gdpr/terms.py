"""What a caller says when accepting or withdrawing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from databunker import periods
from databunker.errors import BadRequest

from .agreement_states import Change
from .inputs import text_in

__all__ = ["Terms", "read_terms"]

_YES = frozenset({"accept", "agree", "approve", "given", "good", "ok", "on", "true", "y", "yes", "active", "1"})
_MAX_WORDS = 1024
_NUMBER = re.compile("[0-9]{1,9}")
# Agreements have no longest life of their own: the farthest that a period may reach.
_FARTHEST = 1000 * periods.seconds_of("1y")


class Terms(NamedTuple):
    """`starts` and `ends` are in Unix seconds; 0 and None: at once and never.

    `text_version` is of the texts that were there to read; None: those that are shown now.
    """

    change: Change
    method: str
    referencecode: str
    lastmodifiedby: str
    starts: int
    ends: int | None
    text_version: int | None = None


def read_terms(wish: Mapping[str, Any], *, now: int, change: Change | None = None) -> Terms:
    """`change` where the call itself says what is done, else what `status` says; without one it is accepted.

    Raises:
        BadRequest: a field is of another type, or can't be read.
    """
    wanted = _change(wish) if change is None else change
    starts = _time(wish, "starttime", now)
    ends = _end(wish, starts or now) if wanted is Change.ACCEPT else None
    return Terms(
        change=wanted,
        method=text_in(wish, "agreementmethod", longest=_MAX_WORDS) or "api",
        referencecode=text_in(wish, "referencecode", longest=_MAX_WORDS) or "",
        lastmodifiedby=text_in(wish, "lastmodifiedby", longest=_MAX_WORDS) or "",
        starts=starts if wanted is Change.ACCEPT else 0,
        ends=ends,
        text_version=_version(wish) if wanted is Change.ACCEPT else None,
    )


def _version(wish: Mapping[str, Any]) -> int | None:
    value = wish.get("textversion")
    if value is None or value == "":
        return None
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not _NUMBER.fullmatch(text):
        raise BadRequest("textversion must be the number of a version")
    return int(text)


def _change(wish: Mapping[str, Any]) -> Change:
    value = wish.get("status")
    if value is None:
        return Change.ACCEPT
    if not isinstance(value, str | int):
        raise BadRequest("status must be text such as yes or no")
    return Change.ACCEPT if str(value).strip().lower() in _YES else Change.WITHDRAW


def _time(wish: Mapping[str, Any], name: str, now: int) -> int:
    """A Unix time; 0 where none is given."""
    value = wish.get(name)
    if value is None or value == "":
        return 0
    text = str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not (text.isascii() and text.isdecimal() and int(text[:16]) <= now + _FARTHEST):
        raise BadRequest(f"{name} must be a Unix time in seconds")
    return int(text[:16])


def _end(wish: Mapping[str, Any], start: int) -> int | None:
    """`expiration` is a period from the start on, or a Unix time after it; 0 and nothing: never."""
    value = wish.get("expiration")
    if value is None or str(value).strip() in ("", "0"):
        return None
    end = periods.end_of_period(value, now=start, cap=_FARTHEST)
    if end <= start:
        raise BadRequest("expiration must be after the start")
    return end
