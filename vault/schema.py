"""The record schema: a JSON Schema (Draft 2020-12) that every profile must meet, with three keywords of our own.

On any property, at any depth of `properties` (also behind a `$ref` within the file):
    locked    the value never changes after the record was created.
    admin     a change by the person needs approval.
    preserve  the value survives forget-me.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import jsonschema
import orjson
from django.conf import settings
from django.utils.translation import gettext_noop

from databunker.errors import BadRequest

from .schema_walk import FieldFacts, FieldPath, describe, find_marks, property_names

__all__ = ["Fault", "RecordSchema", "check", "configured"]

_ABSENT = object()
_MOST_DIGITS = 300  # about what a double holds; to reckon with more would cost time that a caller chooses


class Fault(NamedTuple):
    """A rule that a profile breaks, and where: names of members and positions in lists, outermost first.

    `rule` may have places, and `places` what stands there, as in `VaultError`.
    """

    path: tuple[str | int, ...]
    rule: str
    places: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class RecordSchema:
    """A schema ready for use: its fields, where its keywords stand, and every property name that it knows."""

    validator: Any
    fields: dict[FieldPath, FieldFacts]
    marked: dict[str, tuple[FieldPath, ...]]
    names: frozenset[str]

    def validate(self, profile: dict[str, Any]) -> None:
        """
        Raises:
            BadRequest: names the first field that does not fit and the rule that it breaks, never its value.
        """
        error = next(iter(self.validator.iter_errors(_with_plain_numbers(profile))), None)
        if error is not None:
            rule, places = _rule(error)
            raise BadRequest(_AT[rule], places={"where": self._pointer(error), **places})

    def faults(self, profile: dict[str, Any]) -> list[Fault]:
        """All that `validate` would refuse, for forms that tell it where it was typed.

        Raises:
            BadRequest: a number that nobody can reckon with.
        """
        return [fault for error in self.validator.iter_errors(_with_plain_numbers(profile)) for fault in _faults(error)]

    def is_marked(self, keyword: str, path: tuple[str | int, ...]) -> bool:
        """Whether the field or one above it has the keyword."""
        return any(path[: len(marked)] == marked for marked in self.marked[keyword])

    def changed(self, keyword: str, before: dict[str, Any], after: dict[str, Any]) -> list[str]:
        """The fields marked with `keyword` that differ, as dotted paths."""
        return [".".join(path) for path in self.marked[keyword] if _differ(_at(before, path), _at(after, path))]

    def preserved(self, profile: dict[str, Any]) -> dict[str, Any]:
        """What of `profile` survives forget-me."""
        kept: dict[str, Any] = {}
        for path in self.marked["preserve"]:
            value = _at(profile, path)
            if value is not _ABSENT:
                _put(kept, path, value)
        return kept

    def _pointer(self, error: Any) -> str:
        """Where in the profile, in the schema's own names; positions and names that a caller made up are `*`."""
        steps = [step if step in self.names else "*" for step in error.absolute_path]
        return "/" + "/".join(steps)


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
    try:
        marked = find_marks(document)
        validator = _Validator(document, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
        validator.is_valid({})
    except ValueError as error:
        raise ValueError(f"USER_SCHEMA_FILE: {error}") from None
    except RecursionError:
        raise ValueError("USER_SCHEMA_FILE: a reference leads to itself") from None
    return RecordSchema(validator, describe(document), marked, property_names(document))


def _unique_items(validator: Any, unique: bool, instance: Any, schema: Any) -> Iterator[Any]:  # noqa: ARG001, FBT001
    """In linear time, where jsonschema compares each item with each other."""
    if unique and validator.is_type(instance, "array"):
        seen = {orjson.dumps(_comparable(item), option=orjson.OPT_SORT_KEYS) for item in instance}
        if len(seen) < len(instance):
            yield jsonschema.ValidationError("items are not unique")


def _comparable(value: Any) -> Any:
    """1.0 and 1 are one number to JSON Schema."""
    if isinstance(value, dict):
        return {name: _comparable(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_comparable(member) for member in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return f"#{value}" if isinstance(value, int) and not isinstance(value, bool) else [value]


_Validator = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"uniqueItems": _unique_items})


def _with_plain_numbers(value: Any) -> Any:
    """Numbers that are kept as decimals, as the int or float that a validator can reckon with."""
    if isinstance(value, dict):
        return {name: _with_plain_numbers(member) for name, member in value.items()}
    if isinstance(value, list):
        return [_with_plain_numbers(member) for member in value]
    if isinstance(value, Decimal):
        if value and abs(value.adjusted()) > _MOST_DIGITS:
            raise BadRequest(gettext_noop("profile does not fit the record schema: a number is out of range"))
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def _differ(before: Any, after: Any) -> bool:
    """Python takes 1, 1.0 and true for equal; JSON does not."""
    return before is not after and (before != after or repr(before) != repr(after))


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


def _faults(error: Any) -> list[Fault]:
    path = tuple(error.absolute_path)
    if error.validator == "required":
        return [Fault((*path, name), _MISSING, {}) for name in _missing(error)]
    return [Fault(path, *_rule(error))]


_MISSING = gettext_noop("required field is missing")
_MISSING_ONES = gettext_noop("required field is missing: %(fields)s")
_TYPE = gettext_noop("must be of type %(type)s")
_BROKEN = gettext_noop("breaks the rule %(rule)s")
# How each is told of a whole profile.
_AT = {
    _MISSING_ONES: gettext_noop(
        "profile does not fit the record schema at %(where)s: required field is missing: %(fields)s"
    ),
    _TYPE: gettext_noop("profile does not fit the record schema at %(where)s: must be of type %(type)s"),
    _BROKEN: gettext_noop("profile does not fit the record schema at %(where)s: breaks the rule %(rule)s"),
}


def _missing(error: Any) -> list[str]:
    return [name for name in error.validator_value if name not in error.instance]


def _rule(error: Any) -> tuple[str, dict[str, str]]:
    """The rule that is broken, and what stands in its places."""
    if error.validator == "required":
        return _MISSING_ONES, {"fields": ", ".join(_missing(error))}
    if error.validator == "type":
        wanted = error.validator_value
        return _TYPE, {"type": wanted if isinstance(wanted, str) else " or ".join(wanted)}
    return _BROKEN, {"rule": repr(error.validator)}
