"""What changes in place: only what stands in the section of a list, of which a page has one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from databunker.settings.environment import BASE_DIR

from .conftest import Visitor

TEMPLATES = {str(path.relative_to(BASE_DIR)): path.read_text() for path in Path(BASE_DIR, "templates").rglob("*.html")}
LISTS = [name for name, text in TEMPLATES.items() if "{% in_place" in text]
CHANGING = re.compile(r"\{% pagination paging %|hx-boost|\sdata-told")


def test_what_changes_a_list_stands_in_the_list() -> None:
    outside = [
        name
        for name, text in TEMPLATES.items()
        if name != "templates/parts/pagination.html"
        for found in CHANGING.finditer(text)
        if "{% in_place" not in text[: found.start()] or "</section>" in text[text.index("{% in_place") : found.start()]
    ]
    assert outside == []
    assert len(LISTS) > 10


@pytest.mark.parametrize("name", LISTS)
def test_a_page_has_one_list(name: str) -> None:
    assert TEMPLATES[name].count("{% in_place") == 1


def test_links_and_filters_say_what_they_put_where(admin: Visitor) -> None:
    html = admin.get("/console/requests").content.decode()
    (opening,) = re.findall(r'<section[^>]* id="list"[^>]*>', html)
    for attribute in (
        'hx-sync="#list:replace"',
        'hx-target="#list"',
        'hx-select="#list"',
        'hx-push-url="true"',
        'aria-label="Requests"',
    ):
        assert attribute in opening
    assert re.search(r'<form class="filters" method="get" action="/console/requests" hx-boost="true">', html)


def test_htmx_evaluates_nothing_and_keeps_no_page(visitor: Visitor) -> None:
    html = visitor.get("/console/sign-in").content.decode()
    for setting in ('"allowEval":false', '"includeIndicatorStyles":false', '"historyCacheSize":0'):
        assert setting in html
