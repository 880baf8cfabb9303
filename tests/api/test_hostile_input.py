"""Input that would cost much: refused, or answered in a time that its size explains."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from tests.api.helpers import assert_refused
from tests.conftest import Api

SECONDS = 5  # far above what is right and far below what was wrong


@pytest.fixture
def with_schema(settings: Any, tmp_path: Path) -> Any:
    def use(text: str) -> None:
        file = tmp_path / "schema.json"
        file.write_text(text)
        settings.USER_SCHEMA_FILE = str(file)

    return use


def test_numbers_of_thousands_of_digits_meet_a_schema(api: Api, with_schema: Any) -> None:
    with_schema('{"type": "object", "properties": {"n": {"multipleOf": 0.01}}}')
    body = b'{"login":"ann","n":1,"many":[' + b",".join([b"1e6144"] * 50_000) + b"]}"
    began = time.monotonic()
    assert_refused(api.post("/v1/user", body), 400, "profile does not fit the record schema: a number is out of range")
    assert time.monotonic() - began < SECONDS
    assert api.post("/v1/user", b'{"login":"ann","n":1e400}').status_code == 400


def test_unique_items_are_found_in_linear_time(api: Api, with_schema: Any) -> None:
    with_schema('{"type": "object", "properties": {"list": {"uniqueItems": true}}}')
    items = [{"a": number, "b": [number, str(number)]} for number in range(20_000)]
    began = time.monotonic()
    assert api.post("/v1/user", {"login": "ann", "list": items}).status_code == 200
    assert time.monotonic() - began < SECONDS


@pytest.mark.parametrize(
    ("items", "unique"),
    [
        ("[1, 2]", True), ("[1, 1.0]", False), ('[1, "1"]', True), ("[1, true]", True), ("[0, false]", True),
        ('[{"a": 1, "b": 2}, {"b": 2, "a": 1}]', False), ("[[1], [1]]", False), ("[[1], 1]", True), ("[null, null]", False),
        ('["#1", 1]', True), ("[1.5, 1.50]", False), ("[]", True),
    ],
)  # fmt: skip
def test_unique_items_are_judged_as_json_schema_says(api: Api, with_schema: Any, items: str, unique: bool) -> None:
    with_schema('{"type": "object", "properties": {"list": {"uniqueItems": true}}}')
    answer = api.post("/v1/user", f'{{"login":"ann","list":{items}}}')
    assert answer.status_code == (200 if unique else 400), answer.content


def test_a_batch_of_too_many_is_refused_before_it_is_looked_at(api: Api) -> None:
    began = time.monotonic()
    assert_refused(
        api.post("/v1/users/bulk", b'{"records":[' + b"1," * 2_000_000 + b"1]}"), 400, "at most 4000 records a call"
    )
    assert time.monotonic() - began < SECONDS


def test_a_person_shares_only_so_much(api: Api) -> None:
    person = api.as_person(api.create(login="ann"))
    path = "/v1/sharedrecord/login/ann"
    assert_refused(person.post(path, {"partner": "x" * 257}), 400, "partner has at most 256 characters")
    assert_refused(person.post(path, {"fields": "x" * 4097}), 400, "fields has at most 4096 characters")
    for _ in range(100):
        assert person.post(path, {"fields": "login"}).status_code == 200
    assert_refused(person.post(path, {"fields": "login"}), 409, "a person has at most 100 shared records")


def test_an_application_does_not_list_people_through_the_trail(api: Api, settings: Any) -> None:
    from databunker.access.models import TokenKind
    from tests.conftest import new_token

    api.create(login="ann", email="ann@example.com")
    api.get("/v1/user/email/ann@example.com")
    application = Api(new_token(TokenKind.ADMIN))
    rows = application.get("/v1/audit/admin?limit=100").json()["rows"]
    assert len(rows) >= 3
    assert {(row["record"], row["identity"]) for row in rows} == {("", "")}
    assert "ann@example.com" in {row["identity"] for row in api.get("/v1/audit/admin?limit=100").json()["rows"]}
    settings.LIST_USERS = "legacy"
    assert "ann@example.com" in {row["identity"] for row in application.get("/v1/audit/admin?limit=100").json()["rows"]}


def test_metrics_behind_a_proxy_that_nobody_told_of_need_a_token(api: Api) -> None:
    assert Api().get("/v1/metrics").status_code == 200
    assert Api().get("/v1/metrics", HTTP_X_FORWARDED_FOR="203.0.113.5").status_code == 403
    assert api.get("/v1/metrics", HTTP_X_FORWARDED_FOR="203.0.113.5").status_code == 200


def test_a_session_is_tied_by_a_number_as_a_profile_is_found_by_it(api: Api) -> None:
    token = api.create(login=42)
    session = "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"
    api.post(f"/v1/session/{session}", {"login": 42, "name": "x"})
    assert api.get(f"/v1/sessions/token/{token}").json()["total"] == 1
