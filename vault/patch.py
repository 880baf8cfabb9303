"""Changes of a JSON document: merge patch (RFC 7396) and JSON Patch (RFC 6902)."""

from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import jsonpatch
import jsonpointer
from django.utils.translation import gettext_noop

from databunker import jsontext
from databunker.errors import BadRequest, Conflict

__all__ = ["MAX_OPERATIONS", "apply", "equal", "json_patch", "merge_patch", "unlike"]

MAX_OPERATIONS = 1000
_MOST_COPIED = 16  # times the largest record


def apply(document: dict[str, Any], change: Any, *, max_bytes: int) -> dict[str, Any]:
    """`document` after `change`: an object is a merge patch, an array a JSON Patch. The input is left alone.

    Raises:
        BadRequest: neither of the two, a malformed patch, or a result that is no object or too large.
        Conflict: a `test` operation doesn't hold.
    """
    if isinstance(change, dict):
        result = merge_patch(document, change)
    elif isinstance(change, list):
        result = json_patch(document, change, max_bytes=max_bytes)
    else:
        raise BadRequest(gettext_noop("a change is an object (merge patch) or an array (JSON Patch)"))
    if not isinstance(result, dict):
        raise BadRequest(gettext_noop("the changed record must be an object"))
    if _size(result) > max_bytes:
        raise BadRequest(gettext_noop("the changed record is too large"))
    return result


def _size(document: Any) -> int:
    """In bytes of JSON.

    Raises:
        BadRequest: nested too deeply.
    """
    if not jsontext.depth_within(document, jsontext.MAX_DEPTH):
        raise BadRequest(
            gettext_noop("the changed record is nested deeper than %(most)s"), places={"most": str(jsontext.MAX_DEPTH)}
        )
    return len(jsontext.dumps(document))


def merge_patch(target: Any, patch: Any) -> Any:
    """RFC 7396, section 2: null deletes, objects merge, everything else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merge_patch(result.get(name), value)
    return result


def json_patch(document: Any, operations: list[Any], *, max_bytes: int) -> Any:
    """RFC 6902: all operations in order, or none.

    Repeated `copy` doubles a document each time, or copies the same large part again and again, so what may be
    copied in all is bounded.
    """
    if len(operations) > MAX_OPERATIONS:
        raise BadRequest(
            gettext_noop("a JSON Patch has at most %(most)s operations"), places={"most": str(MAX_OPERATIONS)}
        )
    result = copy.deepcopy(document)
    copied = 0
    try:
        for operation in operations:
            if operation["op"] == "copy":
                size = _size(result)
                copied += size
                if size > max_bytes or copied > _MOST_COPIED * max_bytes:
                    raise BadRequest(gettext_noop("the changed record is too large"))
            if operation["op"] == "test":
                _test(result, operation)
            else:
                result = jsonpatch.JsonPatch([operation]).apply(result, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError, AttributeError):
        raise BadRequest(gettext_noop("the JSON Patch is malformed or does not fit the record")) from None
    return result


def _test(document: Any, operation: dict[str, Any]) -> None:
    """RFC 6902, section 4.6: numbers are equal by value, everything else by type and content.

    Raises:
        Conflict: the value is another, or is not there.
    """
    expected = operation["value"]
    try:
        found = jsonpointer.JsonPointer(operation["path"]).resolve(document)
    except jsonpointer.JsonPointerException:
        jsonpointer.JsonPointer(operation["path"])  # malformed: that is no conflict
        found = _ABSENT
    if not equal(found, expected):
        raise Conflict(gettext_noop("a test operation of the JSON Patch does not hold"))


_ABSENT = object()


def equal(left: Any, right: Any) -> bool:
    """Whether two JSON values are one: numbers by value, everything else by type and content."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float | Decimal) and isinstance(right, int | float | Decimal):
        return _exact(left) == _exact(right)
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[name]) for name, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return type(left) is type(right) and bool(left == right)


def unlike(document: Any, other: Any) -> Any:
    """What of a document is not the same in the other: of objects the members that are not, of all else the whole."""
    if not (isinstance(document, dict) and isinstance(other, dict)):
        return document
    return {
        name: unlike(value, other[name]) if name in other else value
        for name, value in document.items()
        if not (name in other and equal(value, other[name]))
    }


def _exact(number: float | Decimal) -> Decimal:
    """A float as the decimal that it is written as: 0.1 is a tenth."""
    return Decimal(repr(number)) if isinstance(number, float) else Decimal(number)
