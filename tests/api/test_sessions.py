"""Sessions of applications, through the door."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest
import time_machine

from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import Api
from vault.models import Session

SESSION = "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"
PATH = f"/v1/session/{SESSION}"


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(login="ann", email="ann@example.com", phone="+447700900001", custom="c-1")


def test_a_session_is_stored_read_replaced_and_deleted(api: Api) -> None:
    assert api.post(PATH, {"cart": [1]}).json() == {"status": "ok", "session": SESSION}
    answer = api.get(PATH).json()
    assert abs(answer.pop("when") - time.time()) < 60
    assert answer == {"status": "ok", "session": SESSION, "data": {"cart": [1]}}
    assert api.post(PATH.upper().replace("/V1/SESSION", "/v1/session"), {"cart": [2]}).status_code == 200
    assert api.get(PATH).json()["data"] == {"cart": [2]}
    assert Session.objects.count() == 1
    assert api.delete(PATH).json() == {"status": "ok"}
    assert_refused(api.get(PATH), 404, "not found")
    with told_by() as told:
        assert api.delete(PATH).json() == {"status": "ok"}, "and is not there after a second time either"
    assert [(event.code, event.outcome, event.subject) for event in told] == [("session.delete", "ok", None)]


@pytest.mark.parametrize(
    ("body", "tied"),
    [
        ({"login": "ann"}, True),
        ({"email": "ANN@example.com"}, True),
        ({"phone": "07700 900001"}, True),
        ({"custom": "c-1"}, True),
        ({"token": "ann's"}, True),
        ({"login": "nobody", "email": "ann@example.com"}, True),
        ({"login": "nobody"}, False),
        ({"token": "no uuid", "phone": "no phone", "login": 5}, False),
        ({}, False),
    ],
)
def test_a_session_is_tied_to_whom_its_data_names(api: Api, ann: str, body: dict[str, Any], tied: bool) -> None:
    body = {name: ann if value == "ann's" else value for name, value in body.items()}
    assert api.post(PATH, body).status_code == 200
    page = api.get("/v1/sessions/login/ann").json()
    assert page["total"] == len(page["rows"]) == (1 if tied else 0)
    assert api.get(PATH).json()["data"] == body
    assert api.as_person(ann).get(PATH).status_code == (200 if tied else 403)


def test_a_session_of_somebody_else_is_not_taken_over(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    api.post(PATH, {"login": "ann"})
    assert api.as_person(ben).get(PATH).status_code == 403
    api.post(PATH, {"login": "ben"})
    assert api.as_person(ben).get(PATH).status_code == 200
    assert api.as_person(ann).get(PATH).status_code == 403


@pytest.mark.parametrize(
    ("expiration", "seconds"),
    [("30s", 30), ("10", 10), (20, 20), ("0d 0h 5s", 5), (None, 3600), ("", 3600), ("9d", 3600), ("1y", 3600)],
)
def test_a_session_lives_as_long_as_it_says_and_the_policy_allows(api: Api, expiration: Any, seconds: int) -> None:
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        assert api.post(PATH, {"expiration": expiration}).status_code == 200
        clock.shift(seconds - 1)
        assert api.get(PATH).status_code == 200
        clock.shift(1)
        assert_refused(api.get(PATH), 404, "session expired")


def test_a_unix_time_is_an_end_too(api: Api) -> None:
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        assert api.post(PATH, {"expiration": "1900000050"}).status_code == 200
        clock.shift(49)
        assert api.get(PATH).status_code == 200
        clock.shift(1)
        assert api.get(PATH).status_code == 404


@pytest.mark.parametrize("expiration", ["soon", "-5", "5x", "1.5h", "5 5", True, [], {}, 1.5])
def test_a_period_that_is_none_is_refused(api: Api, expiration: Any) -> None:
    before = contents()
    assert api.post(PATH, {"expiration": expiration}).status_code == 400
    assert contents() == before


def test_an_expired_session_is_neither_listed_nor_counted(api: Api, ann: str) -> None:
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        api.post(PATH, {"login": "ann", "expiration": "10s"})
        other = str(uuid.uuid4())
        api.post(f"/v1/session/{other}", {"login": "ann", "expiration": "50s"})
        assert api.get("/v1/sessions/login/ann").json()["total"] == 2
        clock.shift(11)
        page = api.get("/v1/sessions/login/ann").json()
        assert (page["total"], [row["session"] for row in page["rows"]]) == (1, [other])


def test_sessions_are_listed_newest_first_in_pages(api: Api, ann: str) -> None:
    made = []
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        for number in range(5):
            made.append(str(uuid.uuid4()))
            api.post(f"/v1/session/{made[-1]}", {"login": "ann", "n": number})
            clock.shift(1)
        page = api.get("/v1/sessions/login/ann?offset=1&limit=2").json()
    assert page["total"] == 5
    assert [row["session"] for row in page["rows"]] == [made[3], made[2]]
    assert [row["data"]["n"] for row in page["rows"]] == [3, 2]


def test_sessions_are_gone_with_the_person(api: Api, ann: str) -> None:
    api.post(PATH, {"login": "ann"})
    assert api.delete("/v1/user/login/ann").status_code == 200
    assert not Session.objects.exists()
    assert_refused(api.get(PATH), 404, "not found")


@pytest.mark.parametrize("session", ["x", "3d2f9a546c1e4b0f9a775f3f0a1c2b4d", "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4"])
def test_an_id_is_a_uuid(api: Api, session: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert_refused(api.call(method, f"/v1/session/{session}", {"a": 1}), 400, "bad session format")


def test_each_call_leaves_its_event(api: Api, ann: str) -> None:
    with told_by() as told:
        api.post(PATH, {"login": "ann"})
        api.get(PATH)
        api.get("/v1/sessions/login/ann")
        api.delete(PATH)
    assert [event.code for event in told] == ["session.store", "session.read", "session.list", "session.delete"]
    assert all(event.subject is not None for event in told), "a person sees what was done with the own sessions"
