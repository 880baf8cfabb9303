"""The statutory clock of a request, through the door."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine

from gdpr import checks
from tests.api.helpers import assert_refused, contents
from tests.conftest import Api
from tests.support.requests import done

DAY = 86_400


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp())


RECEIVED = at("2026-11-24 12:00")
DUE, EXTENDED = at("2026-12-24 23:59:59"), at("2027-02-24 23:59:59")


@pytest.fixture
def now() -> Iterator[Any]:
    with time_machine.travel(RECEIVED, tick=False) as travelled:
        yield travelled


@pytest.fixture
def rtoken(now: Any, api: Api) -> str:
    person = api.as_person(api.create(login="ann"))
    token: str = person.delete("/v1/user/login/ann").json()["rtoken"]
    return token


def times(api: Api, rtoken: str) -> tuple[Any, ...]:
    """As one reads them and as they are listed: they agree."""
    found = api.get(f"/v1/request/{rtoken}").json()
    (row,) = api.get("/v1/requests").json()["rows"]
    names = ("state", "duetime", "unpausedduetime", "extendtime", "identityasktime", "identityprooftime")
    assert [found[name] for name in names] == [row[name] for name in names]
    return tuple(found[name] for name in names)


def extend(api: Api, rtoken: str, reason: str = "many requests") -> Any:
    return api.post(f"/v1/request/{rtoken}/extend", {"reason": reason})


def proof(api: Api, rtoken: str, what: str, reason: str = "a new address") -> Any:
    return api.post(f"/v1/request/{rtoken}/identity", {"proof": what, "reason": reason})


def test_a_request_is_due_in_a_month(api: Api, rtoken: str) -> None:
    assert times(api, rtoken) == ("open", DUE, DUE, None, None, None)


def test_a_holiday_moves_the_day(api: Api, rtoken: str, settings: Any) -> None:
    settings.HOLIDAYS = ["2026-12-24", "2026-12-25"]
    assert times(api, rtoken)[1:3] == (at("2026-12-28 23:59:59"),) * 2


def test_an_extension_adds_two_months_once(api: Api, rtoken: str, now: Any) -> None:
    now.move_to(DUE)
    answer = extend(api, rtoken, " many requests ")
    assert answer.json() == {
        "status": "ok", "state": "open", "duetime": EXTENDED, "unpausedduetime": EXTENDED, "extendtime": DUE,
        "identityasktime": None, "identityprooftime": None,
    }  # fmt: skip
    assert times(api, rtoken) == ("open", EXTENDED, EXTENDED, DUE, None, None)
    assert api.get(f"/v1/request/{rtoken}").json()["extendreason"] == "many requests"
    before = contents()
    assert_refused(extend(api, rtoken), 409, "extended already")
    assert contents() == before


def test_an_extension_comes_in_the_first_month_and_with_a_reason(api: Api, rtoken: str, now: Any) -> None:
    for body in (None, {}, {"reason": " "}):
        assert_refused(api.post(f"/v1/request/{rtoken}/extend", body), 400, "an extension needs a reason")
    now.move_to(DUE + 1)
    assert_refused(extend(api, rtoken), 409, "the first month is over, in which it could be extended")
    assert times(api, rtoken)[1] == DUE


def test_the_clock_stands_still_for_a_proof_of_identity(api: Api, rtoken: str, now: Any) -> None:
    now.shift(2 * DAY)
    assert_refused(proof(api, rtoken, "ask", ""), 400, "asking for proof of identity needs a reason")
    assert_refused(proof(api, rtoken, "verified"), 409, "wrong status: open")
    assert proof(api, rtoken, "ask").status_code == 200
    asked = RECEIVED + 2 * DAY
    assert times(api, rtoken) == ("awaiting-identity", None, DUE, None, asked, None)
    now.shift(15 * DAY)
    # Nobody is given what somebody else may be asking for.
    assert_refused(api.post(f"/v1/request/{rtoken}"), 409, "wrong status: awaiting-identity")
    assert_refused(proof(api, rtoken, "ask"), 409, "wrong status: awaiting-identity")
    assert proof(api, rtoken, "verified").status_code == 200
    paused = at("2027-01-08 23:59:59")
    assert times(api, rtoken) == ("open", paused, DUE, None, asked, asked + 15 * DAY)
    assert_refused(proof(api, rtoken, "ask"), 409, "proof of identity was asked for already")
    assert api.get(f"/v1/request/{rtoken}").json()["identityreason"] == "a new address"
    now.move_to(paused)
    assert extend(api, rtoken).status_code == 200, "the first month is longer by the pause"
    assert times(api, rtoken)[1:3] == (at("2027-03-11 23:59:59"), EXTENDED)
    assert api.post(f"/v1/request/{rtoken}").status_code == 200


def test_proof_is_asked_for_while_the_clock_runs(api: Api, rtoken: str, now: Any) -> None:
    now.move_to(DUE + 1)
    assert_refused(proof(api, rtoken, "ask"), 409, "the time for an answer is over")


@pytest.mark.parametrize("body", [None, {}, {"proof": "maybe"}, {"proof": 5}, {"proof": ["ask"]}])
def test_what_is_said_about_a_proof_is_one_of_two_words(api: Api, rtoken: str, body: Any) -> None:
    assert_refused(api.post(f"/v1/request/{rtoken}/identity", body), 400, 'proof must be "ask" or "verified"')


def test_a_request_awaiting_proof_is_refused_or_taken_back(api: Api, rtoken: str) -> None:
    proof(api, rtoken, "ask")
    assert api.delete(f"/v1/request/{rtoken}", {"reason": "no proof came"}).status_code == 200
    assert api.get(f"/v1/request/{rtoken}").json()["state"] == "refused"


def test_a_request_outlives_its_date(api: Api, rtoken: str, now: Any) -> None:
    """It is late, and still there: nothing expires before a decision."""
    now.shift(5 * 365 * DAY)
    assert times(api, rtoken)[:2] == ("open", DUE)
    done(api.post(f"/v1/request/{rtoken}"))


def test_unusable_holidays_are_refused_at_start(settings: Any) -> None:
    settings.HOLIDAYS = ["2027-01-01", " 2027-12-25"]
    assert checks.check_holidays() == []
    settings.HOLIDAYS = ["1 January"]
    assert [problem.id for problem in checks.check_holidays()] == ["gdpr.E010"]
