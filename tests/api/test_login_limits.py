"""What the login grants to one identity and one address, and what is left of it when its time is over."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.access.models import AccessToken, LoginCode, Throttle, TokenKind, UsedCaptcha
from gdpr.actions import purge_login
from gdpr.purging import delete_tokens
from tests.api.helpers import ANN, assert_refused, told_by
from tests.conftest import Api
from tests.support.login import NOW, ask, code_for, come

EMAIL, PHONE = ANN["email"], ANN["phone"]


pytestmark = pytest.mark.usefixtures("login_set_up")


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**ANN)


@pytest.mark.parametrize("identity", [EMAIL, "nobody@example.com"])
def test_few_codes_are_sent_to_one_identity(ann: str, clock: Any, settings: Any, identity: str) -> None:
    settings.LOGIN_CODES_PER_PERSON = "2/60s"
    assert [ask(identity=identity).status_code for _ in range(2)] == [200, 200]
    answer = ask(identity=identity)
    assert_refused(answer, 429, "too many tries")
    assert answer["Retry-After"] == "30"
    assert ask("phone", PHONE).status_code == 200
    clock.shift(30)
    assert ask(identity=identity).status_code == 200
    assert ask(identity=identity).status_code == 429


@pytest.mark.parametrize("identity", [EMAIL, "nobody@example.com"])
def test_few_codes_are_tried_for_one_identity(ann: str, clock: Any, settings: Any, identity: str) -> None:
    settings.LOGIN_TRIES_PER_PERSON = "3/1h"
    codes = [come("000000", identity=identity, REMOTE_ADDR=f"10.0.0.{number}").status_code for number in range(5)]
    assert codes == [403, 403, 403, 429, 429]
    clock.shift(1200)
    assert come("000000", identity=identity).status_code == 403


def test_one_address_tries_few_times(ann: str, clock: Any, settings: Any) -> None:
    settings.LOGIN_TRIES_PER_ADDRESS = settings.LOGIN_CODES_PER_ADDRESS = "2/1h"

    def codes(address: str) -> list[int]:
        tries = [come("000000", identity=f"{number}@example.com", REMOTE_ADDR=address) for number in range(3)]
        asked = [ask(identity=f"{number}@example.com", REMOTE_ADDR=address) for number in range(3)]
        return [answer.status_code for answer in (*tries, *asked)]

    spent = [403, 403, 429, 200, 200, 429]
    assert codes("10.0.0.1") == spent
    assert codes("10.0.0.2") == spent
    assert codes("2001:db8::1") == spent
    # The same network of 64 bits is the same client.
    assert codes("2001:db8::2") == [429] * 6
    assert codes("2001:db8:0:1::1") == spent


def test_legacy_codes_leave_429(ann: str, settings: Any) -> None:
    settings.V1_LEGACY_STATUS = True
    settings.LOGIN_TRIES_PER_PERSON = "1/1h"
    assert [come("000000").status_code for _ in range(2)] == [403, 429]


def test_rows_of_limits_hold_keyed_hashes_only(ann: str) -> None:
    ask()
    come("000000")
    for row in Throttle.objects.values_list("digest", flat=True):
        assert len(row) == 16
    assert Throttle.objects.count() == 4


def test_what_has_ended_is_cleared_away(ann: str, clock: Any, settings: Any) -> None:
    settings.LOGIN_CODES_PER_PERSON = settings.LOGIN_TRIES_PER_PERSON = "5/60s"
    settings.LOGIN_CODES_PER_ADDRESS = settings.LOGIN_TRIES_PER_ADDRESS = "5/60s"
    come(code_for())
    code_for("phone", PHONE)
    people = AccessToken.objects.filter(kind=TokenKind.PERSON)
    held = (LoginCode.objects, UsedCaptcha.objects, Throttle.objects, people)
    assert [rows.count() for rows in held] == [1, 2, 5, 1]
    assert purge_login(NOW) == 0
    assert purge_login(NOW + 30) == 5
    assert purge_login(NOW + 120) == 3
    assert [rows.count() for rows in held] == [0, 0, 0, 1]
    assert delete_tokens(NOW + 599, 500) == 0
    assert delete_tokens(NOW + 600, 500) == 1
    assert AccessToken.objects.filter(kind=TokenKind.ROOT).exists()


def test_a_refusal_by_a_limit_is_told(ann: str, settings: Any) -> None:
    settings.LOGIN_TRIES_PER_PERSON = "1/1h"
    come("000000")
    with told_by() as told:
        come("000000")
    assert [(event.code, event.outcome, event.detail) for event in told] == [
        ("login.bad", "denied", {"message": "too many tries"})
    ]
