"""What a change does to a document, field by field."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from databunker import jsontext

__all__ = ["Difference", "differences", "field_text", "fields"]


class Difference(NamedTuple):
    """One field that changes: its path in words, and its value before and after; None: it is not there."""

    path: str
    before: str | None
    after: str | None


def fields(document: Any, above: str = "") -> Iterator[tuple[str, str]]:
    """The leaves of a document: the path of each, and its value as text."""
    if isinstance(document, dict) and (document or not above):
        for name, value in document.items():
            yield from fields(value, f"{above}.{name}" if above else name)
    else:
        yield above, field_text(document)


def differences(before: Any, after: Any, *, all_fields: bool = False) -> list[Difference]:
    """The leaves that are not the same in both, or all, in the order of `before` and then of `after`."""
    old, new = dict(fields(before or {})), dict(fields(after or {}))
    return [
        Difference(path, old.get(path), new.get(path))
        for path in dict.fromkeys([*old, *new])
        if all_fields or old.get(path) != new.get(path)
    ]


def field_text(value: Any) -> str:
    """A value as it is shown: a text as it is, everything else as JSON."""
    return value if isinstance(value, str) else jsontext.dumps(value).decode()
