"""Logins at the same moment: a code and a captcha are good once, and limits hold over threads and processes."""

from __future__ import annotations

from contextlib import ExitStack, closing
from typing import Any

import pytest

from databunker.access.models import AccessToken, LoginCode, TokenKind
from databunker.access.throttle import Limit, take
from databunker.errors import Throttled
from tests.api.helpers import subject_of
from tests.conftest import Api
from tests.support.clients import at_once
from tests.support.login import code_in, prelogin_path, sent, solved
from tests.support.vaults import Server

from .conftest import THREADS, racing, statuses

EMAIL = "ann@example.com"
ROUNDS = 4


@pytest.fixture(autouse=True)
def _login(settings: Any) -> None:
    settings.EMAIL_HOST = "127.0.0.1"
    settings.CAPTCHA_PROOF_BITS = 4
    for what in ("CODES", "TRIES"):
        for whom in ("PERSON", "ADDRESS"):
            setattr(settings, f"LOGIN_{what}_PER_{whom}", "10000/1h")


def code_for_ann() -> str:
    assert Api().get(prelogin_path("email", EMAIL, solved(Api()))).status_code == 200
    return code_in(sent("mail")[-1])


def come(code: str) -> Any:
    return Api().get(f"/v1/login/email/{EMAIL}/{code}")


def test_of_those_with_the_same_code_one_comes_in(committed_api: Api) -> None:
    committed_api.create(email=EMAIL)
    for turn in range(1, ROUNDS + 1):
        # Five at most: the sixth would be refused for the number of tries.
        answers = racing(come, [code_for_ann()] * 5)
        assert statuses(answers) == [200] + [403] * 4
        assert AccessToken.objects.filter(kind=TokenKind.PERSON).count() == turn


def test_wrong_tries_at_the_same_moment_are_all_counted(committed_api: Api) -> None:
    committed_api.create(email=EMAIL)
    code = code_for_ann()
    wrong = f"{(int(code) + 1) % 1_000_000:06}"
    assert statuses(racing(come, [wrong] * THREADS)) == [403] * THREADS
    assert LoginCode.objects.get().tries == 5
    assert come(code).status_code == 403


def test_a_captcha_is_used_once(committed_api: Api) -> None:
    committed_api.create(email=EMAIL)
    for turn in range(1, ROUNDS + 1):
        path = prelogin_path("email", EMAIL, solved(Api()))
        answers = racing(lambda _, path=path: Api().get(path).json()["status"], range(THREADS))
        assert sorted(answers) == ["error"] * (THREADS - 1) + ["ok"]
        assert len(sent("mail")) == turn


def test_many_who_ask_at_the_same_moment_are_all_answered(committed_api: Api) -> None:
    committed_api.create(email=EMAIL)
    paths = [prelogin_path("email", EMAIL, solved(Api())) for _ in range(THREADS)]
    assert statuses(racing(lambda path: Api().get(path), paths)) == [200] * THREADS
    assert LoginCode.objects.count() == 1


def test_who_is_forgotten_meanwhile_keeps_no_way_in(committed_api: Api) -> None:
    for _ in range(ROUNDS):
        ann = committed_api.create(email=EMAIL)
        code, captcha = code_for_ann(), solved(Api())
        acts = [
            lambda ann=ann: committed_api.delete(f"/v1/user/token/{ann}").status_code,
            lambda code=code: come(code).status_code,
            lambda captcha=captcha: Api().get(prelogin_path("email", EMAIL, captcha)).status_code,
        ]
        codes = racing(lambda act: act(), acts)
        assert codes[0] == codes[2] == 200
        assert codes[1] in (200, 403)
        assert not AccessToken.objects.filter(subject=subject_of(ann)).exists()
        assert not LoginCode.objects.filter(subject=subject_of(ann)).exists()
        assert sent("mail") == []
        assert come(code).status_code == 403


def test_a_limit_grants_no_more_than_it_says_whoever_races(committed_vault: None) -> None:
    def tries(number: int) -> bool:
        try:
            take(Limit(5, 3600), tenant=1, what=b"test", who=b"%d" % number)
        except Throttled:
            return False
        return True

    for turn in range(ROUNDS):
        assert sum(racing(lambda _, turn=turn: tries(turn), range(THREADS))) == 5


def test_limits_hold_over_processes(server: Server, unique: str) -> None:
    """Fifteen tries an hour for one identity, whichever process is asked."""
    with ExitStack() as stack:
        callers = [stack.enter_context(closing(server.client())) for _ in range(40)]
        for caller in callers:
            caller.connect()
        path = f"/v1/login/email/{unique}@example.com/000000"
        answers = at_once(lambda caller: caller.call("GET", path), callers)
        assert statuses(answers) == [403] * 15 + [429] * 25
        assert all(int(answer.headers["retry-after"]) > 0 for answer in answers if answer.status == 429)
