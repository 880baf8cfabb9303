"""Requests of people, through the door: asked and looked at."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from databunker.ids import unix_now
from gdpr.actions.requests import opening
from gdpr.models import Request
from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import Api
from tests.support.requests import PROFILE, SHOP, asked, change, done, profile, state


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def person(api: Api, ann: str) -> Api:
    return api.as_person(ann)


# --- asking ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "action"),
    [
        ("PUT", "/v1/user/login/ann", {"n": 2}, "change-profile"),
        ("PUT", "/v1/user/email/ann@example.com", [{"op": "remove", "path": "/n"}], "change-profile"),
        ("DELETE", "/v1/user/login/ann", None, "forget-me"),
        ("POST", SHOP, {"size": 2}, "change-app-data"),
        ("PUT", SHOP, {"size": 2}, "change-app-data"),
        ("DELETE", SHOP, None, "change-app-data"),
    ],
)
def test_what_a_person_may_not_do_alone_becomes_a_request(
    api: Api, person: Api, ann: str, method: str, path: str, body: Any, action: str
) -> None:
    api.post(SHOP, {"size": 1})
    before = contents()
    rtoken = asked(person, method, path, body)
    after = contents()
    assert len(after.pop("gdpr_request")) == 1
    before.pop("gdpr_request")
    assert after == before, "nothing is changed before it is approved"
    assert asked(person, method, path, body, result="request-exists") == rtoken
    for caller in (api, person):
        found = caller.get(f"/v1/request/{rtoken}").json()
        assert (found["action"], found["state"], found["token"]) == (action, "open", ann)
        assert found.get("change") == body
    assert Request.objects.count() == 1


def test_a_person_opens_so_many_requests_a_day(
    api: Api, person: Api, ann: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.REQUESTS_PER_DAY = 2
    taken_back = change(person, {"n": 2})
    assert person.delete(f"/v1/request/{taken_back}").status_code == 200
    opened = change(person, {"n": 3})
    with told_by() as told:
        answer = person.post(SHOP, {"size": 1})
    assert_refused(answer, 429, "too many tries")
    assert 86_000 < int(answer["Retry-After"]) <= 86_400
    assert [(event.code, event.outcome) for event in told] == [("app.store", "denied")]
    assert Request.objects.count() == 2
    assert change(person, {"n": 3}, result="request-exists") == opened, "that is none"
    asked(person, "DELETE", "/v1/user/login/ann")  # to be forgotten can always be asked for, and counts for nothing
    api.create(login="ben")
    asked(api.as_person(api.get("/v1/user/login/ben").json()["token"]), "PUT", "/v1/user/login/ben", {"n": 1})
    monkeypatch.setattr(opening, "unix_now", lambda: unix_now() + 86_401)
    asked(person, "POST", SHOP, {"size": 1})
    assert Request.objects.count() == 5


def test_nothing_is_asked_for_where_nothing_changes(person: Api, ann: str) -> None:
    for body in ({}, [], {"n": 1}, {"absent": None}, [{"op": "test", "path": "/n", "value": 1}]):
        assert person.put("/v1/user/login/ann", body).json() == {"status": "ok", "token": ann}
    assert not Request.objects.exists()


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/v1/user/login/ann", b"no JSON", 400),
        ("PUT", "/v1/user/login/ann", 5, 400),
        ("PUT", "/v1/user/login/ann", [{"op": "frobnicate"}], 400),
        ("PUT", "/v1/user/login/ann", [{"op": "remove", "path": "/absent"}], 400),
        ("PUT", "/v1/user/login/ann", [{"op": "test", "path": "/n", "value": 9}, {"op": "remove", "path": "/n"}], 409),
        ("PUT", "/v1/user/login/ann", {"phone": "rubbish"}, 400),
        ("PUT", "/v1/user/login/ann", {"login": None, "email": None}, 400),
        ("PUT", "/v1/user/login/ann", {"email": {"is": 1}}, 400),
        ("PUT", SHOP, {"a": 1}, 404),
        ("DELETE", SHOP, None, 404),
        ("POST", SHOP, [1], 400),
        ("POST", "/v1/userapp/login/ann/bad-name", {"a": 1}, 400),
    ],
)
def test_a_malformed_wish_is_refused_at_once(person: Api, method: str, path: str, body: Any, status: int) -> None:
    assert_refused(person.call(method, path, body), status)
    assert not Request.objects.exists()


def test_a_wish_against_the_schema_is_refused_at_once(api: Api, settings: Any, tmp_path: Any) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"properties":{"born":{"locked":true},"age":{"type":"integer"},"role":{"admin":true}}}')
    settings.USER_SCHEMA_FILE = str(path)
    person = api.as_person(api.create(login="ann", born=1990))
    assert_refused(person.put("/v1/user/login/ann", {"born": 1991}), 400, "locked fields can't be changed: born")
    assert_refused(person.put("/v1/user/login/ann", {"age": "x"}), 400)
    assert not Request.objects.exists()
    # Fields of the schema's keyword `admin` need approval whatever the settings allow.
    settings.SELFSERVICE_USER_RECORD_CHANGE = True
    assert person.put("/v1/user/login/ann", {"age": 5}).json()["token"]
    rtoken = change(person, {"role": "editor", "age": 6})
    assert profile(api) == {"login": "ann", "born": 1990, "age": 5}
    done(api.post(f"/v1/request/{rtoken}"))
    assert profile(api) == {"login": "ann", "born": 1990, "age": 6, "role": "editor"}


def test_settings_say_what_needs_no_approval(api: Api, person: Api, ann: str, settings: Any) -> None:
    settings.SELFSERVICE_USER_RECORD_CHANGE = settings.SELFSERVICE_FORGET_ME = True
    settings.SELFSERVICE_APP_RECORD_CHANGE = ["sho*"]
    assert person.put("/v1/user/login/ann", {"n": 5}).json() == {"status": "ok", "token": ann}
    assert person.post(SHOP, {"a": 1}).json() == {"status": "ok", "token": ann}
    asked(person, "POST", "/v1/userapp/login/ann/crm", {"a": 1})
    done(person.delete("/v1/user/login/ann"))


def test_whose_identity_is_asked_for_is_not_told_to_the_person(api: Api, person: Api) -> None:
    """Otherwise anybody with a token could ask who else is in the vault."""
    api.create(login="ben")
    taken = person.put("/v1/user/login/ann", {"login": "ben"})
    rtoken = taken.json()["rtoken"]
    assert taken.json()["result"] == "request-created"
    assert_refused(api.post(f"/v1/request/{rtoken}"), 409, "duplicate login index")
    assert state(api, rtoken) == "open"
    api.put("/v1/user/login/ben", {"login": "bob"})
    done(api.post(f"/v1/request/{rtoken}"))
    assert api.get("/v1/user/login/ben").json()["data"]["email"] == "ann@example.com"


# --- one of a kind ---------------------------------------------------------------------------------------------------


def test_another_wish_of_the_same_kind_is_refused_and_names_the_open_one(api: Api, person: Api) -> None:
    rtoken = change(person, {"n": 2})
    before = contents()
    answer = person.put("/v1/user/login/ann", {"n": 3})
    assert answer.status_code == 409
    assert answer.json() == {
        "status": "error",
        "message": "another change-profile request waits for a decision: cancel it, or ask again afterwards",
        "rtoken": rtoken,
    }
    assert contents() == before
    assert person.put("/v1/user/login/ann", [{"op": "replace", "path": "/n", "value": 2}]).status_code == 409
    assert change(person, b'{ "n" : 2 }', result="request-exists") == rtoken
    done(person.delete(f"/v1/request/{rtoken}"))
    assert change(person, {"n": 3}) != rtoken


def test_kinds_and_applications_stand_in_nobodys_way(api: Api, person: Api) -> None:
    first = {
        change(person, {"n": 2}),
        asked(person, "DELETE", "/v1/user/login/ann"),
        asked(person, "POST", SHOP, {"a": 1}),
        asked(person, "POST", "/v1/userapp/login/ann/crm", {"a": 1}),
    }
    assert len(first) == 4
    assert person.post(SHOP, {"a": 2}).status_code == 409
    ben = api.as_person(api.create(login="ben"))
    asked(ben, "DELETE", "/v1/user/login/ben")


def test_the_name_of_an_open_request_is_in_no_event(person: Api) -> None:
    rtoken = change(person, {"n": 2})
    with told_by() as told:
        assert person.put("/v1/user/login/ann", {"n": 3}).status_code == 409
    assert [(event.code, event.outcome) for event in told] == [("record.change", "conflict")]
    assert rtoken not in str(told)


# --- looking ---------------------------------------------------------------------------------------------------------


def test_original_and_change_are_shown(api: Api, person: Api, ann: str) -> None:
    body = {"name": {"first": "Anna"}, "n": None, "new": {"deep": 12345678901234567890}}
    rtoken = change(person, body)
    found = person.get(f"/v1/request/{rtoken}").json()
    assert found["original"] == {"name": {"first": "Ann"}, "n": 1}
    assert found["change"] == body
    assert not {"app", "brief", "verb"} & set(found)
    # What was kept is what was there when the person asked.
    api.put("/v1/user/login/ann", {"n": 7})
    assert person.get(f"/v1/request/{rtoken}").json()["original"]["n"] == 1
    forget = asked(person, "DELETE", "/v1/user/login/ann")
    found = api.get(f"/v1/request/{forget}").json()
    assert found["original"] == {**PROFILE, "n": 7}
    assert "change" not in found


@pytest.mark.parametrize(
    ("method", "body", "verb", "original"),
    [
        ("POST", {"b": 1}, "store", {"a": 1, "c": 2}),
        ("PUT", {"a": 2}, "change", {"a": 1}),
        ("DELETE", None, "delete", {"a": 1, "c": 2}),
    ],
)
def test_what_is_to_be_done_to_application_data_is_shown(
    api: Api, person: Api, method: str, body: Any, verb: str, original: Any
) -> None:
    api.post(SHOP, {"a": 1, "c": 2})
    found = api.get(f"/v1/request/{asked(person, method, SHOP, body)}").json()
    assert (found["app"], found["verb"], found["original"]) == ("shop", verb, original)


def test_requests_are_listed(api: Api, person: Api, ann: str) -> None:
    assert api.get("/v1/requests").json() == {"status": "ok", "total": 0, "rows": []}
    first = change(person, {"n": 2})
    second = asked(person, "POST", SHOP, {"a": 1})
    ben = api.as_person(api.create(login="ben"))
    third = asked(ben, "DELETE", "/v1/user/login/ben")
    listed = api.get("/v1/requests").json()
    assert (listed["total"], [row["rtoken"] for row in listed["rows"]]) == (3, [first, second, third])
    row = listed["rows"][1]
    assert set(row) == {
        "rtoken", "token", "action", "status", "state", "when", "creationtime", "reason", "app", "brief", "more", "duetime",
        "unpausedduetime", "extendtime", "extendreason", "identityasktime", "identityprooftime", "identityreason", "proofreason", "notice",
        "decidetime", "decidedby",
    }  # fmt: skip
    assert (row["token"], row["action"], row["status"], row["app"], row["more"]) == (
        ann,
        "change-app-data",
        "open",
        "shop",
        True,
    )
    assert listed["rows"][2]["more"] is False
    page = api.get("/v1/requests?offset=1&limit=1").json()
    assert (page["total"], [row["rtoken"] for row in page["rows"]]) == (3, [second])
    for path in ("login/ann", f"token/{ann}"):
        mine = person.get(f"/v1/requests/{path}").json()
        assert (mine["total"], [row["rtoken"] for row in mine["rows"]]) == (2, [second, first]), "newest first"
    assert [row["rtoken"] for row in person.get("/v1/requests/login/ann?offset=1").json()["rows"]] == [first]
    assert_refused(person.get("/v1/requests"), 403, "Access denied")
    assert_refused(ben.get("/v1/requests/login/ann"), 403, "Access denied")


def test_requests_are_listed_by_status(api: Api, person: Api) -> None:
    approved, canceled, refused, waiting = change(person, {"n": 2}), None, None, None
    done(api.post(f"/v1/request/{approved}"))
    canceled = change(person, {"n": 3})
    done(person.delete(f"/v1/request/{canceled}"))
    refused = change(person, {"n": 4})
    done(api.delete(f"/v1/request/{refused}"))
    waiting = change(person, {"n": 5})
    assert api.post(f"/v1/request/{waiting}/identity", {"proof": "ask", "reason": "x"}).status_code == 200
    opened = asked(person, "DELETE", "/v1/user/login/ann")
    for status, wanted in {
        "open": [opened, waiting],  # the clock of the latter stands still
        "awaiting-identity": [waiting],
        "approved": [approved],
        "canceled": [refused, canceled],
        "refused": [refused],
        "": [opened, waiting],
    }.items():
        rows = api.get(f"/v1/requests?status={status}").json()["rows"]
        assert [row["rtoken"] for row in rows] == wanted, status
    assert_refused(api.get("/v1/requests?status=nonsense"), 400, "bad status")


@pytest.mark.parametrize("text", ["x", "3d2f9a546c1e4b0f9a775f3f0a1c2b4d", "é"])
def test_a_request_is_named_by_a_uuid(api: Api, text: str) -> None:
    for method, tail in (("GET", ""), ("POST", ""), ("DELETE", ""), ("POST", "/extend"), ("POST", "/identity")):
        body = {"reason": "x", "proof": "ask"} if method == "POST" else None
        assert_refused(api.call(method, f"/v1/request/{text}{tail}", body), 400, "bad uuid")


def test_a_request_that_is_not_there_and_one_of_somebody_else_look_alike(api: Api, person: Api) -> None:
    ben = api.as_person(api.create(login="ben"))
    rtoken, absent = change(person, {"n": 2}), str(uuid.uuid4())
    for method in ("GET", "DELETE"):
        answers = {ben.call(method, f"/v1/request/{token}").content for token in (rtoken, absent)}
        assert answers == {b'{"status":"error","message":"Access denied"}'}
        assert_refused(api.call(method, f"/v1/request/{absent}"), 404, "not found")
    for path in ("", "/extend", "/identity"):
        assert_refused(person.post(f"/v1/request/{rtoken}{path}", {"reason": "x"}), 403, "Access denied")
    assert state(api, rtoken) == "open"
