"""Limits of calls, through the door: of an access token, and of an address that nobody vouches for."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from databunker import refusals
from databunker.access import scopes, tokens
from databunker.access.models import TokenKind
from tests.api.helpers import assert_refused, told_by
from tests.conftest import Api, new_token

ABSENT = "/v1/user/token/7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"


def limited(limit: str, text: str = "limited-token-of-some-length-0001") -> Api:
    tokens.add_token(token=text, kind=TokenKind.ADMIN, scope=scopes.make(limit=limit), label="test")
    return Api(text)


def assert_throttled(answer: Any) -> None:
    assert_refused(answer, 429, "too many tries")
    assert int(answer.headers["Retry-After"]) >= 1


# --- of a token ------------------------------------------------------------------------------------------------------


def test_a_token_may_call_so_often(api: Api) -> None:
    caller = limited("3/1h")
    path = f"/v1/user/token/{api.create(login='ann')}"
    assert [caller.get(path).status_code for _ in range(3)] == [200] * 3
    with told_by() as told:
        assert_throttled(caller.get(path))
    assert [(event.code, event.outcome, event.who) for event in told] == [("record.read", "denied", "admin")]
    assert told[0].detail == {"message": "too many tries"}
    assert api.get(path).status_code == 200, "others may"
    assert_throttled(caller.put(path, {"a": 1}))


def test_the_setting_limits_tokens_that_have_no_limit_of_their_own(api: Api, settings: Any) -> None:
    settings.TOKEN_CALLS = "2/1h"
    path = f"/v1/user/token/{api.create(login='ann')}"
    plain, own = Api(new_token(TokenKind.ADMIN)), limited("4/1h")
    narrowed = "narrowed-token-of-some-length-001"
    tokens.add_token(token=narrowed, kind=TokenKind.ADMIN, scope=scopes.make(allow=["record.read"]), label="test")
    for caller, tries in ((plain, 2), (own, 4), (Api(narrowed), 2)):
        assert [caller.get(path).status_code for _ in range(tries)] == [200] * tries
        assert_throttled(caller.get(path))
    assert {api.get(path).status_code for _ in range(5)} == {200}, "root has none"


def test_a_call_within_a_lease_takes_no_round_trip_more(committed_api: Api) -> None:
    path = f"/v1/user/token/{committed_api.create(login='ann')}"
    counts = []
    for caller in (committed_api, limited("1000/1h")):
        assert caller.get(path).status_code == 200
        with CaptureQueriesContext(connection) as captured:
            assert caller.get(path).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_who_calls_too_often_can_not_fill_the_trail(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusals, "_BURST", 2)
    monkeypatch.setattr(refusals, "_PER_SECOND", 0.0)
    monkeypatch.setattr(refusals, "_of_throttled", refusals._Bucket())
    caller = limited("1/1h")
    assert caller.get(ABSENT).status_code == 404
    with told_by() as told:
        for _ in range(10):
            assert_throttled(caller.get(ABSENT))
    assert len(told) == 2


# --- of an address ---------------------------------------------------------------------------------------------------


def test_calls_without_a_right_are_limited_by_their_address(api: Api, settings: Any) -> None:
    settings.FAILED_CALLS_PER_ADDRESS = "4/1h"
    person = api.create(login="ann")
    strangers = [Api(), Api("wrong"), Api(new_token(TokenKind.ADMIN, expires=1)), api.as_person(api.create(login="b"))]
    path = f"/v1/user/token/{person}"
    assert [stranger.get(path).status_code for stranger in strangers] == [403] * 4
    for stranger in strangers:
        assert_throttled(stranger.get(path))
        assert_throttled(stranger.get("/v1/audit/admin"))
        assert_refused(stranger.get(path, REMOTE_ADDR="10.0.0.9"), 403)
    assert api.get(path).status_code == 200, "a good token is not held up"
    assert api.as_person(person).get(path).status_code == 200
    assert api.post("/v1/users").status_code == 403, "nor told to wait where it may not"


def test_an_ipv6_client_is_its_network(api: Api, settings: Any) -> None:
    settings.FAILED_CALLS_PER_ADDRESS = "2/1h"
    for last in range(2):
        assert_refused(Api().get(ABSENT, REMOTE_ADDR=f"2001:db8::{last}"), 403)
    assert_throttled(Api().get(ABSENT, REMOTE_ADDR="2001:db8::ffff"))
    assert_refused(Api().get(ABSENT, REMOTE_ADDR="2001:db8:0:1::1"), 403)


def test_who_exists_makes_no_difference(api: Api, settings: Any) -> None:
    settings.FAILED_CALLS_PER_ADDRESS = "1/1h"
    api.create(email="ann@example.com")
    Api().get(ABSENT)
    answers = {
        Api().get(path).content for path in (ABSENT, "/v1/user/email/ann@example.com", "/v1/user/email/x@example.com")
    }
    assert len(answers) == 1


def test_calls_without_a_token_are_limited_by_their_address(api: Api, settings: Any) -> None:
    settings.ANONYMOUS_CALLS_PER_ADDRESS = "3/1h"
    person = api.create(login="ann", note="x")
    share = api.post(f"/v1/sharedrecord/token/{person}", {"fields": "note"}).json()["record"]
    path = f"/v1/get/{share}"
    assert [Api().get(path).status_code for _ in range(3)] == [200] * 3
    assert_throttled(Api().get(path))
    assert_throttled(Api().get("/v1/login/email/ann@example.com/123456"))
    assert Api().get(path, REMOTE_ADDR="10.0.0.9").status_code == 200
    for open_to_all in ("/v1/status", "/v1/openapi.json", "/v1/sys/uiconfiguration", "/v1/sys/cookiesettings"):
        assert Api().get(open_to_all).status_code == 200, "nobody's data: monitors and pages ask for it"
    assert api.get(f"/v1/user/token/{person}").status_code == 200


def test_the_answer_to_a_browser_is_a_page(api: Api, settings: Any) -> None:
    settings.ANONYMOUS_CALLS_PER_ADDRESS = "1/1h"
    link = api.post(f"/v1/exp/start/token/{api.create(login='ann')}").json()["exptoken"]
    assert Api().get(f"/v1/exp/retain/{link}", HTTP_ACCEPT="text/html").status_code == 200
    answer = Api().get(f"/v1/exp/retain/{link}", HTTP_ACCEPT="text/html")
    assert (answer.status_code, answer.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
