"""The pages behind the links of an expiration: what browsers see, and that opening a link does nothing."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.http import HttpResponse

from tests.api.helpers import assert_refused, contents, told_by, unreachable_database
from tests.conftest import Api

VERBS = ("retain", "delete")
BROWSER = {"HTTP_ACCEPT": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(login="ann", email="ann@example.com", name="Ann Example")


@pytest.fixture
def link(api: Api, ann: str) -> str:
    text: str = api.post("/v1/exp/start/login/ann").json()["exptoken"]
    return text


class Tags(HTMLParser):
    """Every tag with its attributes."""

    def __init__(self, answer: HttpResponse) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(answer.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def assert_page(answer: HttpResponse, status: int = 200, language: str = "en") -> str:
    """A page that no cache, frame, script or other origin gets hold of, and that names nobody."""
    assert answer.status_code == status
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "Set-Cookie" not in answer.headers
    text = re.sub(r'<a href="/receipt\?id=[0-9a-f-]{36}">', "", answer.content.decode())
    assert not re.search(r"ann|example|style=|<script|<style|onclick|src=|href=", text, re.IGNORECASE)
    assert [attributes.get("lang") for tag, attributes in Tags(answer).found if tag == "html"] == [language]
    return text


@pytest.mark.parametrize("verb", VERBS)
def test_a_browser_is_asked_first(api: Api, link: str, verb: str) -> None:
    before = contents()
    with told_by() as told:
        text = assert_page(Api().get(f"/v1/exp/{verb}/{link}", **BROWSER))
    assert (contents(), told) == (before, [])
    assert link not in text
    (form,) = [
        attributes for tag, attributes in Tags(Api().get(f"/v1/exp/{verb}/{link}", **BROWSER)).found if tag == "form"
    ]
    assert form == {"method": "post"}  # to the address at hand, which has the token


@pytest.mark.parametrize("verb", VERBS)
def test_it_speaks_the_language_of_the_browser(api: Api, link: str, verb: str) -> None:
    answer = Api().get(f"/v1/exp/{verb}/{link}", **BROWSER, HTTP_ACCEPT_LANGUAGE="de-AT,de;q=0.9,en;q=0.5")
    text = assert_page(answer, language="de")
    assert ("gelöscht" if verb == "delete" else "behalten") in text
    assert answer.headers["Content-Language"] == "de"
    assert "Accept-Language" in answer.headers["Vary"]
    assert assert_page(Api().get(f"/v1/exp/{verb}/{link}", **BROWSER)) != text, "no other caller's language"


@pytest.mark.parametrize("verb", VERBS)
def test_the_button_acts_and_says_so(api: Api, ann: str, link: str, verb: str) -> None:
    form = {"content_type": "application/x-www-form-urlencoded", **BROWSER}
    done = assert_page(Api().post(f"/v1/exp/{verb}/{link}", b"", **form))
    assert ("deleted" if verb == "delete" else "kept") in done
    assert (api.get(f"/v1/user/token/{ann}").json()["data"] == {}) is (verb == "delete")
    again = assert_page(Api().post(f"/v1/exp/{verb}/{link}", b"", **form), 403)
    assert "can&#x27;t be used" in again or "can't be used" in again


@pytest.mark.parametrize("verb", VERBS)
def test_the_page_says_nothing_of_whether_the_link_is_good(link: str, verb: str) -> None:
    pages = {
        Api().get(f"/v1/exp/{verb}/{text}", **BROWSER).content
        for text in (link, "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1", "<script>", "x")
    }
    assert len(pages) == 1
    refused = {
        Api().post(f"/v1/exp/{verb}/{text}", **BROWSER).content
        for text in ("7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1", "<script>", "x")
    }
    assert len(refused) == 1


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {"HTTP_ACCEPT": "TEXT/HTML"}),
        ("GET", {"HTTP_SEC_FETCH_MODE": "navigate", "HTTP_ACCEPT": "*/*"}),
        ("GET", {"HTTP_SEC_PURPOSE": "prefetch", "HTTP_ACCEPT": "*/*"}),
        ("GET", {"HTTP_PURPOSE": "prefetch"}),
        ("HEAD", {}),
        ("HEAD", {"HTTP_ACCEPT": "*/*"}),
        ("OPTIONS", {}),
    ],
)
def test_whatever_merely_opens_links_changes_nothing(
    link: str, verb: str, method: str, headers: dict[str, str]
) -> None:
    before = contents()
    assert Api().call(method, f"/v1/exp/{verb}/{link}", **headers).status_code in (200, 204)
    assert contents() == before


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("accept", [None, "*/*", "application/json", "text/plain"])
def test_programs_act_by_get_unless_a_setting_forbids_it(
    settings: Any, link: str, verb: str, accept: str | None
) -> None:
    headers = {} if accept is None else {"HTTP_ACCEPT": accept}
    settings.EXPIRATION_LINK_ACTS_ON_GET = False
    before = contents()
    assert_page(Api().get(f"/v1/exp/{verb}/{link}", **headers))
    assert contents() == before
    settings.EXPIRATION_LINK_ACTS_ON_GET = True
    answer = Api().get(f"/v1/exp/{verb}/{link}", **headers)
    assert (answer.content, answer.headers["Content-Type"]) == (b"OK", "text/plain; charset=utf-8")
    assert contents() != before


def test_a_browser_sees_a_page_also_when_the_vault_is_down(vault: None) -> None:
    path = "/v1/exp/delete/7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"
    with unreachable_database():
        text = assert_page(Api().post(path, **BROWSER), 503)
        assert_refused(Api().post(path), 503, "service unavailable")
    assert "later" in text
