"""The login tells nobody who is in the vault: same answers, same statements, same work for somebody and nobody."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gdpr.login_channels import channel_of
from tests.conftest import Api
from tests.support.login import code_in, prelogin_path, sent, solved

SOMEBODY, FORGOTTEN, NOBODY = "ann@example.com", "gone@example.com", "nobody@example.com"
PHONE, NOBODYS_PHONE = "+447700900001", "+447700900999"


@pytest.fixture(autouse=True)
def _login(settings: Any) -> None:
    settings.EMAIL_HOST = settings.SMS_URL = "127.0.0.1"
    settings.NOTIFICATION_URL = "http://127.0.0.1:1/"
    settings.CAPTCHA_PROOF_BITS = 4
    for what in ("CODES", "TRIES"):
        for whom in ("PERSON", "ADDRESS"):
            setattr(settings, f"LOGIN_{what}_PER_{whom}", "1000/1h")


@pytest.fixture
def ann(committed_api: Api) -> str:
    """One with a large profile, one who was forgotten, and some others."""
    gone = committed_api.create(email=FORGOTTEN, phone="+447700900002")
    committed_api.delete(f"/v1/user/token/{gone}")
    return committed_api.create(email=SOMEBODY, phone=PHONE, biography="x" * 500_000)


def ask(identity: str, mode: str = "email") -> Any:
    return Api().get(prelogin_path(mode, identity, solved(Api())))


def come(identity: str, mode: str = "email", code: str = "000000") -> Any:
    return Api().get(f"/v1/login/{mode}/{identity}/{code}")


Act = Callable[[str, str], Any]
ACTS = {"prelogin": ask, "login": come}


def seen(answer: Any) -> tuple[Any, ...]:
    """All of an answer but the request's own id."""
    headers = {name: value for name, value in answer.items() if name != "X-Request-ID"}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("act", ACTS)
def test_answers_are_the_same_to_the_byte(ann: str, act: str) -> None:
    for mode, identities in (("email", (SOMEBODY, FORGOTTEN, NOBODY)), ("phone", (PHONE, NOBODYS_PHONE))):
        # The first asks; what it leaves behind must not tell the second time either.
        for _ in range(2):
            answers = [seen(ACTS[act](identity, mode)) for identity in identities]
            assert all(answer == answers[0] for answer in answers), answers


def test_also_after_a_code_was_asked_for_and_when_the_tries_are_used_up(ann: str) -> None:
    for identity in (SOMEBODY, NOBODY):
        ask(identity)
    for _ in range(7):
        assert seen(come(SOMEBODY)) == seen(come(NOBODY))


def statements(act: Callable[[], Any]) -> list[str]:
    """What was sent to the database, without its values."""
    with CaptureQueriesContext(connection) as captured:
        act()
    return [_shape(query["sql"]) for query in captured.captured_queries]


def _shape(sql: str) -> str:
    words = re.sub(r"'(?:[^']|'')*'(?:::bytea)?|\bX'[^']*'|\b[0-9]+\b|_binary", "?", sql)
    # To keep and to undo what was written since is one statement either way.
    words = re.sub(r"(RELEASE SAVEPOINT|ROLLBACK TO SAVEPOINT) .*", "END OF SAVEPOINT", words)
    return re.sub(r"SAVEPOINT \S+", "SAVEPOINT", words)[:70]


@pytest.mark.parametrize("act", ACTS)
def test_the_database_is_asked_the_same(ann: str, act: str) -> None:
    for identity in (SOMEBODY, FORGOTTEN, NOBODY):
        ACTS[act](identity)
    expected = statements(lambda: ACTS[act](SOMEBODY))
    assert len(expected) > 5
    for identity in (FORGOTTEN, NOBODY):
        assert statements(lambda identity=identity: ACTS[act](identity)) == expected


def work(act: Callable[[], Any]) -> int:
    """How many functions are called: what takes the time, without the noise of a clock."""
    calls = 0

    def count(frame: Any, event: str, argument: Any) -> None:
        nonlocal calls
        calls += event in ("call", "c_call")

    sys.setprofile(count)
    try:
        act()
    finally:
        sys.setprofile(None)
    return calls


@pytest.mark.parametrize("act", ACTS)
def test_the_work_is_the_same(ann: str, act: str) -> None:
    path = {"prelogin": lambda identity: prelogin_path("email", identity, solved(Api()))}.get(
        act, lambda identity: f"/v1/login/email/{identity}/000000"
    )
    done: dict[str, list[int]] = {SOMEBODY: [], NOBODY: []}
    for _ in range(7):
        for identity, counts in done.items():
            url = path(identity)
            counts.append(work(lambda url=url: Api().get(url)))
    somebody, nobody = (sorted(counts)[3] for counts in done.values())
    assert abs(somebody - nobody) < somebody * 0.03, (somebody, nobody)


def test_nobodys_message_is_taken_back(ann: str) -> None:
    for identity in (FORGOTTEN, NOBODY, SOMEBODY):
        ask(identity)
    assert [message["to"] for message in sent("mail")] == [SOMEBODY]
    for phone in (NOBODYS_PHONE, PHONE):
        ask(phone, "phone")
    assert [message["to"] for message in sent("sms")] == [PHONE]


def test_nobodys_code_opens_nothing(ann: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even if it was guessed."""
    from databunker.access import login_codes

    monkeypatch.setattr(login_codes, "new_code", lambda: "123456")
    ask(NOBODY)
    assert seen(come(NOBODY, code="123456")) == seen(come(NOBODY))
    ask(SOMEBODY)
    assert come(SOMEBODY, code=code_in(sent("mail")[-1])).status_code == 200


@pytest.mark.parametrize(("mode", "identity"), [("email", SOMEBODY), ("phone", PHONE)])
def test_who_has_withdrawn_the_legal_basis_is_sent_nothing(
    committed_api: Api, ann: str, mode: str, identity: str
) -> None:
    channel = channel_of(mode)
    assert channel is not None
    path = f"/v1/agreement/{channel.basis}/token/{ann}"
    committed_api.post(f"/v1/lbasis/{channel.basis}", {"basistype": "consent", "usercontrol": True})
    before = seen(ask(identity, mode))
    kind = {"email": "mail", "phone": "sms"}[mode]
    assert len(sent(kind)) == 1
    assert committed_api.delete(path).status_code == 200
    assert seen(ask(identity, mode)) == before
    assert len(sent(kind)) == 1
    assert committed_api.post(path, {"status": "yes"}).status_code == 200
    ask(identity, mode)
    assert len(sent(kind)) == 2
