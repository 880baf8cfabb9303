"""Changes of a JSON document: merge patch (RFC 7396) and JSON Patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import jsonpointer

from databunker import jsontext
from databunker.errors import BadRequest, Conflict

__all__ = ["MAX_OPERATIONS", "apply", "json_patch", "merge_patch"]

MAX_OPERATIONS = 1000


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
        raise BadRequest("a change is an object (merge patch) or an array (JSON Patch)")
    if not isinstance(result, dict):
        raise BadRequest("the changed record must be an object")
    if len(jsontext.dumps(result)) > max_bytes:
        raise BadRequest("the changed record is too large")
    if not jsontext.depth_within(result, jsontext.MAX_DEPTH):
        raise BadRequest(f"the changed record is nested deeper than {jsontext.MAX_DEPTH}")
    return result


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

    Repeated `copy` doubles a document each time, so the size is looked at before each of them.
    """
    if len(operations) > MAX_OPERATIONS:
        raise BadRequest(f"a JSON Patch has at most {MAX_OPERATIONS} operations")
    result = copy.deepcopy(document)
    try:
        for operation in operations:
            if operation["op"] == "copy" and len(jsontext.dumps(result)) > max_bytes:
                raise BadRequest("the changed record is too large")
            result = jsonpatch.JsonPatch([operation]).apply(result, in_place=True)
    except jsonpatch.JsonPatchTestFailed:
        raise Conflict("a test operation of the JSON Patch does not hold") from None
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, KeyError, TypeError, AttributeError):
        raise BadRequest("the JSON Patch is malformed or does not fit the record") from None
    return result
