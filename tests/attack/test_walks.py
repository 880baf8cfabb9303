"""Somebody who knows all identities of another, and every number that stands for something of theirs: no order of calls
to any routes tells or changes anything of the other.
"""

from __future__ import annotations

import logging
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from databunker.access import tokens
from databunker.access.models import TokenKind
from tests.api.matrix import CALLERS, MATRIX
from tests.conftest import Api
from tests.support.victims import Victim
from tests.support.walks import Asked, asked, methods_of_routes

from .conftest import OTHER_TENANT

# A backup is of all people, and sealed under the master key: tests/attack/test_nothing_in_clear.py looks into it.
ROUTES = [call for call in methods_of_routes() if "sys/backup" not in call[1]]


@pytest.fixture(autouse=True)
def _open(settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    """As much is allowed as any setting allows."""
    caplog.set_level(logging.CRITICAL)
    settings.SELFSERVICE_USER_RECORD_CHANGE = settings.SELFSERVICE_FORGET_ME = True
    settings.SELFSERVICE_APP_RECORD_CHANGE = ["*"]
    settings.LIST_USERS = "legacy"
    settings.EMAIL_HOST = settings.SMS_URL = "127.0.0.1"
    settings.METRICS_ALLOWED_ADDRESSES = []


def root_of(tenant: int) -> Api:
    text = str(uuid.uuid4())
    tokens.add_token(token=text, kind=TokenKind.ROOT, tenant=tenant, label="test")
    return Api(text)


def other_person(api: Api) -> Api:
    return api.as_person(api.create(login=f"attacker {uuid.uuid4()}"))


ATTACKERS: dict[str, Callable[[Api], Api]] = {
    "another person": other_person,
    "somebody without a token": lambda _: Api(),
    "the root of another tenant": lambda _: root_of(OTHER_TENANT),
}


def assert_nothing_told_or_changed(victim: Victim, caller: Api, call: Asked) -> None:
    answer = caller.call(call.method, call.path, call.body, content_type=call.content_type)
    assert answer.status_code < 500, call
    victim.assert_untold(answer.streamed if answer.streaming else answer.content)
    if answer.status_code == 200 and call.method != "GET":
        victim.assert_untouched()


def walk(victim: Victim, attacker: Callable[[], Api], *, examples: int, steps: int, shrink: bool = True) -> None:
    """Each begins as somebody new: the last one may have been forgotten."""

    class Walk(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.caller = attacker()

        @rule(call=asked(victim.known, only=ROUTES))
        def ask(self, call: Asked) -> None:
            assert_nothing_told_or_changed(victim, self.caller, call)

        def teardown(self) -> None:
            victim.assert_untouched()

    quick = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, suppress_health_check=list(HealthCheck),
        database=None, phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
    )  # fmt: skip
    run_state_machine_as_test(Walk, settings=quick)


@pytest.mark.parametrize("attacker", ATTACKERS.values(), ids=ATTACKERS)
def test_no_walk_reaches_another(api: Api, attacker: Callable[[Api], Api]) -> None:
    walk(Victim(api, "victim"), lambda: attacker(api), examples=5, steps=25)


@pytest.mark.slow
@pytest.mark.parametrize("attacker", ATTACKERS.values(), ids=ATTACKERS)
def test_no_long_walk_reaches_another(api: Api, attacker: Callable[[Api], Api]) -> None:
    walk(Victim(api, "victim"), lambda: attacker(api), examples=100, steps=60)


def test_the_walk_would_notice(api: Api) -> None:
    """The victim itself, and the root of the tenant, do come by it all."""
    victim = Victim(api, "victim")
    for caller in (api, api.as_person(victim.token)):
        with pytest.raises(AssertionError):
            walk(victim, lambda caller=caller: caller, examples=30, steps=30, shrink=False)


OF_SOMEBODY = [row for row in MATRIX if row.lets_in != CALLERS]


@pytest.mark.parametrize("row", OF_SOMEBODY, ids=[f"{row.method} {row.path}" for row in OF_SOMEBODY])
def test_the_root_of_another_tenant_reaches_nothing_by_any_route(api: Api, row: Any) -> None:
    """The calls of the permission matrix, which all do something within the tenant."""
    victim = Victim(api, "victim")
    named = {
        "person": victim.token, "event": victim.known["atoken"][-1], "session": victim.known["session"][0],
        "share": victim.share, "link": victim.link, "request": victim.known["rtoken"][0], "receipt": "x",
    }  # fmt: skip
    path = row.path.replace("matrix@example.com", "victim@example.com").format(**named, captcha=None, code="")
    call = Asked(row.method, path, row.body, "application/json", row.route)
    assert_nothing_told_or_changed(victim, root_of(OTHER_TENANT), call)
    victim.assert_untouched()
