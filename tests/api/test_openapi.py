"""The OpenAPI document says what the routes do, all of it, and nothing else."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.http import HttpResponse
from drf_spectacular.validation import validate_schema

from databunker.api.openapi import PAGING, operation_of
from databunker.api.openapi.document import document, document_json
from tests.api.helpers import assert_refused, routes
from tests.api.matrix import ADMIN, ADMINS, MATRIX, Row, Scene
from tests.conftest import Api
from tests.support.described import assert_described, described_path, the_document

# Pages for people and what balancers ask, which are no part of the API.
PAGES = {"docs", "docs/<str:version>/<str:name>", "livez", "readyz"}


class Described(NamedTuple):
    path: str
    method: str
    operation: dict[str, Any]


def described() -> Iterator[Described]:
    for path, methods in the_document()["paths"].items():
        for method, operation in methods.items():
            yield Described(path, method.upper(), operation)


def test_it_is_valid_openapi() -> None:
    assert the_document()["openapi"] == "3.1.0"
    validate_schema(the_document())


def test_anybody_may_read_it(stranger: Api) -> None:
    answer = stranger.get("/v1/openapi.json")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
    assert answer.json() == json.loads(document_json()) == document()


# --- nothing is missing, nothing is invented -------------------------------------------------------------------------


@pytest.mark.parametrize(("route", "view"), [pytest.param(*one, id=one[0]) for one in routes()])
def test_every_method_of_every_route_is_described(route: str, view: Any) -> None:
    if route in PAGES:
        assert view.schema is None
        return
    for method in view.methods():
        assert operation_of(view, method) is not None, f"put an Operation above {view.__name__}.{method.lower()}"


def test_what_is_described_is_there() -> None:
    there = {
        (described_path(route), method) for route, view in routes() if route not in PAGES for method in view.methods()
    }
    assert [(one.path, one.method) for one in described() if (one.path, one.method) not in there] == []
    assert {(one.path, one.method) for one in described()} == there


def test_parts_of_paths_are_described_as_the_route_has_them() -> None:
    for one in described():
        parts = [each["name"] for each in one.operation["parameters"] if each["in"] == "path"]
        assert parts == re.findall(r"{(\w+)}", one.path)


def test_every_operation_has_a_name_of_its_own_a_summary_and_a_group() -> None:
    names = [one.operation["operationId"] for one in described()]
    assert sorted(set(names)) == sorted(names)
    groups = {tag["name"]: tag["description"] for tag in the_document()["tags"]}
    for one in described():
        assert one.operation["summary"]
        assert set(one.operation["tags"]) <= set(groups)
    assert all(groups.values())


def test_references_and_links_lead_somewhere() -> None:
    whole = the_document()
    for reference in re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(whole)):
        place = whole
        for step in reference.split("/"):
            place = place[step]
    by_name = {one.operation["operationId"]: one for one in described()}
    links = [link for one in described() for link in one.operation["responses"]["200"].get("links", {}).values()]
    assert links
    for link in links:
        target = by_name[link["operationId"]]
        assert set(link["parameters"]) == set(re.findall(r"{(\w+)}", target.path)), link


def test_tokens_are_asked_for_exactly_where_the_route_wants_one() -> None:
    rules = {described_path(route): view.rules for route, view in routes()}
    for one in described():
        asked = [next(iter(way)) for way in one.operation["security"]]
        assert asked == (["token", "bearer"] if one.method in rules[one.path] else [])


# --- it holds for the server -----------------------------------------------------------------------------------------


def call(scene: Scene, row: Row, body: Any = None, query: str = "") -> HttpResponse:
    return scene.call(ADMIN, row._replace(path=row.path + query, body=row.body if body is None else body))


OPERATIONS = {(one.path, one.method): one.operation for one in described()}
ROWS = [
    (row, OPERATIONS[described_path(row.route), row.method])
    for row in MATRIX
    if ADMINS[1] in row.lets_in and row.route not in PAGES
]


@pytest.mark.parametrize(
    "row", [row for row, operation in ROWS if "limit" in {each["name"] for each in operation["parameters"]}], ids=str
)
def test_a_route_that_is_said_to_have_pages_reads_offset_and_limit(scene: Scene, row: Row, settings: Any) -> None:
    settings.IDENTITY_FIELDS = ["household:text:shared"]
    if row.path.startswith("/v1/user/"):
        row = row._replace(path="/v1/user/household/ours")
    for query in PAGING:
        assert_refused(call(scene, row, query=f"?{query.name}=some"), 400, f"{query.name} must be a whole number")


@pytest.mark.parametrize(
    "row", [row for row, operation in ROWS if "requestBody" in operation], ids=lambda row: f"{row.method} {row.path}"
)
def test_a_route_that_is_said_to_take_a_body_reads_it(scene: Scene, row: Row) -> None:
    assert_refused(call(scene, row, b"{"), 400)


def test_bodies_of_the_matrix_are_as_described() -> None:
    """What the tests send as a right body is one by the document, too."""
    from jsonschema import Draft202012Validator

    components = the_document()["components"]
    seen = 0
    for row, operation in ROWS:
        if isinstance(row.body, dict):
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            Draft202012Validator({**schema, "components": components}).validate(row.body)
            seen += 1
    assert seen > 5


# --- and these tests would notice ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "content"),
    [
        (200, b'{"status":"ok"}'),
        (200, b'{"status":"ok","token":"no UUID"}'),
        (200, b'{"status":"error","token":"7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"}'),
        (404, b'{"status":"error","message":"x"}'),
        (418, b'{"status":"error","message":"x"}'),
        (409, b'{"message":"x"}'),
    ],
)
def test_an_answer_that_is_not_as_described_is_found(status: int, content: bytes) -> None:
    answer = HttpResponse(content, status=status, content_type="application/json; charset=utf-8")
    answer.json = lambda: json.loads(content)
    with pytest.raises(AssertionError, match=r"users\.UserCreate\.post"):
        assert_described("POST", "/v1/user", answer)


def test_a_missing_header_is_found() -> None:
    content = b'{"status":"error","message":"too many tries"}'
    answer = HttpResponse(content, status=429, content_type="application/json; charset=utf-8")
    answer.json = lambda: json.loads(content)
    with pytest.raises(AssertionError, match=r"login\.LoginForm\.post answers 429 without Retry-After"):
        assert_described("POST", "/v1/login", answer)
    answer.headers["Retry-After"] = "3"
    assert_described("POST", "/v1/login", answer)
