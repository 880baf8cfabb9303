"""The short way to a route finds what Django's own resolver finds."""

from __future__ import annotations

import pytest
from django.urls import Resolver404, get_resolver

from databunker.api.routing import Routes
from tests.api.helpers import routes

SOME = {"mode": "email", "identity": "a/b+c@example.com\n%2F", "app": "shop", "activity": "news", "brief": "terms"}


def path_of(route: str) -> str:
    segments = []
    for segment in route.split("/"):
        name = segment.strip("<>").rpartition(":")[2]
        segments.append(SOME.get(name, f"x-{name}") if segment.startswith("<") else segment)
    return "/" + "/".join(segments)


@pytest.mark.parametrize("route", [route for route, _ in routes() if route.startswith("v1/")])
def test_every_route_is_found(route: str) -> None:
    path = path_of(route)
    expected = get_resolver().resolve(path)
    found = Routes().find(path)
    assert found is not None
    assert (found.endpoint, found.route, found.kwargs) == (expected.func.view_class, expected.route, expected.kwargs)


@pytest.mark.parametrize("path", ["/", "/console/", "/my/data"])
def test_pages_are_left_to_django(path: str) -> None:
    assert Routes().find(path) is None
    assert get_resolver().resolve(path)


@pytest.mark.parametrize("path", ["/status", "/status/", "/livez", "/readyz", "/docs"])
def test_what_programs_ask_beside_the_api_takes_the_short_way_too(path: str) -> None:
    found = Routes().find(path)
    assert found is not None
    assert found.endpoint is get_resolver().resolve(path).func.view_class


@pytest.mark.parametrize(
    "path",
    ["/v1/", "/v1", "/v1/user/login", "/v1/user/login/", "/v1/nothing", "/v2/user", "", "/V1/user"],
)
def test_what_is_no_route_is_left_to_django(path: str) -> None:
    assert Routes().find(path) is None
    with pytest.raises(Resolver404):
        get_resolver().resolve(path)
