"""What the parts of paths and the query parameters mean: one table for all routes."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from vault import identities

from .schemas import TEXT, UUID, Schema

__all__ = ["DEFAULT_LIMIT", "MAX_LIMIT", "MAX_OFFSET", "PAGING", "PATH", "Parameter", "Query"]

DEFAULT_LIMIT = 10
MAX_LIMIT = 1000
MAX_OFFSET = 2**31


class Parameter(NamedTuple):
    """A part of a path. What depends on settings is a function."""

    meaning: str
    schema: Schema | Callable[[], Schema]


class Query(NamedTuple):
    """A parameter of the query string; never required."""

    name: str
    meaning: str
    schema: Schema


def _modes() -> Schema:
    return {"type": "string", "enum": ["token", *identities.configured()]}


_NAME: Schema = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]{1,64}$"}

PATH: dict[str, Parameter] = {
    "mode": Parameter("What the person is looked up by, in any case", _modes),
    "identity": Parameter(
        "The person's token, or what stands in that field of the profile",
        {"type": "string", "minLength": 1, "maxLength": 1024},
    ),
    "token": Parameter("The person's token", UUID),
    "app": Parameter(
        "The application's name, in any case", {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{1,30}$"}
    ),
    "session": Parameter("The session's id, which the application chooses", UUID),
    "record": Parameter("The id of the shared record", UUID),
    "code": Parameter("The captcha, by its code; where a person logs in, the code that was sent", TEXT),
    "captcha": Parameter("The six digits of the captcha's picture, or a solution of its challenge", TEXT),
    "brief": Parameter("The legal basis, in any case", _NAME),
    "activity": Parameter("The processing activity, in any case", _NAME),
    "exptoken": Parameter("What the link of a person's expiration ends with", UUID),
    "atoken": Parameter("The event", UUID),
    "rtoken": Parameter("The request", UUID),
    "receipt": Parameter("The id of the receipt", UUID),
}

PAGING = (
    Query("offset", "How many rows to skip", {"type": "integer", "minimum": 0, "maximum": MAX_OFFSET, "default": 0}),
    Query(
        "limit",
        "How many rows to answer",
        {"type": "integer", "minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT},
    ),
)
