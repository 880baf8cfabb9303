"""The console's door: who comes in, who does not, and what the trail says of it."""

from __future__ import annotations

import logging
import re
from base64 import b32decode
from typing import Any

import pytest

from audit.models import Event
from databunker.access.actor import ActorKind
from databunker.access.models import TokenKind
from databunker.accounts import events
from databunker.accounts.models import RecoveryCode, WebSession
from tests.conftest import new_token

from .conftest import PASSWORD, Visitor, make_account, row_of, text_of


def told(event: Any) -> list[Event]:
    return list(Event.objects.filter(type=event.number).order_by("id"))


def test_with_password_and_code_one_is_in(vault: None) -> None:
    ada = make_account("ada", "admin").sign_in()
    answer = ada.get("/console/")
    assert answer.status_code == 200
    assert "Welcome, ada. Administrator" in text_of(answer)
    (event,) = told(events.SIGNED_IN)
    assert (event.actor_kind, event.actor_token) == (ActorKind.ACCOUNT, ada.account)
    assert row_of(ada).signed_in is not None


def test_the_password_alone_opens_nothing(vault: None) -> None:
    ada = make_account("ada", "admin")
    assert ada.post("/console/sign-in", name="ada", password=PASSWORD)["Location"] == "/console/sign-in/code"
    assert ada.get("/console/")["Location"].startswith("/console/sign-in?")
    assert ada.get("/console/accounts")["Location"].startswith("/console/sign-in?")
    assert told(events.SIGNED_IN) == []


@pytest.mark.parametrize(
    ("name", "password"), [("ada", "another password"), ("nobody", PASSWORD), ("", ""), ("a b", "x")]
)
def test_a_wrong_name_and_a_wrong_password_look_alike(vault: None, name: str, password: str) -> None:
    ada = make_account("ada", "admin")
    answer = ada.post("/console/sign-in", name=name, password=password)
    assert answer.status_code == 422
    assert "another password" not in answer.content.decode(), "what was typed as password is not sent back"
    if name:
        assert "The name or the password is wrong." in text_of(answer)
        assert len(told(events.SIGN_IN_REFUSED)) == 1
    assert WebSession.objects.count() == 0


def test_the_name_is_read_in_any_case(vault: None) -> None:
    make_account("ada", "admin", factor=False)
    assert Visitor().post("/console/sign-in", name=" ADA ", password=PASSWORD).status_code == 303


def test_a_disabled_account_is_refused_like_an_unknown_one(admin: Visitor) -> None:
    bob = make_account("bob", "dpo")
    assert admin.post(f"/console/accounts/{bob.account}/disable").status_code == 303
    answer = bob.post("/console/sign-in", name="bob", password=PASSWORD)
    assert "The name or the password is wrong." in text_of(answer)


def test_too_many_tries_lock_the_account_for_a_while(vault: None, settings: Any) -> None:
    settings.CONSOLE_TRIES_PER_ACCOUNT = "3/1h"
    ada = make_account("ada", "admin")
    for _ in range(3):
        assert ada.post("/console/sign-in", name="ada", password="wrong").status_code == 422
    for password in ("wrong", PASSWORD):
        answer = ada.post("/console/sign-in", name="ada", password=password)
        assert answer.status_code == 429
        assert int(answer["Retry-After"]) > 60
        assert "Try again in 20 minutes." in text_of(answer)
    assert len(told(events.LOCKED_OUT)) == 1, "however often one tries"


def test_names_that_nobody_has_are_locked_alike(vault: None, settings: Any) -> None:
    settings.CONSOLE_TRIES_PER_ACCOUNT = "1/1h"
    visitor = Visitor()
    assert visitor.post("/console/sign-in", name="nobody", password="x").status_code == 422
    assert visitor.post("/console/sign-in", name="nobody", password="x").status_code == 429


def test_one_address_tries_so_often_whatever_the_name(vault: None, settings: Any) -> None:
    settings.CONSOLE_TRIES_PER_ADDRESS = "2/1h"
    visitor = Visitor()
    answers = [visitor.post("/console/sign-in", name=f"n{n}", password="x").status_code for n in range(3)]
    assert answers == [422, 422, 429]


def test_signing_in_begins_the_count_of_the_account_anew(vault: None, settings: Any) -> None:
    settings.CONSOLE_TRIES_PER_ACCOUNT = "2/1h"
    ada = make_account("ada", "admin")
    for _ in range(3):
        ada.post("/console/sign-in", name="ada", password="wrong")
        settings.CONSOLE_TRIES_PER_ACCOUNT = "3/1h"
        ada.sign_in()


def test_a_code_is_good_once(vault: None) -> None:
    ada = make_account("ada", "admin")
    code = ada.code()
    for expected in (303, 422):
        ada.post("/console/sign-in", name="ada", password=PASSWORD)
        answer = ada.post("/console/sign-in/code", code=code)
        assert answer.status_code == expected
    assert "This code is wrong, or has been used." in text_of(answer)
    assert len(told(events.SECOND_FACTOR_REFUSED)) == 1


def test_codes_can_not_be_tried_for_ever(vault: None, settings: Any) -> None:
    settings.CONSOLE_TRIES_PER_ACCOUNT = "2/1h"
    ada = make_account("ada", "admin")
    ada.post("/console/sign-in", name="ada", password=PASSWORD)
    answers = [ada.post("/console/sign-in/code", code="000000").status_code for _ in range(3)]
    assert answers == [422, 422, 429]


