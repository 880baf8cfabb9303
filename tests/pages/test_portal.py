"""The portal: a person comes in by a code, sees the own data, and nobody learns who else is there."""

from __future__ import annotations

import time
from typing import Any

import pytest
import time_machine

from audit.models import Event
from databunker.accounts.models import WebSession
from gdpr import events
from tests.conftest import Api
from tests.support.login import sent

from .conftest import Visitor, text_of
from .portal import EMAIL, ask, come

pytestmark = pytest.mark.usefixtures("channels")


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(email=EMAIL, first_name="Ann", address={"city": "Bergen"}, cards=[{"brand": "visa"}], vip=True)


@pytest.fixture
def inside(ann: str) -> Visitor:
    """The person, signed in."""
    visitor = Visitor()
    assert ask(visitor).status_code == 200
    assert come(visitor)["Location"] == "/my/data"
    return visitor


def test_a_person_sees_the_own_data_with_readable_labels(inside: Visitor, api: Api, ann: str) -> None:
    api.post(f"/v1/userapp/token/{ann}/shop", {"shoeSize": 41})
    text = text_of(inside.get("/my/data"))
    for shown in ("First name Ann", "Address: City Bergen", "Cards: 1: Brand visa", "Vip yes", "keeps Shoe size 41"):
        assert shown in text
    assert Event.objects.filter(type=events.LOGIN_DONE.number).count() == 1


def test_known_and_unknown_get_the_same_page(ann: str) -> None:
    pages = {}
    for identity in (EMAIL, "nobody@example.com"):
        page = ask(Visitor(), identity)
        assert page.status_code == 200
        pages[identity] = text_of(page).replace(identity, "X")
    assert len(set(pages.values())) == 1
    assert len(sent("mail")) == 1
    wrong = {text_of(come(Visitor(), identity, "000000")).replace(identity, "X") for identity in pages}
    assert len(wrong) == 1
    assert "This code is wrong, too old, or used already." in wrong.pop()


def test_the_code_comes_in_the_language_of_the_page(ann: str, settings: Any) -> None:
    settings.MAIL_LANGUAGE = "es"
    visitor = Visitor()
    visitor.client.cookies["language"] = "fr"
    assert ask(visitor).status_code == 200
    (mail,) = sent("mail")
    assert mail["subject"] == "Votre code de connexion"
    assert come(visitor)["Location"] == "/my/data"


def test_a_wrong_captcha_keeps_what_was_typed_and_brings_another(ann: str) -> None:
    visitor = Visitor()
    page = ask(visitor, answer="digits")  # a number could be the puzzle's solution, by chance
    assert page.status_code == 422
    assert "These are not the digits" in text_of(page)
    assert f'value="{EMAIL}"' in page.content.decode()
    assert sent("mail") == []


def test_a_way_that_is_not_set_up_is_told_of_whoever_asks(ann: str) -> None:
    for number in ("+44 7700 900001", "12"):
        assert ask(Visitor(), number).status_code == 422
    assert "Nobody can sign in by telephone here." in text_of(ask(Visitor(), "+44 7700 900001"))
    assert "neither an e-mail address nor a telephone number" in text_of(ask(Visitor(), "what"))


def test_too_many_tries_wait(ann: str, settings: Any) -> None:
    settings.LOGIN_TRIES_PER_PERSON = "1/1h"
    visitor = Visitor()
    ask(visitor)
    assert come(visitor, code="000000").status_code == 422
    answer = come(visitor)
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 60


def test_a_session_ends_with_its_token(inside: Visitor) -> None:
    assert inside.get("/my/data").status_code == 200
    with time_machine.travel(time.time() + 601):
        assert inside.get("/my/data")["Location"] == "/"
    assert WebSession.objects.count() == 0


def test_signing_out_ends_it(inside: Visitor) -> None:
    assert inside.post("/sign-out")["Location"] == "/"
    assert inside.get("/my/data")["Location"] == "/"
    assert WebSession.objects.count() == 0


def test_whoever_is_forgotten_is_out(inside: Visitor, api: Api, ann: str) -> None:
    assert api.delete(f"/v1/user/token/{ann}").status_code == 200
    assert inside.get("/my/data")["Location"] == "/"


def test_the_person_is_nobody_at_the_console(inside: Visitor) -> None:
    assert inside.get("/console/")["Location"].startswith("/console/sign-in")
