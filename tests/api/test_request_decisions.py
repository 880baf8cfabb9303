"""Requests of people, through the door: approved, refused, taken back, and what forgetting does to them."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from databunker.access.models import TokenKind
from gdpr.models import Request
from tests.api.helpers import assert_refused, contents, subject_of, told_by
from tests.conftest import FORM, Api, new_token
from tests.support.requests import PROFILE, SHOP, asked, change, done, profile, state


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def person(api: Api, ann: str) -> Api:
    return api.as_person(ann)


# --- approving -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "after"),
    [
        ({"name": {"first": "Anna"}, "n": None}, {**PROFILE, "name": {"first": "Anna", "last": "E"}}),
        (
            [{"op": "add", "path": "/tags/0", "value": "z"}, {"op": "remove", "path": "/n"}],
            {**PROFILE, "tags": ["z", "a", "b"]},
        ),
        ([{"op": "move", "from": "/n", "path": "/moved"}], {**PROFILE, "moved": 1}),
    ],
)
def test_an_approval_does_exactly_what_was_asked_for(api: Api, person: Api, body: Any, after: Any) -> None:
    del (after := dict(after))["n"]
    rtoken = change(person, body)
    # Other fields may have changed since.
    api.put("/v1/user/login/ann", {"other": 1})
    done(api.post(f"/v1/request/{rtoken}", {"reason": "fine"}))
    assert profile(api) == {**after, "other": 1}
    found = api.get(f"/v1/request/{rtoken}").json()
    assert (found["state"], found["reason"]) == ("approved", "fine")
    assert found["decidedby"].startswith("root ")
    assert found["decidetime"] == found["when"]


def test_identities_follow_an_approved_change(api: Api, person: Api, ann: str) -> None:
    rtoken = change(person, {"email": "new@example.com", "phone": "07700 900001"})
    done(api.post(f"/v1/request/{rtoken}"))
    assert api.get("/v1/user/email/new@example.com").json()["token"] == ann
    assert api.get("/v1/user/phone/07700900001").json()["token"] == ann
    assert api.get("/v1/user/email/ann@example.com").status_code == 404


@pytest.mark.parametrize(
    ("body", "meanwhile"),
    [
        ({"n": 2}, {"n": 5}),
        ({"n": 2}, {"n": None}),
        ({"new": 2}, {"new": 3}),
        ({"name": {"first": "Anna"}}, {"name": "Ann"}),
        ([{"op": "remove", "path": "/tags/0"}], {"tags": ["b", "a"]}),
        ([{"op": "copy", "from": "/n", "path": "/m"}], {"n": 6}),
    ],
)
def test_a_change_of_a_changed_field_is_not_approved(api: Api, person: Api, body: Any, meanwhile: Any) -> None:
    rtoken = change(person, body)
    original = profile(api)
    api.put("/v1/user/login/ann", meanwhile)
    before = contents()
    with told_by() as told:
        answer = api.post(f"/v1/request/{rtoken}")
    assert_refused(answer, 409, "what the request would change has changed since: the request stays open")
    assert contents() == before
    assert [(event.code, event.outcome) for event in told] == [("request.approve", "conflict")]
    assert state(api, rtoken) == "open"
    # Once the fields are as they were, it can be approved.
    token = api.get("/v1/user/login/ann").json()["token"]
    api.put(f"/v1/user/token/{token}", [{"op": "replace", "path": "", "value": original}])
    done(api.post(f"/v1/request/{rtoken}"))


@pytest.mark.parametrize(
    ("method", "body", "after"),
    [("POST", {"b": 1}, {"b": 1}), ("PUT", {"a": 2}, {"a": 2, "c": 2}), ("DELETE", None, None)],
)
def test_application_data_is_changed_by_approval(api: Api, person: Api, method: str, body: Any, after: Any) -> None:
    api.post(SHOP, {"a": 1, "c": 2})
    rtoken = asked(person, method, SHOP, body)
    api.put(SHOP, {"a": 9})
    assert_refused(api.post(f"/v1/request/{rtoken}"), 409)
    api.put(SHOP, {"a": 1})
    done(api.post(f"/v1/request/{rtoken}"))
    assert api.get(SHOP).json().get("data") == after


def test_data_of_a_new_application_is_stored_by_approval(api: Api, person: Api) -> None:
    rtoken = asked(person, "POST", SHOP, {"a": 1})
    api.post(SHOP, {"a": 5})
    assert_refused(api.post(f"/v1/request/{rtoken}"), 409)
    api.delete(SHOP)
    done(api.post(f"/v1/request/{rtoken}"))
    assert person.get(SHOP).json()["data"] == {"a": 1}


def test_an_approval_is_given_once(api: Api, person: Api) -> None:
    rtoken = change(person, {"n": 2})
    done(api.post(f"/v1/request/{rtoken}"))
    before = contents()
    for answer in (
        api.post(f"/v1/request/{rtoken}"),
        api.delete(f"/v1/request/{rtoken}"),
        person.delete(f"/v1/request/{rtoken}"),
    ):
        assert_refused(answer, 409, "wrong status: approved")
    for path in ("extend", "identity"):
        answer = api.post(f"/v1/request/{rtoken}/{path}", {"reason": "x", "proof": "ask"})
        assert_refused(answer, 409, "wrong status: approved")
    assert contents() == before


def test_approval_and_change_share_the_request_id(api: Api, person: Api, ann: str) -> None:
    rtoken = change(person, {"n": 2})
    with told_by() as told:
        done(Api(new_token(TokenKind.ADMIN)).post(f"/v1/request/{rtoken}", {"reason": "fine"}))
    assert [(event.code, event.who, event.subject) for event in told] == [
        ("request.approve", "admin", subject_of(ann)),
        ("record.change", "admin", subject_of(ann)),
    ]
    assert told[0].request == told[1].request
    assert told[0].detail["action"] == "change-profile"


def test_a_change_that_no_longer_fits_the_schema_stays_open(
    api: Api, person: Api, settings: Any, tmp_path: Any
) -> None:
    rtoken = change(person, {"n": "text"})
    path = tmp_path / "schema.json"
    path.write_text('{"properties":{"n":{"type":"integer"}}}')
    settings.USER_SCHEMA_FILE = str(path)
    assert_refused(api.post(f"/v1/request/{rtoken}"), 400)
    assert state(api, rtoken) == "open"


# --- forgetting ------------------------------------------------------------------------------------------------------


def facts(ann: str) -> list[dict[str, Any]]:
    return list(Request.objects.filter(subject=subject_of(ann)).order_by("id").values())


SEALED = ("sealed_id", "terms", "original", "change", "reasons")


def test_an_approved_forget_me_leaves_bare_facts(api: Api, person: Api, ann: str) -> None:
    old = change(person, {"n": 2})
    done(api.post(f"/v1/request/{old}", {"reason": "words"}))
    pending = change(person, {"n": 3})
    forget = asked(person, "DELETE", "/v1/user/login/ann")
    with told_by() as told:
        done(api.post(f"/v1/request/{forget}", {"reason": "words"}))
    assert [event.code for event in told] == ["request.approve", "request.cancel", "record.forget"]
    assert {event.request for event in told} == {told[0].request}
    assert api.get(f"/v1/user/token/{ann}").json()["data"] == {}
    assert [all(row[name] is None for name in SEALED) for row in facts(ann)] == [True] * 3
    assert [row["slot"] for row in facts(ann)] == [None] * 3
    listed = api.get(f"/v1/requests/token/{ann}").json()
    assert [(row["action"], row["state"], row["rtoken"], row["reason"]) for row in listed["rows"]] == [
        ("forget-me", "approved", "", ""),
        ("change-profile", "canceled", "", ""),
        ("change-profile", "approved", "", ""),
    ]
    assert all(row["decidedby"].startswith("root ") and row["decidetime"] for row in listed["rows"])
    for rtoken in (old, pending, forget):
        found = api.get(f"/v1/request/{rtoken}").json()
        assert found["original"] == {}
        assert "change" not in found
    assert_refused(api.post(f"/v1/request/{forget}"), 409, "wrong status: approved")
    assert_refused(api.post(f"/v1/request/{pending}"), 409, "wrong status: canceled")
    assert_refused(person.get(f"/v1/request/{forget}"), 403, "Access denied")


def test_forgetting_without_the_request_fulfils_it(api: Api, person: Api, ann: str) -> None:
    forget = asked(person, "DELETE", "/v1/user/login/ann")
    pending = asked(person, "POST", SHOP, {"a": 1})
    assert api.post(f"/v1/request/{forget}/identity", {"proof": "ask", "reason": "x"}).status_code == 200
    assert api.delete("/v1/user/login/ann").status_code == 200
    assert (state(api, forget), state(api, pending)) == ("approved", "canceled")


def test_others_requests_are_left_alone_by_a_forgetting(api: Api, person: Api) -> None:
    ben = api.as_person(api.create(login="ben"))
    rtoken = asked(ben, "PUT", "/v1/user/login/ben", {"n": 5})
    api.delete("/v1/user/login/ann")
    done(api.post(f"/v1/request/{rtoken}"))
    assert api.get("/v1/user/login/ben").json()["data"]["n"] == 5


def test_what_is_preserved_is_shown_of_a_forgotten_person(api: Api, settings: Any, tmp_path: Any) -> None:
    path = tmp_path / "schema.json"
    path.write_text('{"properties":{"email":{"preserve":true}}}')
    settings.USER_SCHEMA_FILE = str(path)
    person = api.as_person(api.create(login="ann", email="ann@example.com"))
    forget = asked(person, "DELETE", "/v1/user/login/ann")
    done(api.post(f"/v1/request/{forget}"))
    assert api.get(f"/v1/request/{forget}").json()["original"] == {"email": "ann@example.com"}


# --- taking back and refusing ----------------------------------------------------------------------------------------


def test_the_person_takes_back_and_others_refuse(api: Api, person: Api) -> None:
    for caller, word in ((person, "canceled"), (api, "refused")):
        rtoken = change(person, {"n": 2})
        done(caller.delete(f"/v1/request/{rtoken}", {"reason": "  because "}))
        found = api.get(f"/v1/request/{rtoken}").json()
        assert (found["state"], found["reason"]) == (word, "because")
        row = api.get("/v1/requests?status=canceled").json()["rows"][0]
        assert (row["rtoken"], row["status"], row["state"]) == (rtoken, "canceled", word)
        assert_refused(api.post(f"/v1/request/{rtoken}"), 409, f"wrong status: {word}")
    assert profile(api) == PROFILE


def test_a_reason_may_come_as_a_form_or_not_at_all(api: Api, person: Api) -> None:
    rtoken = change(person, {"n": 2})
    done(api.post(f"/v1/request/{rtoken}", "reason=very+good", content_type=FORM))
    assert api.get(f"/v1/request/{rtoken}").json()["reason"] == "very good"
    for body in (None, {}, {"reason": ""}):
        rtoken = change(person, {"n": uuid.uuid4().hex})
        done(api.delete(f"/v1/request/{rtoken}", body))
        assert api.get(f"/v1/request/{rtoken}").json()["reason"] == ""


@pytest.mark.parametrize("reason", [5, None, ["x"], "x" * 4097])
def test_a_reason_is_text_of_some_length(api: Api, person: Api, reason: Any) -> None:
    rtoken = change(person, {"n": 2})
    calls: list[Callable[[], Any]] = [
        lambda: api.post(f"/v1/request/{rtoken}", {"reason": reason}),
        lambda: api.delete(f"/v1/request/{rtoken}", {"reason": reason}),
        lambda: api.post(f"/v1/request/{rtoken}/extend", {"reason": reason}),
        lambda: api.post(f"/v1/request/{rtoken}/identity", {"proof": "ask", "reason": reason}),
    ]
    for call in calls:
        assert_refused(call(), 400)
    assert state(api, rtoken) == "open"