def test_a_recovery_code_lets_in_once(admin: Visitor) -> None:
    admin.post("/console/me/recovery-codes")
    answer = admin.post("/console/me/recovery-codes")
    codes = [word for word in text_of(answer).split() if word.count("-") == 2]
    assert len(codes) == len(set(codes)) == 10 == RecoveryCode.objects.count()
    again = Visitor(name=admin.name, account=admin.account)
    for expected in (303, 422):
        again.post("/console/sign-in", name="ada", password=PASSWORD)
        assert again.post("/console/sign-in/code", code=codes[0].upper().replace("-", " ")).status_code == expected
    assert RecoveryCode.objects.count() == 9
    assert len(told(events.RECOVERY_CODE_USED)) == 1


def test_whoever_was_going_somewhere_gets_there(vault: None) -> None:
    ada = make_account("ada", "admin", factor=False)
    asked = ada.get("/console/accounts?page=2")["Location"]
    assert asked == "/console/sign-in?next=%2Fconsole%2Faccounts%3Fpage%3D2"
    answer = ada.post("/console/sign-in", name="ada", password=PASSWORD, next="/console/accounts?page=2")
    assert answer["Location"] == "/console/accounts?page=2"


def test_without_a_second_factor_one_has_to_set_it_up_first(vault: None) -> None:
    ada = make_account("ada", "admin", factor=False)
    ada.post("/console/sign-in", name="ada", password=PASSWORD)
    assert ada.get("/console/")["Location"].startswith("/console/me/second-factor?")
    page = ada.get("/console/me/second-factor")
    groups = [word for word in text_of(page).split() if re.fullmatch("[A-Z2-7]{4}", word)]
    ada.secret = b32decode("".join(groups))
    assert ada.post("/console/me/second-factor", code="123").status_code == 422
    answer = ada.post("/console/me/second-factor", code=ada.code())
    assert answer.status_code == 200
    assert "They are shown this once." in text_of(answer)
    assert ada.get("/console/").status_code == 200
    assert len(told(events.SECOND_FACTOR_SET)) == 1


def test_it_may_be_optional(vault: None, settings: Any) -> None:
    settings.CONSOLE_SECOND_FACTOR = "optional"
    ada = make_account("ada", "admin", factor=False)
    ada.post("/console/sign-in", name="ada", password=PASSWORD)
    assert ada.get("/console/").status_code == 200


def test_a_first_password_has_to_be_changed(admin: Visitor) -> None:
    page = admin.post("/console/accounts/new", name="bob", role="support", display_name="Bob")
    (first,) = [word for word in text_of(page).split() if word.count("-") == 3]
    bob = Visitor(name="bob")
    assert bob.post("/console/sign-in", name="bob", password=first).status_code == 303
    assert bob.get("/console/")["Location"].startswith("/console/me/password?")
    new = "quite another sentence"
    answer = bob.post("/console/me/password", old=first, new=new, again="something else entirely")
    assert "This is not the same password." in text_of(answer)
    for weak in ("short", "1q2w3e4r5t6y", "9876543210123", first):
        assert bob.post("/console/me/password", old=first, new=weak, again=weak).status_code == 422, weak
    assert bob.post("/console/me/password", old=first, new=new, again=new).status_code == 303
    assert bob.get("/console/")["Location"].startswith("/console/me/second-factor?")
    assert Visitor().post("/console/sign-in", name="bob", password=first).status_code == 422


@pytest.mark.parametrize("password", ["  spaces at both ends  ", "ünïcödé 密码 🔑 words", "x1" * 64, "Aa" * 6 + "\t"])
def test_a_password_may_have_any_characters_and_is_taken_as_it_is(admin: Visitor, password: str) -> None:
    form = {"old": PASSWORD, "new": password, "again": password}
    assert admin.post("/console/me/password", **form).status_code == 303
    again = Visitor()
    for almost in (password.strip()[:-1], password.swapcase(), f"{password} "):
        assert again.post("/console/sign-in", name="ada", password=almost).status_code == 422
    assert again.post("/console/sign-in", name="ada", password=password).status_code == 303


def test_the_root_token_comes_in_only_where_it_is_allowed(vault: None, settings: Any, caplog: Any) -> None:
    root, visitor = new_token(TokenKind.ROOT), Visitor()
    assert visitor.get("/console/sign-in/root").status_code == 404
    assert visitor.post("/console/sign-in/root", token=root).status_code == 404
    settings.CONSOLE_BREAK_GLASS = True
    assert visitor.post("/console/sign-in/root", token=new_token(TokenKind.ADMIN)).status_code == 422
    with caplog.at_level(logging.WARNING, logger="databunker.accounts"):
        assert visitor.post("/console/sign-in/root", token=root).status_code == 303
    assert "somebody has signed in at the console with the root token" in caplog.text
    assert root not in caplog.text
    assert len(told(events.BROKE_GLASS)) == 1
    assert "You have come in with the root token." in text_of(visitor.get("/console/"))
    assert visitor.get("/console/accounts").status_code == 200
    assert visitor.get("/console/me").status_code == 403
    settings.CONSOLE_BREAK_GLASS = False
    assert visitor.get("/console/").status_code == 302 or visitor.get("/console/").status_code == 303
