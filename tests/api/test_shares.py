"""Shared records, through the door."""

from __future__ import annotations

import uuid
from typing import Any

import pytest
import time_machine

from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import Api
from vault.models import SharedRecord

SESSION = "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"
PROFILE = {
    "login": "ann",
    "email": "ann@example.com",
    "address": {"city": "London", "street": "High Street", "geo": {"x": 1}},
    "balance": 12345678901234567890,
}


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


def share(api: Api, **wish: Any) -> str:
    answer = api.post("/v1/sharedrecord/login/ann", wish)
    assert answer.status_code == 200, answer.content
    record: str = answer.json()["record"]
    return record


@pytest.mark.parametrize(
    ("fields", "data"),
    [
        ("email", {"email": "ann@example.com"}),
        ("email, login", {"email": "ann@example.com", "login": "ann"}),
        ("address.city,address.geo.x", {"address": {"city": "London", "geo": {"x": 1}}}),
        ("address", {"address": PROFILE["address"]}),
        ("balance", {"balance": 12345678901234567890}),
        ("absent,email.deeper,address.absent,address.city.deeper", {}),
        ("", PROFILE),
    ],
)
def test_anybody_reads_the_fields_that_are_shared(api: Api, ann: str, fields: str, data: dict[str, Any]) -> None:
    record = share(api, fields=fields)
    for caller in (Api(), api, Api("wrong")):
        assert caller.get(f"/v1/get/{record}").json() == {"status": "ok", "data": data}


def test_the_token_can_be_shared(api: Api, ann: str) -> None:
    assert Api().get(f"/v1/get/{share(api, fields='token')}").json()["data"] == {"token": ann}


def test_what_is_shared_is_what_is_there_now(api: Api, ann: str) -> None:
    record = share(api, fields="email")
    api.put("/v1/user/login/ann", {"email": "new@example.com"})
    assert Api().get(f"/v1/get/{record}").json()["data"] == {"email": "new@example.com"}


def test_application_data_and_sessions_are_shared(api: Api, ann: str) -> None:
    api.post("/v1/userapp/login/ann/shop", {"size": 42, "cart": {"a": 1, "b": 2}})
    api.post(f"/v1/session/{SESSION}", {"login": "ann", "page": "x"})
    of_app, of_session = share(api, app="Shop", fields="cart.a"), share(api, session=SESSION, fields="page")
    assert Api().get(f"/v1/get/{of_app}").json() == {"status": "ok", "app": "shop", "data": {"cart": {"a": 1}}}
    assert Api().get(f"/v1/get/{of_session}").json() == {"status": "ok", "session": SESSION, "data": {"page": "x"}}
    api.delete("/v1/userapp/login/ann/shop")
    api.delete(f"/v1/session/{SESSION}")
    for record in (of_app, of_session):
        assert_refused(Api().get(f"/v1/get/{record}"), 403, "Access denied")


def test_nobody_shares_what_is_somebody_elses(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    api.post("/v1/userapp/login/ben/shop", {"a": 1})
    api.post(f"/v1/session/{SESSION}", {"login": "ben"})
    person = api.as_person(ann)
    before = contents()
    for wish in ({"app": "shop"}, {"session": SESSION}):
        assert_refused(person.post("/v1/sharedrecord/login/ann", wish), 404, "not found")
        assert_refused(api.post("/v1/sharedrecord/login/ann", wish), 404, "not found")
    assert person.post(f"/v1/sharedrecord/token/{ben}", {"fields": "login"}).status_code == 403
    assert contents() == before


def test_a_session_that_becomes_somebody_elses_is_shared_no_more(api: Api, ann: str) -> None:
    api.create(login="ben")
    api.post(f"/v1/session/{SESSION}", {"login": "ann"})
    record = share(api, session=SESSION)
    api.post(f"/v1/session/{SESSION}", {"login": "ben", "secret": 1})
    assert_refused(Api().get(f"/v1/get/{record}"), 403, "Access denied")


def test_a_share_ends(api: Api, ann: str) -> None:
    with time_machine.travel(1_900_000_000, tick=False) as clock:
        record, longest = share(api, expiration="10s"), share(api, expiration="9y")
        clock.shift(9)
        assert Api().get(f"/v1/get/{record}").status_code == 200
        clock.shift(1)
        assert_refused(Api().get(f"/v1/get/{record}"), 403, "Access denied")
        clock.shift(31 * 86_400 - 11)
        assert Api().get(f"/v1/get/{longest}").status_code == 200
        clock.shift(1)
        assert Api().get(f"/v1/get/{longest}").status_code == 403


def test_a_person_and_an_admin_see_and_revoke_shares(api: Api, ann: str) -> None:
    first, second = share(api, fields="email", partner="printer"), share(api, fields="login")
    person = api.as_person(ann)
    page = person.get(f"/v1/sharedrecord/token/{ann}").json()
    assert page["total"] == 2
    assert {row["record"]: (row["fields"], row["partner"]) for row in page["rows"]} == {
        first: ("email", "printer"),
        second: ("login", ""),
    }
    assert person.delete(f"/v1/sharedrecord/{first}").json() == {"status": "ok"}
    assert api.delete(f"/v1/sharedrecord/{second}").json() == {"status": "ok"}
    for record in (first, second):
        assert_refused(Api().get(f"/v1/get/{record}"), 403, "Access denied")
        assert_refused(api.delete(f"/v1/sharedrecord/{record}"), 404, "not found")
    assert api.get("/v1/sharedrecord/login/ann").json() == {"status": "ok", "total": 0, "rows": []}


def test_shares_die_with_the_person(api: Api, ann: str) -> None:
    record = share(api, fields="email")
    api.delete("/v1/user/login/ann")
    assert not SharedRecord.objects.exists()
    assert_refused(Api().get(f"/v1/get/{record}"), 403, "Access denied")
    assert api.post(f"/v1/sharedrecord/token/{ann}", {"fields": "email"}).status_code == 404


@pytest.mark.parametrize("record", ["x", "43e45e30-484a-4a92-8b6a-4c810aa82e80"])
def test_an_unknown_share_is_refused_like_an_expired_one(vault: None, record: str) -> None:
    assert_refused(Api().get(f"/v1/get/{record}"), 403, "Access denied")


@pytest.mark.parametrize(
    "wish",
    [
        {"fields": 5}, {"fields": ",email"}, {"fields": "a..b"}, {"fields": ",".join("a" * 101)}, {"app": "no good"},
        {"session": "x"}, {"app": "shop", "session": SESSION}, {"partner": {}}, {"expiration": "soon"}, [],
    ],
)  # fmt: skip
def test_a_wish_that_can_not_be_read_is_refused(api: Api, ann: str, wish: Any) -> None:
    before = contents()
    assert api.post("/v1/sharedrecord/login/ann", wish).status_code == 400
    assert contents() == before


def test_each_reading_is_told_with_the_partner(api: Api, ann: str) -> None:
    with told_by() as told:
        record = share(api, fields="email", partner="printer")
        Api().get(f"/v1/get/{record}")
        Api().get(f"/v1/get/{uuid.uuid4()}")
    assert [(event.code, event.outcome, event.who) for event in told] == [
        ("share.create", "ok", "root"),
        ("share.read", "ok", "anyone"),
        ("share.read", "denied", "anyone"),
    ]
    assert told[1].detail["partner"] == "printer"
    assert told[1].subject is not None
