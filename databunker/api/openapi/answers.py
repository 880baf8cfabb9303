"""Answers in the one envelope that all routes have."""

from __future__ import annotations

from dataclasses import dataclass

from databunker.api.bodies import JSON

from .schemas import NUMBER, Schema, constant

__all__ = ["Answer", "either", "ok", "page", "row", "text"]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, and as which media type."""

    schema: Schema
    media_type: str = JSON


def row(*, optional: dict[str, Schema] | None = None, **fields: Schema) -> Schema:
    """An object with these fields, and with those that are `optional` or without them."""
    return {"type": "object", "properties": {**fields, **(optional or {})}, "required": list(fields)}


def ok(*, optional: dict[str, Schema] | None = None, **fields: Schema) -> Answer:
    """`{"status":"ok", …fields}`, with those that are `optional` or without them."""
    return Answer(row(optional=optional, status=constant("ok"), **fields))


def page(each: Schema) -> Answer:
    """Rows, and how many there are in all."""
    return ok(total=NUMBER, rows={"type": "array", "items": each})


def either(*answers: Answer) -> Answer:
    return Answer({"anyOf": [answer.schema for answer in answers]})


def text(schema: Schema, media_type: str = "text/plain") -> Answer:
    """No JSON."""
    return Answer(schema, media_type)
