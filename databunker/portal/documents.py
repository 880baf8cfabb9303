"""A JSON document as people read it and change it: one row for each value that it holds."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from vault.patch import equal

__all__ = ["Difference", "Row", "differences", "rows_of"]

_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Row(NamedTuple):
    """One value with the names that lead to it, in words: `Address: City`.

    `path` has the names of members and the positions in lists, outermost first.
    """

    path: tuple[str | int, ...]
    label: str
    value: Any

    @property
    def pointer(self) -> str:
        """Where the value stands, as a JSON Pointer (RFC 6901)."""
        return "".join(f"/{str(step).replace('~', '~0').replace('/', '~1')}" for step in self.path)

    @property
    def is_empty(self) -> bool:
        return self.value is None or self.value in ("", {}, [])


def rows_of(value: Any, path: tuple[str | int, ...] = ()) -> list[Row]:
    """Every value inside `value`, in order; an empty object or list is a value, too."""
    if isinstance(value, dict) and value:
        return [row for name, inner in value.items() for row in rows_of(inner, (*path, name))]
    if isinstance(value, list) and value:
        return [row for position, inner in enumerate(value) for row in rows_of(inner, (*path, position))]
    return [Row(path, ": ".join(_readable(step) for step in path), value)]


class Difference(NamedTuple):
    """A value that a change changes; None: it is not there, or empty."""

    label: str
    before: Any
    after: Any


def differences(before: Any, after: Any) -> list[Difference]:
    """What is not the same in both, in the order of `before` and then of `after`."""
    old, new = ({row.path: row for row in rows_of(document or {}) if row.path} for document in (before, after))
    return [
        Difference(
            (new.get(path) or old[path]).label,
            *(rows[path].value if path in rows and not rows[path].is_empty else None for rows in (old, new)),
        )
        for path in dict.fromkeys([*old, *new])
        if path not in old or path not in new or not equal(old[path].value, new[path].value)
    ]


def _readable(step: str | int) -> str:
    """`first_name` and `firstName` as people write it; positions are counted from 1."""
    if isinstance(step, int):
        return str(step + 1)
    humps = " ".join(word if word.isupper() else word[:1].lower() + word[1:] for word in _HUMP.split(step))
    text = " ".join(humps.replace("_", " ").replace("-", " ").split()) or step
    return text[:1].upper() + text[1:]
