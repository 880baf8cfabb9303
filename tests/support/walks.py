"""Generated calls to every route: of pieces that mean something to somebody, and of pieces that mean nothing at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

from hypothesis import strategies as st

from tests.api.helpers import routes
from tests.support.described import the_document

__all__ = ["FORM", "JSON", "ODD", "Asked", "asked", "methods_of_routes"]

JSON, FORM = "application/json", "application/x-www-form-urlencoded"
_PART = re.compile(r"<(?:\w+:)?(\w+)>")

# What breaks programs that trust what they read: paths, encodings, SQL, templates, numbers, lengths.
ODD: tuple[str | bytes, ...] = (
    "", " ", ".", "..", "../..", "%2e%2e%2f", "a/b", "\0", "\n", "\r\nX: y", "é", "e\u0301", "\u202e", "\ufffd", b"\xff\xfe",
    b"\xed\xa0\x80", "' OR 1=1 --", "\\", '"', "{{7*7}}", "${jndi:x}", "<script>", "*", "null", "true", "[]", "-1", "0", "1e999",
    "NaN", "9" * 30, "1" * 400, "x" * 1_100, "٣", "\U0001f600",
)  # fmt: skip
_MODES = ("token", "login", "email", "phone", "custom", "Email", "session", "admin")
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=12),
    st.sampled_from([piece for piece in ODD if isinstance(piece, str)]),
)


class Asked(NamedTuple):
    """One call, as `Api.call` takes it."""

    method: str
    path: str
    body: Any
    content_type: str
    route: str


@cache
def methods_of_routes() -> tuple[tuple[str, str], ...]:
    """Every method of every route."""
    return tuple((method, route) for route, view in routes() for method in view.methods())


@cache
def _field_names() -> tuple[str, ...]:
    """Every name of a field that some body has by the document."""

    def within(node: Any) -> Iterator[str]:
        if isinstance(node, dict):
            if isinstance(node.get("properties"), dict):
                yield from node["properties"]
            for value in node.values():
                yield from within(value)
        elif isinstance(node, list):
            for value in node:
                yield from within(value)

    return tuple(sorted({*within(the_document()), *_MODES, "op", "path", "from", "value"}))


@cache
def _query_names() -> tuple[str, ...]:
    operations = [operation for path in the_document()["paths"].values() for operation in path.values()]
    named = {one["name"] for operation in operations for one in operation["parameters"] if one["in"] == "query"}
    return tuple(sorted({*named, "offset", "limit", "format", "token", "mode"}))


def asked(
    known: Mapping[str, Sequence[str]], *, only: Sequence[tuple[str, str]] | None = None
) -> st.SearchStrategy[Asked]:
    """Calls to the routes in `only`, or to all; `known` has good values for parts of a path, by their names."""
    everything = [value for values in known.values() for value in values]
    body = _body(everything)
    return st.one_of(
        _asked(method, route, known, everything, body)
        for method, route in (only if only is not None else methods_of_routes())
    )


def _asked(
    method: str, route: str, known: Mapping[str, Sequence[str]], everything: Sequence[str], body: st.SearchStrategy[Any]
) -> st.SearchStrategy[Asked]:
    names = _PART.findall(route)
    pieces = st.tuples(*(_piece(name, known, everything) for name in names))

    def made(parts: tuple[str | bytes, ...], query: list[tuple[str, str]], sent: tuple[Any, str]) -> Asked:
        left = iter(parts)
        path = "/" + _PART.sub(lambda _: quote(next(left), safe=""), route)
        return Asked(method, f"{path}?{urlencode(query)}" if query else path, *sent, route)

    query = st.lists(st.tuples(st.sampled_from(_query_names()), _text(everything)), max_size=2)
    return st.builds(made, pieces, query, body if method != "GET" else st.just((None, JSON)))


def _piece(name: str, known: Mapping[str, Sequence[str]], everything: Sequence[str]) -> st.SearchStrategy[str | bytes]:
    """Mostly what fits, so that calls get far; sometimes what doesn't."""
    right = [*known.get(name, ()), *(_MODES if name == "mode" else ())]
    anything = st.sampled_from([*everything, *ODD])
    if not right:
        return anything
    return st.one_of(st.sampled_from(right), st.sampled_from(right), st.sampled_from(right), anything)


def _text(everything: Sequence[str]) -> st.SearchStrategy[str]:
    odd = [piece for piece in ODD if isinstance(piece, str)]
    return st.sampled_from([*everything, *odd, "10d", "pdf", "5"]) | st.text(max_size=8)


def _body(everything: Sequence[str]) -> st.SearchStrategy[tuple[Any, str]]:
    """Objects and JSON Patches of names that mean something, forms of them, and what is neither."""
    names = st.sampled_from(_field_names()) | st.text(max_size=6)
    scalar = st.sampled_from(list(everything)) | _SCALARS if everything else _SCALARS
    value = st.recursive(
        scalar, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
    )
    object_ = st.dictionaries(names, value, max_size=5)
    patch = st.lists(
        st.fixed_dictionaries(
            {"op": st.sampled_from(["add", "replace", "remove", "move", "copy", "test", "x"])},
            optional={"path": _text(everything).map("/{}".format), "from": st.just("/login"), "value": value},
        ),
        max_size=4,
    )
    pairs = st.dictionaries(names, _text(everything), max_size=5)
    return st.one_of(
        st.just((None, JSON)),
        object_.map(lambda sent: (json.dumps(sent).encode(), JSON)),
        object_.map(lambda sent: (json.dumps(sent).encode(), JSON)),
        patch.map(lambda sent: (json.dumps(sent).encode(), JSON)),
        pairs.map(lambda sent: (urlencode(sent, errors="replace"), FORM)),
        st.tuples(
            st.binary(max_size=40), st.sampled_from([JSON, FORM, "text/plain", "", "multipart/form-data; boundary=x"])
        ),
    )
