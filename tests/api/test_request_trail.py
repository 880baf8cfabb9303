"""Requests of people: what the trail says of them, and what a writer of SQL gains."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from databunker.access.models import TokenKind
from gdpr.models import Request
from tests.api.helpers import assert_refused, subject_of, told_by
from tests.conftest import Api
from tests.support.requests import PROFILE, SHOP, asked, change, profile


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def person(api: Api, ann: str) -> Api:
    return api.as_person(ann)


# --- the trail -------------------------------------------------------------------------------------------------------


def test_each_call_leaves_its_event(api: Api, person: Api, ann: str) -> None:
    with told_by() as told:
        rtoken = asked(person, "POST", SHOP, {"a": 1})
        asked(person, "POST", SHOP, {"a": 1}, result="request-exists")
        api.get("/v1/requests")
        person.get("/v1/requests/login/ann")
        api.get(f"/v1/request/{rtoken}")
        api.post(f"/v1/request/{rtoken}/extend", {"reason": "many"})
        api.post(f"/v1/request/{rtoken}/identity", {"proof": "ask", "reason": "odd"})
        api.post(f"/v1/request/{rtoken}/identity", {"proof": "verified"})
        api.delete(f"/v1/request/{rtoken}", {"reason": "no"})
        api.get("/v1/requests")
    assert [(event.code, event.who) for event in told] == [
        ("request.open", "person"),
        ("request.open", "person"),
        ("request.list", "root"),
        ("request.list", "person"),
        ("request.read", "root"),
        ("request.extend", "root"),
        ("request.identity", "root"),
        ("request.identity", "root"),
        ("request.cancel", "root"),
        ("request.list", "root"),
    ]
    assert [event.subject for event in told] == [subject_of(ann)] * 9 + [None], "the last listing showed nobody"
    assert (told[0].detail["identity"], told[0].detail["app"]) == ("ann", "shop")
    titles = [row["title"] for row in api.get(f"/v1/audit/list/{ann}?limit=100").json()["rows"]]
    assert "asked for approval" in titles


def test_reasons_and_wishes_are_in_no_event(api: Api, person: Api) -> None:
    with told_by() as told:
        rtoken = change(person, {"n": "secret words"})
        api.post(f"/v1/request/{rtoken}/extend", {"reason": "secret words"})
        api.post(f"/v1/request/{rtoken}", {"reason": "secret words"})
    assert "secret words" not in str(told)
    assert rtoken not in str(told)


def test_a_request_in_two_tenants_is_two(api: Api, person: Api) -> None:
    from databunker.access import tokens

    rtoken = change(person, {"n": 2})
    elsewhere = str(uuid.uuid4())
    tokens.add_token(token=elsewhere, kind=TokenKind.ROOT, tenant=2, label="test")
    assert_refused(Api(elsewhere).get(f"/v1/request/{rtoken}"), 404)
    assert_refused(Api(elsewhere).post(f"/v1/request/{rtoken}"), 404)
    assert Api(elsewhere).get("/v1/requests").json()["total"] == 0


# --- whoever writes SQL ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [
        {"state": 3},
        {"action": 1},
        {"created": 1},
        {"extended": 1},
        {"asked": 1},
        {"verified": 1},
        {"slot": None},
        {"decided": 1},
    ],
    ids=str,
)
def test_a_fact_that_was_changed_by_sql_is_noticed(api: Api, person: Api, facts: dict[str, Any]) -> None:
    rtoken = change(person, {"n": 2})
    Request.objects.update(**facts)
    for answer in (
        api.get(f"/v1/request/{rtoken}"),
        api.post(f"/v1/request/{rtoken}"),
        person.delete(f"/v1/request/{rtoken}"),
    ):
        assert_refused(answer, 500, "internal error")
    assert profile(api) == PROFILE


def test_a_wish_of_one_person_is_not_carried_out_on_another(api: Api, person: Api) -> None:
    rtoken = change(person, {"n": 2})
    ben = api.create(login="ben")
    Request.objects.update(subject=subject_of(ben))
    assert_refused(api.post(f"/v1/request/{rtoken}"), 500)
    assert api.get("/v1/user/login/ben").json()["data"] == {"login": "ben"}
