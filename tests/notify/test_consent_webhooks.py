"""What a receiver is told of agreements: each change of one, and nothing that is none."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job
from tests.api.helpers import subject_of
from tests.conftest import Api
from tests.support.receivers import Receiver

EMAIL = "ann@example.com"


@pytest.fixture(autouse=True)
def _basis(api: Api) -> None:
    assert api.post("/v1/lbasis/news", {}).status_code == 200


def told(receiver: Receiver) -> list[Any]:
    deliver_due()
    return [body for body in receiver.bodies() if body["action"] == "consentchange"]


def change(status: str, mode: str, identity: str) -> dict[str, str]:
    return {"action": "consentchange", "brief": "news", "status": status, "mode": mode, "identity": identity}


def test_each_change_is_told_of_by_token(api: Api, receiver: Receiver) -> None:
    token = api.create(login="ann")
    deliver_due()
    for status in ("yes", "yes", "no", "yes"):
        assert api.post("/v1/agreement/news/login/ann", {"status": status}).status_code == 200
        assert all(bytes(job.subject or b"") == subject_of(token) for job in Job.objects.all())
    assert api.delete("/v1/agreement/news/login/ann").status_code == 200
    assert api.delete("/v1/agreement/news/login/ann").status_code == 200
    assert told(receiver) == [change(status, "token", token) for status in ("yes", "no", "yes", "no")]


def test_who_is_not_there_yet_is_named_by_the_identity(api: Api, receiver: Receiver) -> None:
    api.post("/v1/agreement/news/email/Ann@Example.com", {})
    assert told(receiver) == [change("yes", "email", EMAIL)]


def test_what_a_stranger_says_of_somebody_who_exists_is_not_told(api: Api, receiver: Receiver, settings: Any) -> None:
    settings.ANONYMOUS_AGREEMENTS = True
    api.create(email=EMAIL)
    for email in (EMAIL, "absent@example.com"):
        assert Api().post(f"/v1/agreement/news/email/{email}", {}).status_code == 200
    assert told(receiver) == [change("yes", "email", "absent@example.com")]


def test_what_was_refused_is_not_told(api: Api, receiver: Receiver) -> None:
    person = api.as_person(api.create(login="ann"))
    person.post("/v1/agreement/news/login/ann", {})
    deliver_due()
    assert person.delete("/v1/agreement/news/login/ann").json()["result"] == "request-created"
    assert api.post("/v1/agreement/absent/login/ann", {}).status_code == 404
    assert len(told(receiver)) == 1


def test_one_webhook_tells_of_all_that_were_revoked_at_once(api: Api, receiver: Receiver) -> None:
    for number in range(3):
        api.create(login=f"p{number}")
        api.post(f"/v1/agreement/news/login/p{number}", {})
    deliver_due()
    seen = len(receiver.bodies())
    assert api.delete("/v1/agreement/news").json()["revoked"] == 3
    assert api.delete("/v1/agreement/news").json()["revoked"] == 0
    deliver_due()
    assert receiver.bodies()[seen:] == [{"action": "consentsrevoked", "brief": "news", "agreements": 3}]


def test_a_legal_basis_that_is_deleted_tells_so_too(api: Api, receiver: Receiver) -> None:
    api.post("/v1/agreement/news/email/ann@example.com", {})
    deliver_due()
    seen = len(receiver.bodies())
    assert api.delete("/v1/lbasis/news").status_code == 200
    deliver_due()
    assert receiver.bodies()[seen:] == [{"action": "consentsrevoked", "brief": "news", "agreements": 1}]
