"""Personal values as those see them who may only know that they are there: enough to recognise, too little to use.

    ann@example.com   a***@e***.com
    +447700900123     ***23
    everything else   ***

Objects and lists keep their form and their names; an absent value stays absent, and null stays null.
"""

from __future__ import annotations

import re
from typing import Any

from . import identities

__all__ = ["MASK", "masked", "masked_field", "masked_text"]

MASK = "***"
_EMAIL = re.compile(r"[^@\s]{1,320}@[^@\s]{1,320}")
_PHONE = re.compile(r"\+[0-9][0-9 ()./-]{5,30}", re.ASCII)
_DIGITS = re.compile(r"[0-9]", re.ASCII)
_PHONE_NAMES = frozenset({"phone", "telephone", "tel", "mobile", "cell", "fax"})
_SHOWN_DIGITS = 2
_LEAST_DIGITS = 6
_LONGEST_END = 12


def masked(value: Any, name: str = "") -> Any:
    """`value` with every leaf masked by its kind, which `name`, the field it stands in, may tell."""
    if isinstance(value, dict):
        return {key: masked(part, key) for key, part in value.items()}
    if isinstance(value, list):
        return [masked(part, name) for part in value]
    return None if value is None else masked_field(name, value)


def masked_field(name: str, value: Any) -> str:
    """One leaf."""
    return masked_text(value, kind=_kind(name)) if isinstance(value, str) else MASK


def masked_text(text: str, *, kind: str = "text") -> str:
    """A text of this kind of identity field (`email`, `phone`, `text`); what looks like one of the first two is one."""
    text = text.strip()
    if _EMAIL.fullmatch(text):
        return _email(text)
    if kind == "phone" or _PHONE.fullmatch(text):
        return _phone(text)
    return MASK


def _kind(name: str) -> str:
    field = identities.configured().get(name)
    if field is not None:
        return field.kind
    return "phone" if name.lower() in _PHONE_NAMES else "text"


def _email(text: str) -> str:
    local, _, domain = text.partition("@")
    _, dot, last = domain.rpartition(".")
    # What is no top-level domain may be anything.
    end = f".{last}" if dot and last.isalpha() and len(last) <= _LONGEST_END else ""
    return f"{local[0]}{MASK}@{domain[0]}{MASK}{end}"


def _phone(text: str) -> str:
    digits = _DIGITS.findall(text)
    return MASK + "".join(digits[-_SHOWN_DIGITS:]) if len(digits) >= _LEAST_DIGITS else MASK
