"""Whatever is sent to a route: an answer in JSON that the document allows, in bounded time, and never a fault of ours."""

from __future__ import annotations

import time
from typing import Any

import pytest
from django.http import HttpResponse
from hypothesis import HealthCheck, given, settings

from databunker.access.models import TokenKind
from tests.conftest import Api, new_token
from tests.support.walks import Asked, asked, methods_of_routes

SECONDS = 5  # a thousand times what is usual: a loaded machine is no failure, a hang is
# What is no JSON by what it is for: pictures, pages, files, metrics; a health check says OK.
OTHERWISE = (
    "captcha/<str:code>",
    "/report",
    "metrics",
    "docs",
    "openapi.json",
    "receipt",
    "status",
    "livez",
    "readyz",
    "exp/retain",
    "exp/delete",
    "sys/backup",
)


@pytest.fixture(autouse=True)
def _open(settings: Any) -> None:
    """What is off or throttled by default would not be reached."""
    settings.LIST_USERS = "legacy"
    settings.EMAIL_HOST = settings.SMS_URL = "127.0.0.1"
    settings.CAPTCHA_PROOF_BITS = 4
    settings.IDENTITY_FIELDS = ["household:text:shared"]
    settings.SELFSERVICE_USER_RECORD_CHANGE = True
    settings.SELFSERVICE_APP_RECORD_CHANGE = ["*"]
    settings.ANONYMOUS_AGREEMENTS = True
    for name in ("CODES_PER_PERSON", "CODES_PER_ADDRESS", "TRIES_PER_PERSON", "TRIES_PER_ADDRESS"):
        setattr(settings, f"LOGIN_{name}", "100000/1h")
    settings.CAPTCHA_PICTURES_PER_ADDRESS = "100000/1h"


@pytest.fixture
def known(api: Api) -> dict[str, list[str]]:
    """One of each thing that a path can name."""
    ann = api.create(login="ann", email="ann@example.com", phone="+447700900001", household="h")
    session = "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"
    api.post(f"/v1/session/{session}", {"token": ann})
    api.post(f"/v1/userapp/token/{ann}/shop", {"size": 1})
    api.post("/v1/lbasis/news", {"shortdesc": "Letters"})
    api.post("/v1/pactivity/letters", {"legalbasis": "news"})
    api.post(f"/v1/agreement/news/token/{ann}", {})
    return {
        "token": [ann],
        "identity": [ann, "ann", "ann@example.com", "+447700900001", "h"],
        "app": ["shop"],
        "session": [session],
        "record": [api.post(f"/v1/sharedrecord/token/{ann}", {"fields": "email"}).json()["record"]],
        "exptoken": [api.post(f"/v1/exp/start/token/{ann}").json()["exptoken"]],
        "rtoken": [api.as_person(ann).delete(f"/v1/user/token/{ann}").json()["rtoken"]],
        "atoken": [api.get(f"/v1/audit/list/{ann}").json()["rows"][0]["atoken"]],
        "brief": ["news"],
        "activity": ["letters"],
        "code": [api.get("/v1/captcha").json()["code"], "123456"],
        "captcha": ["123456"],
    }


def checked(caller: Api, call: Asked) -> HttpResponse:
    began = time.monotonic()
    answer = caller.call(call.method, call.path, call.body, content_type=call.content_type)
    assert time.monotonic() - began < SECONDS, call
    assert answer.status_code < 500, (call, answer.content[:200])
    if answer.status_code >= 400 or not any(part in call.route for part in OTHERWISE):
        assert answer.headers["Content-Type"].startswith("application/json"), call
        assert answer.json()["status"] in ("ok", "error"), call
    return answer


def check_routes(api: Api, known: dict[str, list[str]], calls: list[tuple[str, str]], examples: int) -> None:
    callers = [api, Api(new_token(TokenKind.ADMIN)), api.as_person(known["token"][0]), Api()]

    @settings(max_examples=examples, deadline=None, database=None, suppress_health_check=list(HealthCheck))
    @given(asked(known, only=calls))
    def check(call: Asked) -> None:
        for caller in callers:
            checked(caller, call)

    check()


CALLS = [call for call in methods_of_routes() if "sys/backup" not in call[1]]
EVERY = [CALLS[number::8] for number in range(8)]


@pytest.mark.parametrize("calls", EVERY, ids=range(8))
def test_whatever_is_asked_is_answered(api: Api, known: dict[str, list[str]], calls: list[tuple[str, str]]) -> None:
    check_routes(api, known, calls, 25)


@pytest.mark.slow
@pytest.mark.parametrize("call", CALLS, ids=[f"{method} {route}" for method, route in CALLS])
def test_whatever_is_asked_of_one_route_is_answered(
    api: Api, known: dict[str, list[str]], call: tuple[str, str]
) -> None:
    check_routes(api, known, [call], 40)
