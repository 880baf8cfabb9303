"""The leaves of a document: what stands in it field by field, whatever it is nested in."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

from jsonpointer import JsonPointer

from databunker.errors import BadRequest

__all__ = ["leaves", "path_of", "pointer_of", "with_leaves"]


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


def pointer_of(path: str) -> str:
    """The JSON Pointer to what people write as `address.street`."""
    pointer: str = JsonPointer.from_parts(path.split(".")).path
    return pointer


def with_leaves(document: dict[str, Any], changed: Mapping[str, Any], removed: frozenset[str]) -> dict[str, Any]:
    """The document with these values at their JSON Pointers, and without the ones that are removed.

    Objects that are not there yet are made on the way.

    Raises:
        BadRequest: on the way stands something that is no object.
    """
    result = copy.deepcopy(document)
    for pointer, value in changed.items():
        target, name = _holder(result, pointer)
        target[name] = value
    for pointer in removed:
        target, name = _holder(result, pointer)
        target.pop(name, None)
    return result


def _holder(document: dict[str, Any], pointer: str) -> tuple[dict[str, Any], str]:
    *parents, last = JsonPointer(pointer).parts
    target = document
    for name in parents:
        target = target.setdefault(name, {})
        if not isinstance(target, dict):
            raise BadRequest("no object holds this field")
    return target, last
