"""Who has seen my data, where I am signed in, and what is shared: in plain words, and with an end."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from audit.events import all_types
from databunker.access import tokens
from databunker.portal.event_words import DONE
from tests.conftest import Api

from .conftest import Visitor, text_of
from .portal import EMAIL, come_in

pytestmark = pytest.mark.usefixtures("channels")


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(email=EMAIL, first_name="Ann")


@pytest.fixture
def inside(ann: str) -> Visitor:
    return come_in()


def few(visitor: Visitor, path: str) -> str:
    """The page as text, which took no more than ten queries."""
    with CaptureQueriesContext(connection) as queries:
        text = text_of(visitor.get(path))
    assert len(queries) <= 10, "\n".join(one["sql"] for one in queries)
    return text


def test_every_access_by_others_is_told_in_plain_words(inside: Visitor, api: Api, ann: str) -> None:
    api.call("GET", f"/v1/user/token/{ann}", HTTP_X_BUNKER_PURPOSE="delivery")
    api.post(f"/v1/userapp/token/{ann}/shop", {"n": 1})
    text = few(inside, "/my/accesses")
    assert "An administrator saw your data delivery" in text
    assert "An administrator changed what an application keeps (shop)" in text
    assert "You " not in text.split("Who What What for")[1]
    mine = few(inside, "/my/accesses?all=1")
    assert "You signed in" in mine
    assert "You saw who has seen your data" in mine


def test_a_refused_access_is_told_as_refused(inside: Visitor, api: Api, ann: str) -> None:
    other = api.as_person(api.create(login="eve"))
    assert other.get(f"/v1/user/token/{ann}").status_code == 403
    assert re.search(r"saw your data was refused", few(inside, "/my/accesses?all=1"))


def test_what_others_did_is_paged(inside: Visitor, api: Api, ann: str) -> None:
    for _ in range(60):
        api.get(f"/v1/user/token/{ann}")
    first = few(inside, "/my/accesses")
    assert first.count("An administrator saw your data") == 50
    assert "51–62 of 62" in few(inside, "/my/accesses?page=2")


# Of the same families, but about nobody.
_ABOUT_NOBODY = {
    "agreement.preview_revocation",
    "app.list_all",
    "audit.export",
    "audit.head",
    "audit.list_all",
    "audit.search",
    "erasure.export",
    "erasure.replay",
    "erasure.waive",
    "request.count",
    "token.list",
}


def test_every_kind_of_event_about_a_person_has_words() -> None:
    families = {code.partition(".")[0] for code in DONE}
    known = {one.code for one in all_types() if one.code.partition(".")[0] in families}
    assert known - _ABOUT_NOBODY == set(DONE)


@pytest.mark.parametrize("language", ["de", "fr", "es"])
def test_the_words_are_translated(language: str) -> None:
    english = {code: str(words) for code, words in DONE.items()}
    with translation.override(language):
        assert [code for code, words in DONE.items() if str(words) == english[code]] == []


def test_a_sign_in_elsewhere_is_seen_and_ended(inside: Visitor) -> None:
    elsewhere = come_in()
    assert elsewhere.get("/my/data").status_code == 200
    page = inside.get("/my/sign-ins").content.decode()
    numbers = re.findall(r'name="sign_in" value="(\d+)"', page)
    assert len(numbers) == 2
    assert page.count("this one") == 1
    assert inside.post("/my/sign-ins/end", sign_in=max(numbers, key=int))["Location"] == "/my/sign-ins"
    tokens.forget_cached()
    assert elsewhere.get("/my/data")["Location"] == "/"
    assert inside.get("/my/data").status_code == 200
    (own,) = re.findall(r'name="sign_in" value="(\d+)"', inside.get("/my/sign-ins").content.decode())
    assert inside.post("/my/sign-ins/end", sign_in=own)["Location"] == "/"
    assert inside.get("/my/data")["Location"] == "/"


def test_signing_out_ends_the_login_too(inside: Visitor) -> None:
    inside.post("/sign-out")
    text = text_of(come_in().get("/my/sign-ins"))
    assert text.count("Sign out") == 2, "the bar and this sign-in, nothing else"


def test_a_session_of_an_application_is_seen_and_ended(inside: Visitor, api: Api, ann: str) -> None:
    session = str(uuid.uuid4())
    api.post(f"/v1/session/{session}", {"token": ann, "device": "a phone"})
    page = inside.get("/my/sign-ins")
    assert "Device a phone" in few(inside, "/my/sign-ins")
    assert session not in page.content.decode()
    (handle,) = re.findall(r'name="session" value="(\w+)"', page.content.decode())
    assert inside.post("/my/sessions/end", "/my/sign-ins", session=handle)["Location"] == "/my/sign-ins"
    assert api.get(f"/v1/session/{session}").status_code == 404
    assert "There are none." in text_of(inside.get("/my/sign-ins"))


def test_what_is_shared_is_seen_and_ended(inside: Visitor, api: Api, ann: str) -> None:
    answer = api.post(f"/v1/sharedrecord/token/{ann}", {"fields": "first_name", "partner": "a courier"})
    share = answer.json()["record"]
    assert api.get(f"/v1/get/{share}").status_code == 200
    text = few(inside, "/my/shares")
    assert "a courier your data: first_name" in text
    assert inside.post("/my/shares/end", "/my/shares", share=share)["Location"] == "/my/shares"
    assert api.get(f"/v1/get/{share}").status_code == 403
    assert "Nothing is shared." in text_of(inside.get("/my/shares"))


def test_what_is_not_there_is_not_ended(inside: Visitor) -> None:
    for number in ("", "x", "0", "9" * 30, "²"):
        assert inside.post("/my/sign-ins/end", sign_in=number).status_code == 404
    for handle in ("", "zz", "00"):
        assert inside.post("/my/sessions/end", "/my/sign-ins", session=handle).status_code == 404
    answers: list[Any] = [inside.post("/my/shares/end", "/my/shares", share=one) for one in ("", str(uuid.uuid4()))]
    assert [answer.status_code for answer in answers] == [400, 403]
