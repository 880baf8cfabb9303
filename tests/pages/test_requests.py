"""The queue of requests: who sees what, and what is done with a request by its page."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import quote

import pytest

from databunker.console import requests
from databunker.ids import unix_now
from gdpr.models import Request
from gdpr.queries import deadlines
from gdpr.queries import requests as listing
from gdpr.states import State
from tests.api.helpers import told_by
from tests.conftest import Api
from tests.support.requests import PROFILE, a_request, asked
from vault.models import Record, RecordState

from .conftest import PASSWORD, Visitor, make_account, text_of


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def person(api: Api, ann: str) -> Api:
    return api.as_person(ann)


@pytest.fixture
def change(person: Api) -> str:
    return asked(person, "PUT", "/v1/user/login/ann", {"n": 2, "extra": {"street": "Elm <b>1</b>"}})


@pytest.fixture
def dpo(api: Api) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def state_of(rtoken: str) -> State:
    (row,) = Request.objects.all()
    return State(row.state)


def test_the_queue_shows_what_is_to_be_decided(dpo: Visitor, person: Api, change: str) -> None:
    asked(person, "DELETE", "/v1/user/login/ann")
    text = text_of(dpo.get("/console/requests"))
    assert "Change of the profile" in text
    assert "Forget me" in text
    assert "in 3" in text or "in 2" in text  # days of the month that the law gives
    only = text_of(dpo.get("/console/requests?status=open&kind=forget-me"))
    assert only.count("Change of the profile") == 1, "in the filter alone"
    assert "There is no request in this state." in text_of(dpo.get("/console/requests?status=approved"))
    assert dpo.get("/console/requests?status=nonsense&kind=no&page=x").status_code == 200


def test_what_is_due_first_comes_first(dpo: Visitor, api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    now = unix_now()
    a_request(api, "young", made=1)
    a_request(api, "paused", made=200, asked=now - 190 * 86_400, state=State.AWAITING_IDENTITY)
    a_request(api, "extended", made=50, extended=now - 40 * 86_400)
    a_request(api, "extended and late", made=150, extended=now - 140 * 86_400)
    a_request(api, "late", made=40)

    names = ("young", "paused", "extended", "extended and late", "late")
    people = {api.get(f"/v1/user/login/{name}").json()["token"][:8]: name for name in names}

    def queue(query: str = "") -> list[str]:
        html = dpo.get(f"/console/requests{query}").content.decode()
        return [people[start] for start in re.findall(r'<a class="code" href="/console/people/([0-9a-f]{8})', html)]

    assert queue() == ["extended and late", "late", "young", "extended", "paused"]
    assert queue("?due=overdue") == ["extended and late", "late"]
    monkeypatch.setattr(deadlines, "MOST_OPEN", 3)
    assert queue() == ["young", "extended", "paused", "extended and late", "late"], "the oldest by their deadline"


def test_the_queue_is_to_be_had_as_csv(dpo: Visitor, person: Api, ann: str, change: str) -> None:
    answer: Any = dpo.get("/console/requests.csv")
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    _header, *rows = b"".join(answer.streaming_content).decode().strip().splitlines()
    assert len(rows) == 1
    request, token, action, _, state, received, due, decided, *_ = rows[0].split(",")
    assert (request, token, action, state, decided) == (change, ann, "change-profile", "open", "")
    assert dt.datetime.fromisoformat(received).timestamp() == Request.objects.get().created
    assert received.endswith("+00:00")
    assert dt.timedelta(27) < dt.datetime.fromisoformat(due) - dt.datetime.fromisoformat(received) < dt.timedelta(35)
    assert "ann@example.com" not in rows[0]


def rows_of(answer: Any) -> Iterator[str]:
    """The lines of a file behind its header, as they come."""
    return (part.decode().strip() for part in islice(answer.streaming_content, 1, None))


@pytest.mark.parametrize("status", ["open", "approved"])
def test_the_file_has_each_once_whatever_is_decided_meanwhile(
    dpo: Visitor, api: Api, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    monkeypatch.setattr(listing, "_EXPORTED_AT_ONCE", 1)
    monkeypatch.setattr(deadlines, "MOST_OPEN", 2)
    for number in range(4):
        a_request(api, f"p{number}", made=9 - number, state=State.OPEN if status == "open" else State.APPROVED)
    people = [api.get(f"/v1/user/login/p{number}").json()["token"] for number in range(4)]
    with told_by() as told:
        rows = rows_of(dpo.get(f"/console/requests.csv?status={status}"))
        found = [next(rows).split(",")[1]]
        Request.objects.filter(pk=Request.objects.order_by("pk")[0].pk).delete()  # as if decided, or gone with its time
        found += [row.split(",")[1] for row in rows]
    assert found == people if status == "open" else people[:0:-1]
    assert [event.code for event in told] == ["request.list"] * 4


def test_a_file_that_is_cut_says_so(dpo: Visitor, api: Api, change: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bob", "eve"):
        a_request(api, name, made=1)
    monkeypatch.setattr(requests, "MOST_EXPORTED", 2)
    *rows, last = rows_of(dpo.get("/console/requests.csv"))
    assert (len(rows), last) == (2, "This file has the first 2 requests of 3.")
    monkeypatch.setattr(requests, "MOST_EXPORTED", 3)
    assert len(list(rows_of(dpo.get("/console/requests.csv")))) == 3
    assert list(rows_of(dpo.get("/console/requests.csv?status=refused"))) == []


def test_a_person_is_found_by_an_identity_that_stands_in_no_address(dpo: Visitor, change: str) -> None:
    found = dpo.post("/console/requests/find", mode="email", identity="ANN@example.com")
    assert "Change of the profile" in text_of(found)
    missing = dpo.post("/console/requests/find", mode="email", identity="eve@example.com")
    assert missing.status_code == 422
    assert "Nobody has this." in text_of(missing)
    assert b'value="eve@example.com"' in missing.content, "what was typed is kept"


def test_a_request_is_found_by_the_number_that_the_person_sees(dpo: Visitor, change: str) -> None:
    found = dpo.post("/console/requests/find", mode="request-number", identity=f" {change.upper()} ")
    assert (found.status_code, found["Location"].lower()) == (303, f"/console/requests/{change}")
    assert dpo.get(found["Location"]).status_code == 200
    for number in ("00000000-0000-4000-8000-000000000000", "12"):
        missing = dpo.post("/console/requests/find", mode="request-number", identity=number)
        assert missing.status_code == 422
        assert "There is no request with this number." in text_of(missing)
        assert f'value="{number}"'.encode() in missing.content, "what was typed is kept"
    for form in ("/console/people", "/console/audit"):
        assert b"request-number" not in dpo.get(form).content


def test_a_person_with_many_requests_has_a_list_with_pages(
    dpo: Visitor, ann: str, person: Api, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(person, "DELETE", "/v1/user/login/ann")
    every = f"/console/people/{ann}/requests"
    found = dpo.post("/console/requests/find", mode="login", identity="ann")
    assert every.encode() not in found.content, "all are here"
    monkeypatch.setattr(requests, "PAGE_SIZE", 1)
    found = dpo.post("/console/requests/find", mode="login", identity="ann")
    assert f'href="{every}"'.encode() in found.content
    assert "The newest 1 request of 2." in text_of(found)
    assert f"/console/requests/{change}".encode() in dpo.get(every).content


def test_the_persons_token_leads_to_the_person(dpo: Visitor, ann: str, change: str) -> None:
    link = f'href="/console/people/{ann}"'.encode()
    for path in ("", f"/{change}", "/together/change-profile"):
        assert link in dpo.get(f"/console/requests{path}").content
    for role in ("auditor", "support"):
        visitor = make_account(f"the-{role}", role).sign_in()
        assert link in visitor.get(f"/console/requests/{change}").content
        assert visitor.get(f"/console/people/{ann}").status_code == 200


def test_a_request_shows_the_change_field_by_field(dpo: Visitor, change: str) -> None:
    answer = dpo.get(f"/console/requests/{change}")
    assert answer.status_code == 200
    assert b"<del>1</del>" in answer.content
    assert b"<ins>2</ins>" in answer.content
    assert b"<ins>Elm &lt;b&gt;1&lt;/b&gt;</ins>" in answer.content
    assert b"ann@example.com" not in answer.content, "who it is about is masked"


@pytest.mark.parametrize(
    ("step", "reason", "after"),
    [
        ("approve", "", State.APPROVED),
        ("refuse", "not yours", State.REFUSED),
        ("extend", "many of them", State.OPEN),
        ("ask-identity", "odd address", State.AWAITING_IDENTITY),
    ],
)
def test_what_can_be_done(dpo: Visitor, api: Api, change: str, step: str, reason: str, after: State) -> None:
    page = f"/console/requests/{change}"
    answer = dpo.post(f"{page}/{step}", page, reason=reason)
    assert (answer.status_code, answer["Location"]) == (303, page)
    assert state_of(change) is after
    text = text_of(dpo.get(page))
    assert reason in text
    if after in (State.APPROVED, State.REFUSED):
        assert "dora" in text
        assert "Approve" not in text
    assert api.get("/v1/user/login/ann").json()["data"]["n"] == (2 if step == "approve" else 1)


@pytest.mark.parametrize("step", ["refuse", "extend", "ask-identity"])
def test_what_needs_a_reason_says_so_at_the_field(dpo: Visitor, change: str, step: str) -> None:
    answer = dpo.post(f"/console/requests/{change}/{step}", f"/console/requests/{change}", reason="  ")
    assert answer.status_code == 422
    assert f'id="{step}-reason-error"'.encode() in answer.content
    assert state_of(change) is State.OPEN


def test_an_erasure_wants_to_be_meant(dpo: Visitor, person: Api, ann: str) -> None:
    rtoken = asked(person, "DELETE", "/v1/user/login/ann")
    person.put("/v1/user/login/ann", {"n": 2})
    page = f"/console/requests/{rtoken}"
    with told_by() as told:
        text = text_of(dpo.get(page))
    assert {"request.read", "erasure.preview"} <= {event.code for event in told}
    for words in (
        "What would be erased", "Identities to be found by", "What would be kept", "Receipt", "It proves the erasure.",
        "Open requests that would end with it: 1", "It happens at once, and nobody can undo it.", ann,
    ):  # fmt: skip
        assert words in text
    assert "Exactly what is asked for is done, at once." not in text
    wrong = dpo.post(f"{page}/approve", page, token="00000000", reason="as he wishes")
    assert wrong.status_code == 422
    for words in ("This is not the beginning of this person&#x27;s token.", "as he wishes", "What would be kept"):
        assert words in wrong.content.decode()
    assert {State(row.state) for row in Request.objects.all()} == {State.OPEN}
    assert dpo.post(f"{page}/approve", page, token=ann[:8]).status_code == 303
    text = text_of(dpo.get(page))
    assert "The person is forgotten." in text
    assert "What would be kept" not in text
    assert Record.objects.get().state == RecordState.FORGOTTEN


def test_an_approved_erasure_waits_where_there_is_a_cooling_off_time(
    dpo: Visitor, person: Api, ann: str, settings: Any
) -> None:
    settings.FORGET_ME_COOLING_OFF = "7d"
    rtoken = asked(person, "DELETE", "/v1/user/login/ann")
    page = f"/console/requests/{rtoken}"
    text = text_of(dpo.get(page))
    assert "It happens in 7 days, and can be withdrawn until then." in text
    for words in ("at once", "nobody can"):
        assert words not in text
    dpo.post(f"{page}/approve", page, token=ann[:8])
    assert "The erasure waits, and can be withdrawn until then." in text_of(dpo.get(page))
    assert (state_of(rtoken), Record.objects.get().state) == (State.APPROVED, RecordState.ACTIVE)
    assert "It happens in 7 days" in text_of(dpo.get(f"/console/people/{ann}/erase"))
    settings.FORGET_ME_COOLING_OFF = "30d"
    assert "It happens in 7 days" in text_of(dpo.get(f"/console/people/{ann}/erase")), "it stays as it is"


def test_who_may_forget_nobody_sees_no_preview(dpo: Visitor, person: Api) -> None:
    rtoken = asked(person, "DELETE", "/v1/user/login/ann")
    for role in ("support", "auditor"):
        visitor = make_account(f"the-{role}", role).sign_in()
        text = text_of(visitor.get(f"/console/requests/{rtoken}"))
        assert "What would be erased" in text
        assert "What would be kept" not in text


def test_an_erasure_is_approved_by_who_has_just_said_who_it_is(
    dpo: Visitor, person: Api, ann: str, settings: Any
) -> None:
    rtoken = asked(person, "DELETE", "/v1/user/login/ann")
    page = f"/console/requests/{rtoken}"
    settings.CONSOLE_CONFIRM_MINUTES = 0
    there = f"/console/confirm?next={quote(f'{page}#approve', safe='')}"
    body = dpo.get(page).content.decode()
    assert f'{page}/approve"' not in body, "nothing is typed that would be lost"
    assert "Before somebody is forgotten you are asked once more who you are." in body
    assert f'{page}/refuse"' in body, "that can be undone"
    answer = dpo.post(f"{page}/approve", page, token=ann[:8])
    assert (answer.status_code, answer["Location"]) == (303, there)
    assert state_of(rtoken) is State.OPEN
    settings.CONSOLE_CONFIRM_MINUTES = 5
    answer = dpo.post(there, there, next=f"{page}#approve", password=PASSWORD, code=dpo.code())
    assert (answer.status_code, answer["Location"]) == (303, f"{page}#approve")
    assert f'{page}/approve"' in dpo.get(page).content.decode()


def test_other_approvals_ask_nothing_more(dpo: Visitor, change: str, settings: Any) -> None:
    settings.CONSOLE_CONFIRM_MINUTES = 0
    page = f"/console/requests/{change}"
    assert dpo.post(f"{page}/approve", page)["Location"] == page
    assert state_of(change) is State.APPROVED


def test_the_second_officer_sees_what_the_first_has_decided(dpo: Visitor, change: str) -> None:
    other, page = make_account("otto", "dpo").sign_in(), f"/console/requests/{change}"
    other.get(page)
    dpo.post(f"{page}/refuse", page, reason="no")
    assert other.post(f"{page}/approve", page).status_code == 303
    text = text_of(other.get(page))
    assert "wrong status: refused" in text
    assert "dora" in text
    assert state_of(change) is State.REFUSED


def test_support_sees_it_masked_and_decides_nothing(api: Api, change: str) -> None:
    support, page = make_account("sam", "support").sign_in(), f"/console/requests/{change}"
    answer = support.get(page)
    assert answer.status_code == 200
    assert b"Elm" not in answer.content
    assert b"/approve" not in answer.content
    assert support.post(f"{page}/approve", page).status_code == 403
    assert state_of(change) is State.OPEN


def test_a_request_that_is_not_there(dpo: Visitor) -> None:
    missing = "/console/requests/00000000-0000-4000-8000-000000000000"
    assert dpo.get(missing).status_code == 404
    assert dpo.post(f"{missing}/approve", "/console/requests").status_code == 404
    assert dpo.post(f"{missing}/burn", "/console/requests").status_code == 404


def test_fifty_requests_take_few_queries(dpo: Visitor, api: Api, django_assert_max_num_queries: Any) -> None:
    for number in range(50):
        token = api.create(login=f"p{number}", n=1)
        asked(api.as_person(token), "PUT", f"/v1/user/login/p{number}", {"n": 2})
    with django_assert_max_num_queries(10):
        assert dpo.get("/console/requests").status_code == 200
