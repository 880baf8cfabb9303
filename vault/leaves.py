"""The leaves of a document: what stands in it field by field, whatever it is nested in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from jsonpointer import JsonPointer

__all__ = ["leaves", "path_of"]


def leaves(document: dict[str, Any]) -> dict[str, Any]:
    """Every value that is no object with members, by its JSON Pointer (RFC 6901); a list is one value."""
    return {JsonPointer.from_parts(path).path: value for path, value in _walk(document, ())}


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    if isinstance(value, dict) and (value or not path):
        for name, part in value.items():
            yield from _walk(part, (*path, name))
    else:
        yield path, value


def path_of(pointer: str) -> str:
    """A JSON Pointer as people read it: `address.street`."""
    return ".".join(JsonPointer(pointer).parts)
