"""The routes of `/v1/…` by their first segment, so that no request is tried against the patterns of all others, and
the endpoints beside it.

What matches is still decided by Django's own patterns, in the order in which they are declared.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, TypeGuard

from django.urls import URLPattern, URLResolver, get_resolver

from databunker.access.admission import operation_name

from .endpoint import Endpoint

__all__ = ["Match", "Routes", "operations"]

_PREFIX = "v1/"


class Match(NamedTuple):
    """A route's endpoint, the route as it is declared, and what the path says for its parameters."""

    endpoint: type[Endpoint]
    route: str
    kwargs: dict[str, Any]


class Routes:
    def __init__(self) -> None:
        self._by_segment: dict[str, list[URLPattern]] = defaultdict(list)
        for pattern in _declared():
            self._by_segment[str(pattern.pattern).partition("/")[0]].append(pattern)
        # Those that stand beside `/v1/`, such as `/status`, are asked by programs too, and under any name of the host.
        self._beside = list(filter(_leads_to_endpoint, get_resolver().url_patterns))

    def find(self, path: str) -> Match | None:
        """The endpoint's route of this path, which begins with a slash; None where no endpoint has it."""
        if not path.startswith("/" + _PREFIX):
            return _first(self._beside, path[1:], "")
        rest = path[len(_PREFIX) + 1 :]
        return _first(self._by_segment.get(rest.partition("/")[0], ()), rest, _PREFIX)


def _first(patterns: Iterable[URLPattern], path: str, prefix: str) -> Match | None:
    for pattern in patterns:
        found = pattern.pattern.match(path)
        if found:
            return Match(_endpoint(pattern), f"{prefix}{pattern.pattern}", found[2])
    return None


def operations() -> frozenset[str]:
    """What a token's scope can name: the methods of routes that need a token, as the OpenAPI document writes them."""
    return frozenset(
        operation_name(method, f"{_PREFIX}{pattern.pattern}")
        for pattern in _declared()
        for method in _endpoint(pattern).rules
    )


def _declared() -> Iterator[URLPattern]:
    for resolver in get_resolver().url_patterns:
        if isinstance(resolver, URLResolver) and str(resolver.pattern) == _PREFIX:
            yield from filter(_leads_to_endpoint, resolver.url_patterns)


def _endpoint(pattern: URLPattern) -> type[Endpoint]:
    endpoint: type[Endpoint] = pattern.callback.view_class  # type: ignore[attr-defined] # as_view() sets it
    return endpoint


def _leads_to_endpoint(pattern: URLPattern | URLResolver) -> TypeGuard[URLPattern]:
    return isinstance(pattern, URLPattern) and issubclass(getattr(pattern.callback, "view_class", object), Endpoint)
