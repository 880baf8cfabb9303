"""Walk through a JSON Schema (Draft 2020-12): its subschemas, references and our own keywords."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from urllib.parse import unquote

__all__ = ["KEYWORDS", "FieldFacts", "FieldPath", "describe", "find_marks", "property_names"]

KEYWORDS = ("locked", "admin", "preserve")

# From the top of the profile down to one field: ("address", "city").
FieldPath = tuple[str, ...]
# A field with the schemas that describe it: its own, and those behind its references.
Field = tuple[FieldPath, list[dict[str, Any]]]

# Where a schema holds others, by the form that the keyword's value has.
_ONE = frozenset(
    {
        "additionalProperties", "contains", "contentSchema", "else", "if", "items", "not", "propertyNames", "then",
        "unevaluatedItems", "unevaluatedProperties",
    }
)  # fmt: skip
_MANY = frozenset({"allOf", "anyOf", "oneOf", "prefixItems"})
_NAMED = frozenset({"$defs", "definitions", "dependentSchemas", "patternProperties", "properties"})
_REFERENCES = ("$ref", "$dynamicRef")


def find_marks(document: Any) -> dict[str, tuple[FieldPath, ...]]:
    """For each of our keywords the fields that it stands on, outermost first.

    Raises:
        ValueError: a keyword is no boolean or stands where it has no effect, or a reference leads out of the
            document, to nothing, or round in a circle.
    """
    schemas = list(_schemas(document))
    for schema in schemas:
        for keyword in _REFERENCES:
            if keyword in schema:
                _target(document, schema[keyword])
        for keyword in KEYWORDS:
            if not isinstance(schema.get(keyword, False), bool):
                raise ValueError(f"{keyword} must be true or false")  # noqa: TRY004 - what is read is a file
    fields = list(_fields(document, document))
    reached = {id(schema) for _, chain in fields for schema in chain}
    for schema in schemas:
        lost = [keyword for keyword in KEYWORDS if schema.get(keyword) and id(schema) not in reached]
        if lost:
            raise ValueError(f"{lost[0]} has an effect on fields within `properties` only, not where it stands")
    return {keyword: _outermost(fields, keyword) for keyword in KEYWORDS}


def _outermost(fields: list[Field], keyword: str) -> tuple[FieldPath, ...]:
    """The fields marked with `keyword`, less those below a field that is marked itself."""
    marked = [path for path, chain in fields if any(schema.get(keyword) for schema in chain)]
    return tuple(path for path in marked if not any(path[:depth] in marked for depth in range(1, len(path))))


class FieldFacts(NamedTuple):
    """What a schema says of a field to people and to forms.

    `types` are those of JSON Schema; empty: any. `choices` are the values of its `enum` or `const`, if it has one.
    """

    title: str = ""
    description: str = ""
    types: tuple[str, ...] = ()
    format: str = ""
    choices: tuple[Any, ...] = ()


def describe(document: Any) -> dict[FieldPath, FieldFacts]:
    """Fields within `properties`, in the order of the schema. What is beside a reference goes before what is behind."""
    return {path: _facts(chain) for path, chain in _fields(document, document)}


def _facts(chain: list[dict[str, Any]]) -> FieldFacts:
    said: dict[str, Any] = {}
    for schema in chain:
        said = {**schema, **said}
    types = said.get("type", ())
    return FieldFacts(
        title=_text(said, "title"),
        description=_text(said, "description"),
        types=(types,) if isinstance(types, str) else tuple(types),
        format=_text(said, "format"),
        choices=tuple(said["enum"]) if "enum" in said else (said["const"],) if "const" in said else (),
    )


def _text(said: dict[str, Any], keyword: str) -> str:
    value = said.get(keyword, "")
    return value if isinstance(value, str) else ""


def property_names(document: Any) -> frozenset[str]:
    """Every name that the schema itself gives to a property."""
    return frozenset(name for schema in _schemas(document) for name in schema.get("properties", {}))


def _schemas(schema: Any) -> Iterator[dict[str, Any]]:
    """The schema and all within it; a property may well be named like a keyword, so values are not searched."""
    if not isinstance(schema, dict):
        return
    yield schema
    for keyword, value in schema.items():
        if keyword in _ONE:
            yield from _schemas(value)
        elif keyword in _MANY:
            for member in value:
                yield from _schemas(member)
        elif keyword in _NAMED:
            for member in value.values():
                yield from _schemas(member)


def _fields(document: Any, schema: Any, path: FieldPath = (), above: tuple[int, ...] = ()) -> Iterator[Field]:
    """Every field within `properties`; of a schema that contains itself, once round."""
    chain = _chain(document, schema)
    if path:
        yield path, chain
    for member in chain:
        for name, below in member.get("properties", {}).items():
            if id(below) not in above:
                yield from _fields(document, below, (*path, name), (*above, id(below)))


def _chain(document: Any, schema: Any) -> list[dict[str, Any]]:
    """The schema, what its reference leads to, and so on."""
    chain: list[dict[str, Any]] = []
    while isinstance(schema, dict):
        if any(schema is passed for passed in chain):
            raise ValueError("a reference leads to itself")
        chain.append(schema)
        schema = _target(document, schema["$ref"]) if "$ref" in schema else None
    return chain


def _target(document: Any, reference: str) -> Any:
    """What a reference within the document (a JSON pointer behind `#`, RFC 6901) leads to."""
    if not reference.startswith("#"):
        raise ValueError("it refers to another document; only references within the file (#…) work")
    found = document
    for step in unquote(reference[1:]).split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        try:
            found = found[int(name)] if isinstance(found, list) else found[name]
        except (KeyError, IndexError, ValueError, TypeError):
            raise ValueError("a reference leads to nothing") from None
    return found
