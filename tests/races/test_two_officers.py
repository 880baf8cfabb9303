"""Two officers at the console, each in a browser session of their own, on the same requests at the same moment."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import pytest

from gdpr.models import LegalBasis, ProcessingActivity, Request
from gdpr.states import State
from tests.api.helpers import subject_of, told_by
from tests.conftest import Api
from tests.pages.conftest import LETTERS, NEWS, Visitor, make_account, text_of
from vault.models import Record

from .conftest import racing

ROUNDS = 5


@pytest.fixture
def officers(committed_api: Api) -> list[Visitor]:
    return [make_account(name, "dpo").sign_in() for name in ("dora", "otto")]


def ask(api: Api, login: str) -> tuple[str, str]:
    """Somebody who asks for a change of the profile: the person's token and that of the request."""
    token = api.create(login=login, n=0)
    return token, api.as_person(token).put(f"/v1/user/token/{token}", {"n": 1}).json()["rtoken"]


def version(token: str) -> int:
    return Record.objects.get(subject=subject_of(token)).version


def state(rtoken: str, api: Api) -> str:
    return str(api.get(f"/v1/request/{rtoken}").json()["state"])


def test_a_request_is_decided_once_and_both_see_by_whom(committed_api: Api, officers: list[Visitor]) -> None:
    winners = Counter[str]()
    for turn in range(ROUNDS):
        token, rtoken = ask(committed_api, f"ann{turn}")
        page = f"/console/requests/{rtoken}"
        for officer in officers:
            assert b"/approve" in officer.get(page).content, "both have it open"
        steps = [("approve", "fine by dora"), ("refuse", "not by otto")]

        def decide(number: int, page: str = page, steps: Any = steps) -> Any:
            step, reason = steps[number]
            return officers[number].post(f"{page}/{step}", page, reason=reason)

        with told_by() as told:
            answers = racing(decide, range(2))
        assert [answer.status_code for answer in answers] == [303, 303]
        decided = state(rtoken, committed_api)
        winner, loser = (0, 1) if decided == "approved" else (1, 0)
        assert decided == ("approved", "refused")[winner]
        assert version(token) == (2 if decided == "approved" else 1)
        done = [event.code for event in told if event.outcome == "ok" and "request." in event.code]
        assert done.count("request.approve") + done.count("request.cancel") == 1
        seen = text_of(officers[loser].get(page))
        assert f"wrong status: {decided}" in seen
        assert officers[winner].name in seen
        assert steps[winner][1] in seen
        assert steps[loser][1] not in seen
        assert "wrong status" not in text_of(officers[winner].get(page))
        winners[officers[winner].name] += 1
    assert sum(winners.values()) == ROUNDS


def test_both_who_approve_several_approve_each_once(committed_api: Api, officers: list[Visitor]) -> None:
    asked = [ask(committed_api, f"p{number}") for number in range(8)]
    rtokens = [rtoken for _, rtoken in asked]
    page = "/console/requests/together/change-profile"
    with told_by() as told:
        racing(lambda officer: officer.post(page, page, request=rtokens), officers)
    assert {state(rtoken, committed_api) for rtoken in rtokens} == {"approved"}
    assert {version(token) for token, _ in asked} == {2}
    codes = Counter((event.code, event.outcome) for event in told)
    assert codes["request.approve", "ok"] == codes["request.approve", "conflict"] == codes["record.change", "ok"] == 8
    lists = [text_of(officer.get("/console/requests/together")) for officer in officers]
    assert sum(text.count("wrong status: approved") for text in lists) == 8


def test_a_trial_beside_an_approval_changes_nothing_of_it(committed_api: Api, officers: list[Visitor]) -> None:
    for turn in range(ROUNDS):
        token, rtoken = ask(committed_api, f"ann{turn}")
        page = f"/console/requests/{rtoken}"
        acts = [
            lambda page=page: officers[0].post(f"{page}/approve", page),
            lambda: officers[1].get("/console/requests/together/change-profile"),
        ]
        assert [answer.status_code for answer in racing(lambda act: act(), acts)] == [303, 200]
        assert state(rtoken, committed_api) == "approved"
        assert version(token) == 2


def test_who_looks_after_it_and_what_is_decided_do_not_undo_each_other(
    committed_api: Api, officers: list[Visitor]
) -> None:
    for turn in range(ROUNDS):
        _, rtoken = ask(committed_api, f"ann{turn}")
        page = f"/console/requests/{rtoken}"
        acts = [
            lambda page=page: officers[0].post(f"{page}/extend", page, reason="many"),
            lambda page=page: officers[1].post(f"{page}/assign", page, account=str(officers[1].account)),
            lambda page=page: officers[1].post(f"{page}/comment", page, comment="mine"),
        ]
        racing(lambda act: act(), acts)
        row = Request.objects.latest("id")
        assert row.extended is not None
        assert row.assignee == officers[1].account
        assert State(row.state) is State.OPEN
        text = text_of(officers[0].get(page))
        assert "many" in text
        assert "mine" in text


def test_of_two_changes_of_one_entry_one_is_told_of_the_other(committed_api: Api, officers: list[Visitor]) -> None:
    for route in ("/v1/lbasis/news", "/v1/pactivity/letters"):
        assert committed_api.post(route, {}).status_code == 200
    pages: list[tuple[str, dict[str, str]]] = [
        (f"/console/bases/{LegalBasis.objects.get(brief='news').id}/edit", NEWS),
        (f"/console/activities/{ProcessingActivity.objects.get(activity='letters').id}/edit", LETTERS),
    ]
    for turn in range(ROUNDS):
        for path, typed in pages:
            (seen,) = re.findall(r'name="seen" value="(\w{8})"', officers[0].get(path).content.decode())

            def save(number: int, path: str = path, typed: Any = typed, seen: str = seen, turn: int = turn) -> Any:
                return officers[number].post(path, path, **{**typed, "fulldesc": f"{turn} by {number}", "seen": seen})

            answers = racing(save, range(2))
            assert sorted(answer.status_code for answer in answers) == [303, 422]
            winner = next(number for number, answer in enumerate(answers) if answer.status_code == 303)
            assert "Somebody else has changed this" in text_of(answers[1 - winner])
            assert f"{turn} by {winner}" in text_of(officers[0].get(path.removesuffix("/edit")))
