"""What callers write in the registers: names, texts and flags, each of its own type or refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from databunker.errors import BadRequest

__all__ = ["MAX_REASON", "MAX_TEXT", "activity_name", "brief_name", "checked_reason", "flag_in", "text_in"]

_NAME = re.compile(r"[a-z][a-z0-9-]{1,64}")
_YES = frozenset({"true", "yes", "y", "on", "1"})
_NO = frozenset({"false", "no", "n", "off", "0", ""})
MAX_TEXT = 65_536
MAX_REASON = 4096


def brief_name(text: str) -> str:
    """The name of a legal basis, in lower case.

    Raises:
        BadRequest: not a letter followed by 1 to 64 letters, digits and hyphens.
    """
    return _name(text, "bad brief format")


def activity_name(text: str) -> str:
    """The name of a processing activity; as `brief_name`."""
    return _name(text, "bad activity format")


def _name(text: str, message: str) -> str:
    name = text.strip().lower()
    if not _NAME.fullmatch(name):
        raise BadRequest(message)
    return name


def text_in(wish: Mapping[str, Any], name: str, *, longest: int = MAX_TEXT) -> str | None:
    """The text of a field; None where it is not given.

    Raises:
        BadRequest: it is no text, or too long.
    """
    value = wish.get(name)
    if value is None:
        return None
    if not isinstance(value, str):
        raise BadRequest(f"{name} must be text")
    if len(value) > longest:
        raise BadRequest(f"{name} has at most {longest} characters")
    if "\x00" in value:
        raise BadRequest(f"{name} must not contain a zero character")
    return value.strip()


def flag_in(wish: Mapping[str, Any], name: str) -> bool | None:
    """True or false, also as 1 or 0 and as a word; None where it is not given.

    Raises:
        BadRequest: anything else.
    """
    if name not in wish:
        return None
    value = wish[name]
    if isinstance(value, bool):
        return value
    word = value.strip().lower() if isinstance(value, str) else str(value) if isinstance(value, int) else None
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise BadRequest(f"{name} must be true or false")


def checked_reason(reason: Any, *, needed: str = "") -> str:
    """Why somebody does something; `needed` says what, where there must be a reason.

    Raises:
        BadRequest: no text, too long, or missing.
    """
    if not isinstance(reason, str):
        raise BadRequest("reason must be text")
    if len(reason) > MAX_REASON:
        raise BadRequest(f"reason has at most {MAX_REASON} characters")
    if needed and not reason.strip():
        raise BadRequest(f"{needed} needs a reason")
    return reason.strip()
