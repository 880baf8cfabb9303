"""Several requests approved together: counted by a trial that changes nothing, then each by itself."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Event
from databunker.console import together
from gdpr.models import Request
from gdpr.states import State
from tests.api.helpers import told_by
from tests.conftest import Api
from tests.support.requests import asked
from vault.models import Record

from .conftest import Visitor, make_account, text_of

PAGE = "/console/requests/together/change-profile"
DONE = "/console/requests/together"


@pytest.fixture
def dpo(api: Api) -> Visitor:
    return make_account("dora", "dpo").sign_in()


@pytest.fixture
def three(api: Api) -> list[str]:
    """The requests of three people for a change of their profiles."""
    return [wished(api, f"p{number}", {"n": 2}) for number in range(3)]


def wished(api: Api, login: str, change: Any) -> str:
    token = api.create(login=login, email=f"{login}@example.com", n=1)
    return asked(api.as_person(token), "PUT", f"/v1/user/login/{login}", change)


def states() -> list[State]:
    return [State(state) for state in Request.objects.order_by("id").values_list("state", flat=True)]


def profile(api: Api, login: str) -> Any:
    return api.get(f"/v1/user/login/{login}").json()["data"]["n"]


def test_the_trial_says_how_many_and_changes_nothing(dpo: Visitor, api: Api, three: list[str]) -> None:
    api.put("/v1/user/login/p0", {"n": 5})
    versions = list(Record.objects.order_by("id").values_list("version", flat=True))
    with told_by() as told:
        answer = dpo.get(PAGE)
    text = text_of(answer)
    assert "2 of 3 requests can be approved now." in text
    assert "what the request would change has changed since" in text
    assert three[0] not in checked(answer)
    assert set(checked(answer)) == set(three[1:])
    assert states() == [State.OPEN] * 3
    assert list(Record.objects.order_by("id").values_list("version", flat=True)) == versions
    assert {event.code for event in told} == {"request.list", "request.count"}
    (counted,) = (event for event in told if event.code == "request.count")
    assert counted.subject is None
    assert {"action": "change-profile", "total": 3, "ready": 2}.items() <= counted.detail.items()


def checked(answer: Any) -> list[str]:
    """What is chosen on the page."""
    import re

    return re.findall(r'name="request" value="([0-9a-f-]{36})" checked', answer.content.decode())


def test_of_more_than_fit_each_page_counts_what_it_has_tried(
    dpo: Visitor, api: Api, three: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "MOST_TOGETHER", 2)
    for login in ("p0", "p1"):
        api.put(f"/v1/user/login/{login}", {"n": 5})
    first = dpo.get(PAGE)
    assert "0 of 2 requests can be approved now." in text_of(first)
    assert "These are 1 to 2 of 3" in text_of(first)
    assert b'href="?page=2"' in first.content, "those that conflict stand in nobody's way"
    second = dpo.get(f"{PAGE}?page=2")
    assert "1 of 1 request can be approved now." in text_of(second)
    assert "These are 3 to 3 of 3" in text_of(second)
    assert checked(second) == three[2:]
    assert f'action="{PAGE}?page=2"'.encode() in second.content
    again = dpo.post(f"{PAGE}?page=2", PAGE, reason="all fine")
    assert (again.status_code, "These are 3 to 3 of 3" in text_of(again)) == (422, True)
    dpo.post(f"{PAGE}?page=2", PAGE, request=three[2:])
    assert states() == [State.OPEN, State.OPEN, State.APPROVED]


def test_each_that_was_chosen_is_approved_by_itself(dpo: Visitor, api: Api, three: list[str]) -> None:
    later = wished(api, "late", {"n": 2})  # came after the page was shown
    dpo.get(PAGE)
    api.put("/v1/user/login/p1", {"n": 7})
    with told_by() as told:
        answer = dpo.post(PAGE, PAGE, request=three, reason="all fine")
    assert (answer.status_code, answer["Location"]) == (303, DONE)
    assert states() == [State.APPROVED, State.OPEN, State.APPROVED, State.OPEN]
    assert [profile(api, f"p{number}") for number in range(3)] == [2, 7, 2]
    assert [(event.code, event.outcome) for event in told if event.code == "request.approve"] == [
        ("request.approve", "ok"), ("request.approve", "conflict"), ("request.approve", "ok"),
    ]  # fmt: skip
    text = text_of(dpo.get(DONE))
    assert "2 of 3 requests were approved." in text
    assert "what the request would change has changed since" in text
    assert later[:8] not in text
    assert api.get(f"/v1/request/{three[0]}").json()["reason"] == "all fine"


def test_sent_twice_nothing_is_done_twice(dpo: Visitor, api: Api, three: list[str]) -> None:
    dpo.post(PAGE, PAGE, request=[*three, three[0]])
    versions = list(Record.objects.order_by("id").values_list("version", flat=True))
    dpo.post(PAGE, PAGE, request=three)
    assert "0 of 3 requests were approved." in text_of(dpo.get(DONE))
    assert list(Record.objects.order_by("id").values_list("version", flat=True)) == versions


def test_nobody_is_forgotten_by_habit(dpo: Visitor, api: Api) -> None:
    token = api.create(login="ann")
    rtoken = asked(api.as_person(token), "DELETE", "/v1/user/login/ann")
    assert dpo.get("/console/requests/together/forget-me").status_code == 404
    dpo.post(PAGE, PAGE, request=[rtoken])
    assert states() == [State.OPEN]
    assert "this has to be decided by itself" in text_of(dpo.get(DONE))
    assert api.get("/v1/user/login/ann").status_code == 200


@pytest.mark.parametrize(
    "change", [{"email": "new@example.com"}, {"login": "other"}, {"n": 2, "phone": "+441632960001"}]
)
def test_what_somebody_is_found_by_is_decided_by_itself(dpo: Visitor, api: Api, change: Any) -> None:
    rtoken = wished(api, "ann", change)
    text = text_of(dpo.get(PAGE))
    assert "0 of 1 request can be approved now." in text
    dpo.post(PAGE, PAGE, request=[rtoken])
    assert states() == [State.OPEN]


def test_data_is_deleted_by_itself(dpo: Visitor, api: Api) -> None:
    token = api.create(login="ann")
    for app in ("shop", "blog"):
        api.post(f"/v1/userapp/token/{token}/{app}", {"a": 1})
    person = api.as_person(token)
    asked(person, "DELETE", f"/v1/userapp/token/{token}/shop")
    asked(person, "PUT", f"/v1/userapp/token/{token}/blog", {"a": 2})
    text = text_of(dpo.get("/console/requests/together/change-app-data"))
    assert "1 of 2 requests can be approved now." in text


def test_at_least_one_is_chosen_and_what_was_typed_is_kept(dpo: Visitor, three: list[str]) -> None:
    answer = dpo.post(PAGE, PAGE, reason="all fine")
    assert answer.status_code == 422
    assert "Choose at least one request." in text_of(answer)
    assert b"all fine" in answer.content
    assert checked(answer) == []
    long = dpo.post(PAGE, PAGE, request=three[:1], reason="x" * 4097)
    assert (long.status_code, checked(long)) == (422, three[:1])
    assert states() == [State.OPEN] * 3


def test_no_more_than_were_shown(dpo: Visitor, three: list[str]) -> None:
    many = [f"00000000-0000-4000-8000-{number:012}" for number in range(51)]
    assert dpo.post(PAGE, PAGE, request=many).status_code == 400
    dpo.post(PAGE, PAGE, request=["nonsense", many[0], three[0]])
    text = text_of(dpo.get(DONE))
    assert "1 of 2 requests were approved." in text


def test_the_queue_leads_there_where_it_shows_one_kind(dpo: Visitor, three: list[str]) -> None:
    assert f'href="{PAGE}"'.encode() in dpo.get("/console/requests?kind=change-profile").content
    for query in ("", "?kind=forget-me", "?kind=change-profile&status=approved"):
        assert b"/together" not in dpo.get(f"/console/requests{query}").content
    auditor = make_account("olga", "auditor").sign_in()
    assert b"/together" not in auditor.get("/console/requests?kind=change-profile").content


def test_a_trial_of_everything_leaves_no_event_behind(dpo: Visitor, three: list[str]) -> None:
    before = Event.objects.filter(type__in=(223, 102)).count()
    dpo.get(PAGE)
    assert Event.objects.filter(type__in=(223, 102)).count() == before
