"""My consents: what is asked, what the law holds, and every word that was said, with the text it was said to."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api

from .conftest import Visitor, text_of
from .portal import EMAIL, come_in

pytestmark = pytest.mark.usefixtures("channels")
BASES = {
    "news": {"basistype": "consent", "shortdesc": "News by mail", "fulldesc": "We write to you.", "usercontrol": True},
    "study": {"basistype": "consent", "shortdesc": "A study", "usercontrol": False},
    "order": {"basistype": "contract", "shortdesc": "Your order"},
    "tax": {"basistype": "legal-requirement", "shortdesc": "Tax law"},
}


@pytest.fixture
def ann(api: Api) -> str:
    for brief, terms in BASES.items():
        assert api.post(f"/v1/lbasis/{brief}", terms).status_code == 200
    return api.create(email=EMAIL)


@pytest.fixture
def inside(ann: str) -> Visitor:
    return come_in()


def status(api: Api, ann: str, brief: str) -> str:
    answer = api.get(f"/v1/agreement/{brief}/token/{ann}")
    return str(answer.json()["data"]["status"]) if answer.status_code == 200 else ""


def accept(visitor: Visitor, brief: str, text: int = 1) -> Any:
    return visitor.post(f"/my/consents/{brief}/accept", text=text)


def test_what_is_asked_and_what_the_law_holds_stand_apart(inside: Visitor) -> None:
    page = inside.get("/my/consents")
    text = text_of(page)
    asked, _, held = text.partition("Used without your consent")
    assert ["News by mail" in asked, "A study" in asked, "Your order" in asked] == [True, True, False]
    assert ["Your order" in held, "Tax law" in held, "The law demands it" in held] == [True, True, True]
    forms = re.findall(r'action="/my/consents/([\w-]+)/(\w+)"', page.content.decode())
    assert forms == [("news", "accept"), ("study", "accept")]


def test_a_consent_is_given_and_withdrawn_and_both_stay_to_be_seen(inside: Visitor, api: Api, ann: str) -> None:
    assert accept(inside, "news")["Location"] == "/my/consents"
    assert status(api, ann, "news") == "yes"
    assert "agreed" in text_of(inside.get("/my/consents"))
    assert inside.post("/my/consents/news/withdraw")["Location"] == "/my/consents"
    assert status(api, ann, "news") == "no"
    past = text_of(inside.get("/my/consents/news"))
    assert re.search(r"History not agreed .*We write to you\. agreed .*We write to you\.", past)


def test_one_that_is_not_in_ones_own_hand_becomes_a_request(inside: Visitor, api: Api, ann: str) -> None:
    accept(inside, "study")
    answer = inside.post("/my/consents/study/withdraw")
    assert answer["Location"].startswith("/my/requests/")
    assert status(api, ann, "study") == "yes"
    assert "Withdraw a consent" in text_of(inside.get("/my/requests"))


@pytest.mark.parametrize("brief", ["order", "tax"])
def test_what_the_law_holds_is_neither_given_nor_withdrawn(inside: Visitor, api: Api, ann: str, brief: str) -> None:
    api.post(f"/v1/agreement/{brief}/token/{ann}", {})
    for answer in (inside.post(f"/my/consents/{brief}/withdraw"), accept(inside, brief)):
        assert answer["Location"] == "/my/consents"
    assert "does not rest on your consent" in text_of(inside.get("/my/consents"))
    assert status(api, ann, brief) == "yes"
    assert "You have asked for nothing." in text_of(inside.get("/my/requests"))


def test_nobody_agrees_to_a_text_that_was_not_there_to_read(inside: Visitor, api: Api, ann: str) -> None:
    api.post("/v1/lbasis/news", {"fulldesc": "We write to you, and to others about you."})
    assert accept(inside, "news")["Location"] == "/my/consents/news"
    assert status(api, ann, "news") == ""
    assert "The text has changed." in text_of(inside.get("/my/consents/news"))
    for missing in ("", "0", "1"):
        assert accept(inside, "news", text=missing)["Location"] == "/my/consents/news"
    assert status(api, ann, "news") == ""
    accept(inside, "news", text=2)
    assert status(api, ann, "news") == "yes"
    api.post("/v1/lbasis/news", {"fulldesc": "Something else."})
    text = text_of(inside.get("/my/consents/news"))
    assert "The text has changed since you agreed." in text
    assert "We write to you, and to others about you." in text


def test_of_what_was_never_asked_there_is_no_page(inside: Visitor) -> None:
    for path in ("/my/consents/nothing", "/my/consents/%3Cb%3E"):
        assert inside.get(path).status_code == 404
    assert inside.post("/my/consents/nothing/accept", "/my/consents").status_code == 404


def test_many_consents_take_few_queries(inside: Visitor, api: Api) -> None:
    for number in range(50):
        api.post(f"/v1/lbasis/more-{number}", {"basistype": "consent", "shortdesc": "More"})
    with CaptureQueriesContext(connection) as queries:
        assert text_of(inside.get("/my/consents")).count("not answered yet") == 52
    assert len(queries) <= 10, "\n".join(one["sql"] for one in queries)
