"""Which fields a change touches, and whether they are still as they were.

A path is a list of member names, outermost first; the empty path is the whole document. Arrays count as a whole:
what a patch does to an item, it does to the array.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from jsonpointer import JsonPointer

from vault.patch import equal

__all__ = ["Path", "original_of", "touched_paths", "unchanged"]

Path = tuple[str, ...]
_ABSENT = object()
_UNREACHABLE = object()
_READS_FROM = ("move", "copy")


def touched_paths(document: dict[str, Any], change: Any) -> list[Path]:
    """What `change` (see `vault.patch.apply`, which has accepted it) reads or writes in `document`.

    Where all of these are as they were, the change does what it would have done, whatever happened to the rest.
    """
    found = _merged(document, change) if isinstance(change, dict) else _operated(document, change)
    return _outermost(found)


def _merged(document: Any, change: dict[str, Any], above: Path = ()) -> Iterator[Path]:
    for name, value in change.items():
        below = document.get(name)
        if value and isinstance(value, dict) and isinstance(below, dict):
            yield from _merged(below, value, (*above, name))
        else:
            # Also where nothing is merged into an object: it would be made anew if it weren't there any more.
            yield (*above, name)


def _operated(document: dict[str, Any], operations: list[dict[str, Any]]) -> Iterator[Path]:
    for operation in operations:
        if operation["op"] == "test":
            continue  # is asked again when the change is applied
        yield _within(document, operation["path"])
        if operation["op"] in _READS_FROM:
            yield _within(document, operation["from"])


def _within(document: Any, pointer: str) -> Path:
    """As far as the pointer leads through objects: to a member, there or not, or to what is no object."""
    path: list[str] = []
    for name in JsonPointer(pointer).parts:
        if not isinstance(document, dict):
            break
        path.append(name)
        if name not in document:
            break
        document = document[name]
    return tuple(path)


def _outermost(paths: Iterable[Path]) -> list[Path]:
    known = set(paths)
    return sorted(path for path in known if not any(path[:depth] in known for depth in range(len(path))))


def original_of(document: Any, paths: Iterable[Path]) -> Any:
    """The part of `document` that the paths lead to, nested as it is; what is absent is absent there, too."""
    found: dict[str, Any] = {}
    for path in paths:
        if not path:
            return document
        source, target = document, found
        for name in path[:-1]:
            source, target = source[name], target.setdefault(name, {})
        if path[-1] in source:
            target[path[-1]] = source[path[-1]]
    return found


def unchanged(document: Any, original: Any, paths: Iterable[Path]) -> bool:
    """Whether `document` has at every path what `original_of` has kept, and can still be reached by it."""
    return all(_same(_at(document, path), _at(original, path)) for path in paths)


def _at(document: Any, path: Path) -> Any:
    for depth, name in enumerate(path, start=1):
        if not isinstance(document, dict):
            return _UNREACHABLE
        if name not in document:
            return _ABSENT if depth == len(path) else _UNREACHABLE
        document = document[name]
    return document


def _same(found: Any, kept: Any) -> bool:
    if found is _UNREACHABLE or found is _ABSENT or kept is _ABSENT:
        return found is kept and found is _ABSENT
    return equal(found, kept)
