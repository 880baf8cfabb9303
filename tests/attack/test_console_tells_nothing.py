"""The console's door tells nobody who has an account: same page, same statements, same work for every name.

`test_login_timing.py` measures it by the clock too.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from databunker.accounts import rows
from tests.pages.conftest import PASSWORD, Visitor, make_account, text_of
from tests.support.passwords import QuickHasher

from .test_login_tells_nothing import statements, work

# Somebody; who was disabled; who has no password, as they sign in at a provider; nobody; and no name at all.
KNOWN, DISABLED, ELSEWHERE, UNKNOWN, IMPOSSIBLE = "known", "apart", "cloud", "nobdy", "a\u00a0b c"
NAMES = (KNOWN, DISABLED, ELSEWHERE, UNKNOWN, IMPOSSIBLE)
WRONG = "quite another sentence"
TRIES = [(name, WRONG) for name in NAMES] + [(name, PASSWORD) for name in NAMES if name != KNOWN]
_COSTS = ("time_cost", "memory_cost", "parallelism", "variety")


@pytest.fixture
def visitor(committed_vault: None, settings: Any) -> Visitor:
    """A stranger who may try as often as they like, and has the form before them."""
    settings.CONSOLE_TRIES_PER_ACCOUNT = settings.CONSOLE_TRIES_PER_ADDRESS = "100000/1h"
    admin = make_account("admin", "admin").sign_in()
    for name in (KNOWN, DISABLED, ELSEWHERE):
        account = make_account(name, "dpo").account
        if name == ELSEWHERE:
            rows.save(rows.by_id(account, tenant=1), private=rows.Private(name, "", password=""))
        if name == DISABLED:
            assert admin.post(f"/console/accounts/{account}/disable").status_code == 303
    stranger = Visitor()
    for name, password in TRIES:
        refused(stranger, name, password)
    return stranger


def refused(visitor: Visitor, name: str, password: str) -> Any:
    answer = visitor.post("/console/sign-in", name=name, password=password)
    assert answer.status_code == 422
    return answer


def seen(answer: Any, name: str) -> tuple[Any, ...]:
    """All of a page but what is drawn anew for each, and the name that was typed."""
    headers = {key: value for key, value in answer.items() if key != "X-Request-ID"}
    nonce = re.findall(r"'nonce-([^']+)'", headers["Content-Security-Policy"])[0]
    text = answer.content.decode().replace(name, "NAME").replace(nonce, "NONCE")
    text = re.sub(r'(name="csrfmiddlewaretoken" value=")[^"]+', r"\1", text)
    headers = {key: str(value).replace(nonce, "NONCE") for key, value in headers.items()}
    return headers, sorted(answer.cookies), text


def test_the_page_is_the_same_to_the_byte(visitor: Visitor) -> None:
    for _ in range(2):
        answers = [(name, refused(visitor, name, password)) for name, password in TRIES]
        assert "The name or the password is wrong." in text_of(answers[0][1])
        pages = [seen(answer, name) for name, answer in answers]
        for page in pages:
            assert page == pages[0]


def test_one_password_is_hashed_at_the_same_cost_whoever_it_is(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Argon2 takes more time than all else of the request: without this, a name that nobody has is refused at once."""
    costs: list[tuple[Any, ...]] = []
    encode, verify = QuickHasher.encode, QuickHasher.verify

    def note(encoded: str) -> None:
        decoded = QuickHasher().decode(encoded)
        costs.append(tuple(decoded[name] for name in _COSTS))

    def noted_encode(hasher: QuickHasher, password: str, salt: str) -> str:
        encoded = str(encode(hasher, password, salt))
        note(encoded)
        return encoded

    def noted_verify(hasher: QuickHasher, password: str, encoded: str) -> bool:
        note(encoded)
        return bool(verify(hasher, password, encoded))

    monkeypatch.setattr(QuickHasher, "encode", noted_encode)
    monkeypatch.setattr(QuickHasher, "verify", noted_verify)
    spent = {}
    for name, password in TRIES:
        costs.clear()
        refused(visitor, name, password)
        spent[name, password] = list(costs)
    assert len(spent[KNOWN, WRONG]) == 1
    assert set(map(tuple, spent.values())) == {tuple(spent[KNOWN, WRONG])}, spent


def test_the_database_is_asked_the_same(visitor: Visitor) -> None:
    expected = statements(lambda: refused(visitor, KNOWN, WRONG))
    assert len(expected) >= 4
    for name, password in TRIES:
        asked = statements(lambda name=name, password=password: refused(visitor, name, password))
        assert asked == expected, (name, password)


def test_the_work_is_the_same(visitor: Visitor) -> None:
    done: dict[str, list[int]] = {name: [] for name in (KNOWN, DISABLED, UNKNOWN)}
    for _ in range(7):
        for name, counts in done.items():
            counts.append(work(lambda name=name: visitor.post("/console/sign-in", name=name, password=WRONG)))
    usual = sorted(done[KNOWN])[3]
    for name, counts in done.items():
        assert abs(sorted(counts)[3] - usual) < usual * 0.03, (name, done)
