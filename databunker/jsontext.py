"""JSON as text: strict on the way in, exact on the way out.

Refused: what RFC 8259 does not allow (NaN, lone surrogates, invalid UTF-8), duplicate keys, nesting deeper
than 64, numbers of more than 1,000 digits. Numbers keep their exact value: an integer above 2^53 and a
decimal such as 0.10 come out as they went in.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import orjson

from databunker.errors import BadRequest

__all__ = ["MAX_DEPTH", "depth_within", "dumps", "loads"]

MAX_DEPTH = 64
_MAX_NUMBER_LENGTH = 1000
_MAX_EXPONENT = 6144  # of IEEE 754 decimal128; beyond it arithmetic on the number costs memory
_MAX_INT64 = 2**63 - 1


def loads(text: bytes) -> Any:
    """The value that `text` writes.

    Raises:
        BadRequest: see the module's own text. The message never quotes the input.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        if "infinity" in error.msg:  # a number that is larger than a double holds
            return _checked(_exactly(text))
        raise BadRequest(f"bad JSON at byte {error.pos}") from None
    if text.count(b"{") + text.count(b"[") > MAX_DEPTH:
        _checked(value)
    # The same bytes again prove that nothing was dropped (a duplicate key) or rounded (a number).
    return value if orjson.dumps(value) == text else _exactly(text)


def _checked(value: Any) -> Any:
    if not depth_within(value, MAX_DEPTH):
        raise BadRequest(f"JSON is nested deeper than {MAX_DEPTH}")
    return value


def _exactly(text: bytes) -> Any:
    """Slower, with every number as it was written and every key looked at."""
    try:
        value = json.loads(
            text.decode(),
            object_pairs_hook=_object,
            parse_int=_integer,
            parse_float=_decimal,
            parse_constant=_constant,
        )
        orjson.dumps(value, default=_raw_number)  # refuses lone surrogates, which Python's parser lets pass
    except RecursionError:
        raise BadRequest(f"JSON is nested deeper than {MAX_DEPTH}") from None
    except (ValueError, TypeError):
        raise BadRequest("bad JSON") from None
    return value


def _constant(_: str) -> Any:
    raise BadRequest("JSON has no NaN and no infinity")


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON; `Decimal` is written as the number that it is."""
    return orjson.dumps(value, default=_raw_number)


def _raw_number(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(str(value).encode())
    raise TypeError(f"{type(value).__name__} is not JSON")


def depth_within(value: Any, limit: int) -> bool:
    """Whether no object or array of `value` is nested deeper than `limit`; level by level, not by recursion."""
    level = [value]
    for _ in range(limit):
        level = [
            child
            for parent in level
            if isinstance(parent, dict | list)
            for child in (parent.values() if isinstance(parent, dict) else parent)
        ]
        if not any(isinstance(child, dict | list) for child in level):
            return True
    return False


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadRequest("JSON has a duplicate key")
    return found


def _integer(text: str) -> int | Decimal:
    if len(text) > _MAX_NUMBER_LENGTH:
        raise BadRequest("JSON has a number of too many digits")
    value = int(text)
    return value if -_MAX_INT64 <= value <= _MAX_INT64 else Decimal(text)


def _decimal(text: str) -> float | Decimal:
    """A float where it writes back to the same text, else the exact decimal."""
    if len(text) > _MAX_NUMBER_LENGTH:
        raise BadRequest("JSON has a number of too many digits")
    value = float(text)
    if orjson.dumps(value) == text.encode():
        return value
    try:
        exact = Decimal(text)
    except ArithmeticError:
        raise BadRequest("JSON has a number out of range") from None
    if abs(exact.adjusted()) > _MAX_EXPONENT:
        raise BadRequest("JSON has a number out of range")
    return exact
