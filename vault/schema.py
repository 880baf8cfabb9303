"""The record schema: a JSON Schema (Draft 2020-12) that every profile must meet, with three keywords of our own.

On any property of the schema, at any depth of `properties`:
    locked    the value never changes after the record was created.
    admin     a change by the person needs approval.
    preserve  the value survives forget-me.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import jsonschema
import referencing
from django.conf import settings

from databunker.errors import BadRequest

__all__ = ["RecordSchema", "check", "configured"]

KEYWORDS = ("locked", "admin", "preserve")
_ABSENT = object()

# From the top of the profile down to one field: ("address", "city").
FieldPath = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """A schema ready for use."""

    validator: Any
    marked: dict[str, tuple[FieldPath, ...]]

    def validate(self, profile: dict[str, Any]) -> None:
        """
        Raises:
            BadRequest: names the first field that does not fit and the rule that it breaks, never its value.
        """
        error = next(iter(self.validator.iter_errors(profile)), None)
        if error is not None:
            raise BadRequest(f"profile does not fit the record schema at {_pointer(error)}: {_rule(error)}")

    def changed(self, keyword: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        """The fields marked with `keyword` that differ, as dotted paths."""
        return [".".join(path) for path in self.marked[keyword] if _at(before, path) != _at(after, path)]

    def preserved(self, profile: dict[str, Any]) -> dict[str, Any]:
        """What of `profile` survives forget-me."""
        kept: dict[str, Any] = {}
        for path in self.marked["preserve"]:
            value = _at(profile, path)
            if value is not _ABSENT:
                _put(kept, path, value)
        return kept


def configured() -> RecordSchema | None:
    """The schema of USER_SCHEMA_FILE, or None where none is set.

    Raises:
        ValueError: the file can't be read, or is no usable schema.
    """
    return _load(settings.USER_SCHEMA_FILE) if settings.USER_SCHEMA_FILE else None


def check(profile: dict[str, Any]) -> None:
    """
    Raises:
        BadRequest: see `RecordSchema.validate`.
    """
    found = configured()
    if found is not None:
        found.validate(profile)


@lru_cache(maxsize=8)
def _load(path: str) -> RecordSchema:
    try:
        document = json.loads(Path(path).read_bytes())
    except OSError as error:
        raise ValueError(f"USER_SCHEMA_FILE can't be read: {error.strerror}") from None
    except ValueError:
        raise ValueError("USER_SCHEMA_FILE is not JSON") from None
    try:
        jsonschema.Draft202012Validator.check_schema(document)
    except jsonschema.SchemaError as error:
        raise ValueError(f"USER_SCHEMA_FILE is no JSON Schema of Draft 2020-12: {error.message}") from None
    # An empty registry: a $ref never makes the server fetch anything.
    validator = jsonschema.Draft202012Validator(
        document,
        registry=referencing.Registry(),
        format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER,
    )
    try:
        validator.is_valid({})
    except referencing.exceptions.Unresolvable:
        raise ValueError("USER_SCHEMA_FILE refers to another document; only references within the file work") from None
    return RecordSchema(validator, {keyword: tuple(_paths(document, keyword)) for keyword in KEYWORDS})


def _paths(schema: Any, keyword: str, path: FieldPath = ()) -> Iterator[FieldPath]:
    """Where `keyword` is true, outermost first; what lies below a marked field is marked with it."""
    if not isinstance(schema, dict):
        return
    if path and schema.get(keyword) is True:
        yield path
        return
    for name, below in schema.get("properties", {}).items():
        yield from _paths(below, keyword, (*path, name))


def _at(profile: Any, path: FieldPath) -> Any:
    for name in path:
        if not isinstance(profile, dict) or name not in profile:
            return _ABSENT
        profile = profile[name]
    return profile


def _put(target: dict[str, Any], path: FieldPath, value: Any) -> None:
    *parents, last = path
    for name in parents:
        target = target.setdefault(name, {})
    target[last] = value


def _pointer(error: Any) -> str:
    """Where in the profile, from the schema's own names; names that a caller made up are not repeated."""
    return "/" + "/".join("*" if isinstance(step, int) else str(step) for step in error.absolute_path)


def _rule(error: Any) -> str:
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return f"required field is missing: {', '.join(missing)}"
    if error.validator == "type":
        wanted = error.validator_value
        return f"must be of type {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
    return f"breaks the rule {error.validator!r}"
