"""The cookie popup as it is served: to every site, in the reader's language, with nothing personal in it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import Api

from .conftest import Visitor, text_of

SCRIPT = "https://stats.example.com/count.js"


@pytest.fixture
def asked(api: Api) -> None:
    popup = {"module": "cookie-popup", "basistype": "consent"}
    needed = {"requiredflag": True, "shortdesc": "The basket", "requiredmsg": "Without it nobody buys."}
    api.post("/v1/lbasis/basket", {**popup, **needed})
    api.post("/v1/lbasis/count", {**popup, "shortdesc": "Counting </script>\u2028", "fulldesc": "How many come."})
    api.post("/v1/lbasis/elsewhere", {"basistype": "consent", "shortdesc": "Not for the popup"})
    assert api.post("/v1/pactivity/counting", {"script": SCRIPT, "legalbasis": "count"}).status_code == 200


def terms(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(
        re.search(r"\nstart\((\{.*\}), document\.currentScript\);", answer.content.decode())[1]
    )  # type: ignore[index]
    return found


def test_any_site_may_embed_it(visitor: Visitor, asked: None) -> None:
    answer = visitor.get("/cookies.js")
    assert answer["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer["Cache-Control"] == "public, max-age=300"
    assert not answer.cookies
    assert answer.content.isascii()


def test_it_asks_what_the_legal_bases_of_the_popup_say(visitor: Visitor, asked: None) -> None:
    found = terms(visitor.get("/cookies.js"))
    assert [(one["brief"], one["required"], one["version"]) for one in found["bases"]] == [
        ("basket", True, 1),
        ("count", False, 1),
    ]
    assert found["scripts"] == [{"script": SCRIPT, "briefs": ["count"]}]
    assert found["bases"][1]["name"].startswith("Counting </script>")


def test_a_new_text_is_asked_anew(visitor: Visitor, asked: None, api: Api) -> None:
    api.post("/v1/lbasis/count", {"fulldesc": "How many come, and from where."})
    assert terms(visitor.get("/cookies.js"))["bases"][1]["version"] == 2


@pytest.mark.parametrize("path", ["/cookies.js?language=de", "/cookies.js"])
def test_it_speaks_the_readers_language(visitor: Visitor, asked: None, path: str) -> None:
    answer = visitor.get(path, HTTP_ACCEPT_LANGUAGE="de")
    assert terms(answer)["words"]["all"] == "Alle annehmen"
    assert terms(visitor.get("/cookies.js?language=xx", HTTP_ACCEPT_LANGUAGE="en"))["words"]["all"] == "Accept all"
    assert "Accept-Language" in answer["Vary"]


def test_it_has_the_operators_colour(visitor: Visitor, asked: None, settings: Any) -> None:
    settings.UI_COLOR = "#7a1f6b"
    assert terms(visitor.get("/cookies.js"))["fill"] == "#7a1f6b"


def test_the_page_shows_what_is_asked_without_scripts_too(visitor: Visitor, asked: None) -> None:
    with CaptureQueriesContext(connection) as queries:
        page = visitor.get("/cookies")
    text = text_of(page)
    assert len(queries) <= 10
    assert "The basket always on Without it nobody buys." in text
    assert "only if you agree How many come." in text
    assert "Not for the popup" not in text
    assert SCRIPT not in page.content.decode()


def test_where_nothing_is_asked_it_says_so(visitor: Visitor) -> None:
    assert "Nothing is asked of you." in text_of(visitor.get("/cookies"))
    assert terms(visitor.get("/cookies.js"))["bases"] == []
