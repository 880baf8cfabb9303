"""What applications keep about people, through the door."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import FORM, Api
from vault.models import AppRecord, AppVersion

SHOP = "/v1/userapp/login/ann/shop"


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(login="ann", email="ann@example.com")


def test_data_is_stored_read_overwritten_and_deleted(api: Api, ann: str) -> None:
    assert api.post(SHOP, {"size": 42, "cart": [1, 2]}).json() == {"status": "ok", "token": ann}
    assert api.get(SHOP).json() == {"status": "ok", "token": ann, "data": {"size": 42, "cart": [1, 2]}}
    assert api.post("/v1/userapp/email/ann@example.com/SHOP", {"other": True}).status_code == 200
    assert api.get(SHOP).json()["data"] == {"other": True}
    assert api.delete(SHOP).json() == {"status": "ok", "token": ann}
    assert_refused(api.get(SHOP), 404, "not found")
    assert not AppRecord.objects.exists()
    assert not AppVersion.objects.exists()


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({"a": None, "b": {"c": 2}}, {"b": {"c": 2, "d": 1}}),
        ([{"op": "replace", "path": "/a", "value": 9}], {"a": 9, "b": {"d": 1}}),
    ],
)
def test_data_is_patched(api: Api, ann: str, change: Any, after: Any) -> None:
    api.post(SHOP, {"a": 1, "b": {"d": 1}})
    assert api.put(SHOP, change).json() == {"status": "ok", "token": ann}
    assert api.get(SHOP).json()["data"] == after


def test_a_form_is_data_of_text(api: Api, ann: str) -> None:
    assert api.post(SHOP, "size=42&size=43", content_type=FORM).status_code == 200
    assert api.get(SHOP).json()["data"] == {"size": "42"}


def test_the_applications_of_a_person_and_of_all_are_listed(api: Api, ann: str) -> None:
    assert api.get("/v1/userapps").json() == {"status": "ok", "apps": []}
    assert api.get("/v1/userapp/login/ann").json() == {"status": "ok", "token": ann, "apps": []}
    ben = api.create(login="ben")
    for path in (SHOP, "/v1/userapp/login/ann/crm", "/v1/userapp/login/ben/shop"):
        assert api.post(path, {"a": 1}).status_code == 200
    assert api.get("/v1/userapps").json()["apps"] == ["crm", "shop"]
    assert api.get("/v1/userapp/login/ann").json()["apps"] == ["crm", "shop"]
    assert api.get(f"/v1/userapp/token/{ben}").json()["apps"] == ["shop"]


@pytest.mark.parametrize("name", ["s", "1shop", "sh-op", "shöp", "a" * 32, "shop%20"])
def test_a_bad_name_is_refused(api: Api, ann: str, name: str) -> None:
    before = contents()
    assert_refused(api.post(f"/v1/userapp/login/ann/{name}", {"a": 1}), 400, "bad appname")
    assert contents() == before


@pytest.mark.parametrize("body", [[1], "text", 5, None])
def test_data_is_an_object(api: Api, ann: str, body: Any) -> None:
    assert api.post(SHOP, body).status_code == 400
    assert not AppRecord.objects.exists()


def test_nobody_has_data(api: Api) -> None:
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert api.call(method, SHOP, {"a": 1}).status_code == 404


def test_an_absent_record_is_neither_patched_nor_deleted(api: Api, ann: str) -> None:
    assert_refused(api.put(SHOP, {"a": 1}), 404, "not found")
    assert_refused(api.delete(SHOP), 404, "not found")


def test_before_and_after_can_be_read_until_the_data_is_deleted(api: Api, ann: str) -> None:
    api.post(SHOP, {"a": 1})
    api.put(SHOP, {"a": 2})
    stored, changed = _events(api, ann, "stored an application's data", "changed an application's data")
    assert _event(api, stored) == (None, {"a": 1}, "shop")
    assert _event(api, changed) == ({"a": 1}, {"a": 2}, "shop")
    api.delete(SHOP)
    assert _event(api, changed) == (None, None, "shop")


def _events(api: Api, token: str, *titles: str) -> list[str]:
    rows = api.get(f"/v1/audit/list/{token}?limit=100").json()["rows"]
    return [next(row["atoken"] for row in rows if row["title"] == title) for title in titles]


def _event(api: Api, atoken: str) -> tuple[Any, Any, str]:
    event = api.get(f"/v1/audit/get/{atoken}").json()["event"]
    return event.get("before"), event.get("after"), event["app"]


def test_data_is_gone_with_the_person(api: Api, ann: str) -> None:
    api.post(SHOP, {"a": 1})
    api.put(SHOP, {"a": 2})
    assert api.delete("/v1/user/login/ann").status_code == 200
    assert not AppRecord.objects.exists()
    assert not AppVersion.objects.exists()
    for method in ("GET", "POST", "PUT", "DELETE"):
        assert api.call(method, f"/v1/userapp/token/{ann}/shop", {"a": 1}).status_code == 404


@pytest.mark.parametrize(
    ("patterns", "allowed"),
    [
        ([], False), (["*"], True), (["shop"], True), (["sho"], False), (["sh*"], True), (["*op"], True), (["*ho*"], True),
        (["crm", "other*"], False), (["SHOP"], True),
    ],
)  # fmt: skip
def test_a_person_changes_what_the_setting_names(
    api: Api, ann: str, settings: Any, patterns: list[str], allowed: bool
) -> None:
    settings.SELFSERVICE_APP_RECORD_CHANGE = patterns
    person = api.as_person(ann)
    for method, after in (("POST", {"a": 1}), ("PUT", {"a": 2}), ("DELETE", None)):
        answer = person.call(method, SHOP, after)
        if allowed:
            assert answer.json() == {"status": "ok", "token": ann}
            assert api.get(SHOP).json().get("data") == after
        elif method == "POST":
            assert answer.json()["result"] == "request-created"
            assert_refused(api.get(SHOP), 404)
        else:
            assert_refused(answer, 404, "not found")


def test_each_call_leaves_its_event(api: Api, ann: str) -> None:
    calls = [("POST", SHOP), ("GET", SHOP), ("PUT", SHOP), ("GET", "/v1/userapp/login/ann"), ("DELETE", SHOP)]
    with told_by() as told:
        for method, path in calls:
            assert api.call(method, path, {"a": method}).status_code == 200
        assert api.get("/v1/userapps").status_code == 200
    assert [event.code for event in told] == [
        "app.store", "app.read", "app.change", "app.list", "app.delete", "app.list_all",
    ]  # fmt: skip
    assert {event.detail.get("identity") for event in told[:-1]} == {"ann"}
    assert [event.detail.get("app") for event in told] == ["shop", "shop", "shop", None, "shop", None]
