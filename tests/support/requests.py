"""A person who asks for what only others may allow, and how the request that this becomes is looked at."""

from __future__ import annotations

import uuid
from typing import Any

from databunker.ids import new_token, unix_now
from gdpr import requests
from gdpr.models import RequestAction
from gdpr.states import State
from tests.conftest import Api
from vault.models import Record
from vault.queries import record_of

__all__ = ["PROFILE", "SHOP", "a_request", "asked", "change", "done", "profile", "state"]

PROFILE = {
    "login": "ann",
    "email": "ann@example.com",
    "name": {"first": "Ann", "last": "E"},
    "tags": ["a", "b"],
    "n": 1,
}
_DAY = 86_400
SHOP = "/v1/userapp/login/ann/shop"


def asked(person: Api, method: str, path: str, body: Any = None, *, result: str = "request-created") -> str:
    """The token of the request that this call becomes."""
    answer = person.call(method, path, body)
    assert answer.status_code == 200, answer.content
    found = answer.json()
    assert found == {"status": "ok", "result": result, "rtoken": found["rtoken"]}
    rtoken: str = found["rtoken"]
    assert str(uuid.UUID(rtoken)) == rtoken
    return rtoken


def a_request(api: Api, name: str, *, made: int, state: int = State.OPEN, **facts: Any) -> None:
    """Somebody new who asked so many days ago to be forgotten."""
    api.create(login=name)
    subject = bytes(Record.objects.order_by("-id")[0].subject)
    holder, at = record_of(1, subject), unix_now() - made * _DAY
    assert holder is not None
    past = requests.Past(new_token(), State(state), at, at)
    row = requests.seal_past_request(requests.Wish(RequestAction.FORGET_ME), past, holder=holder)
    for fact, value in facts.items():
        setattr(row, fact, value)
    row.mac = requests._mac(row)
    row.save()


def change(person: Api, body: Any, **options: Any) -> str:
    return asked(person, "PUT", "/v1/user/login/ann", body, **options)


def profile(api: Api) -> Any:
    return api.get("/v1/user/login/ann").json()["data"]


def state(api: Api, rtoken: str) -> str:
    found: str = api.get(f"/v1/request/{rtoken}").json()["state"]
    return found


def done(answer: Any) -> None:
    """Where somebody was forgotten by it, with the id of a receipt."""
    body = {name: value for name, value in answer.json().items() if name != "receipt"}
    assert (answer.status_code, body) == (200, {"status": "ok", "result": "done"}), answer.content
