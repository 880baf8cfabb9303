"""Withdrawing an agreement that is not under the person's own control: asked for, and approved."""

from __future__ import annotations

from typing import Any

import pytest

from gdpr.models import Agreement, Request
from tests.api.helpers import assert_refused, told_by
from tests.conftest import Api

TERMS = "/v1/agreement/terms/login/ann"


@pytest.fixture
def ann(api: Api) -> str:
    for brief in ("terms", "other"):
        assert api.post(f"/v1/lbasis/{brief}", {"shortdesc": "Terms", "basistype": "contract"}).status_code == 200
    return api.create(login="ann", email="ann@example.com")


@pytest.fixture
def person(api: Api, ann: str) -> Api:
    caller = api.as_person(ann)
    assert caller.post(TERMS, {"status": "yes"}).json() == {"status": "ok"}
    return caller


def asked(person: Api, body: Any = None, *, path: str = TERMS, result: str = "request-created") -> str:
    answer = person.delete(path, body)
    assert (answer.status_code, answer.json()["result"]) == (200, result), answer.content
    rtoken: str = answer.json()["rtoken"]
    return rtoken


def status(api: Api) -> str:
    found: str = api.get(TERMS).json()["data"]["status"]
    return found


def test_a_withdrawal_is_asked_for_and_approved(api: Api, person: Api) -> None:
    rtoken = asked(person, {"referencecode": "form 7"})
    assert asked(person, {"referencecode": "form 7"}, result="request-exists") == rtoken
    assert status(api) == "yes"
    found = person.get(f"/v1/request/{rtoken}").json()
    assert (found["action"], found["brief"], found["change"]) == (
        "agreement-withdraw",
        "terms",
        {"referencecode": "form 7"},
    )
    assert (found["original"]["status"], found["original"]["brief"]) == ("yes", "terms")
    with told_by() as told:
        assert api.post(f"/v1/request/{rtoken}").json() == {"status": "ok", "result": "done"}
    assert [(event.code, event.detail["brief"]) for event in told] == [
        ("request.approve", "terms"),
        ("agreement.withdraw", "terms"),
    ]
    assert told[0].request == told[1].request
    data = api.get(TERMS).json()["data"]
    assert (data["status"], data["referencecode"]) == ("no", "form 7")
    assert_refused(api.post(f"/v1/request/{rtoken}"), 409, "wrong status: approved")


def test_saying_no_is_withdrawing(api: Api, person: Api) -> None:
    answer = person.post(TERMS, {"status": "no"})
    assert answer.json()["result"] == "request-created"
    assert api.post(f"/v1/request/{answer.json()['rtoken']}").status_code == 200
    assert status(api) == "no"


def test_each_legal_basis_has_a_request_of_its_own(person: Api) -> None:
    first = asked(person)
    second = asked(person, path="/v1/agreement/other/login/ann")
    assert first != second
    assert_refused_naming(person.delete(TERMS, {"referencecode": "x"}), first)


def assert_refused_naming(answer: Any, rtoken: str) -> None:
    assert (answer.status_code, answer.json()["rtoken"]) == (409, rtoken)


@pytest.mark.parametrize(
    "meanwhile", [("POST", TERMS, {"status": "yes"}), ("DELETE", TERMS, None), ("DELETE", "/v1/agreement/terms", None)]
)
def test_an_agreement_that_was_changed_meanwhile_is_not_withdrawn(api: Api, person: Api, meanwhile: Any) -> None:
    rtoken = asked(person)
    assert api.call(*meanwhile).status_code == 200
    before = status(api)
    answer = api.post(f"/v1/request/{rtoken}")
    assert_refused(answer, 409, "what the request would change has changed since: the request stays open")
    assert status(api) == before


def test_what_was_agreed_before_being_known_is_withdrawn(api: Api, ann: str) -> None:
    api.post("/v1/agreement/terms/email/new@example.com", {"status": "yes"})
    token = api.create(email="new@example.com")
    person = api.as_person(token)
    path = f"/v1/agreement/terms/token/{token}"
    rtoken = asked(person, path=path)
    assert person.get(f"/v1/request/{rtoken}").json()["original"]["status"] == "yes"
    assert api.post(f"/v1/request/{rtoken}").status_code == 200
    assert api.get(path).json()["data"]["status"] == "no"


@pytest.mark.parametrize(
    ("path", "body", "code"),
    [
        ("/v1/agreement/absent/login/ann", None, 404),
        ("/v1/agreement/1bad/login/ann", None, 400),
        (TERMS, {"referencecode": 5}, 400),
        (TERMS, [1], 400),
    ],
)
def test_a_malformed_withdrawal_is_refused_at_once(person: Api, path: str, body: Any, code: int) -> None:
    assert_refused(person.delete(path, body), code)
    assert not Request.objects.exists()


def test_forgetting_takes_the_request_along(api: Api, person: Api, ann: str) -> None:
    rtoken = asked(person)
    assert api.delete("/v1/user/login/ann").status_code == 200
    assert not Agreement.objects.exists()
    found = api.get(f"/v1/request/{rtoken}").json()
    assert (found["state"], found["action"]) == ("canceled", "agreement-withdraw")
    assert "brief" not in found
