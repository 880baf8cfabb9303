"""Paging, CSV, charts and words of the pages, without any page."""

from __future__ import annotations

import csv
import io
import itertools
import re

import pytest
from django.http import QueryDict
from hypothesis import example, given
from hypothesis import strategies as st

from databunker.pages import charts
from databunker.pages.charts import Series
from databunker.pages.csvfiles import as_csv
from databunker.pages.paging import Paging
from databunker.pages.templatetags.pages import browser
from databunker.portal.documents import rows_of


@pytest.mark.parametrize(
    ("query", "total", "first", "last", "previous", "following"),
    [
        ("", 0, 0, 0, "", ""),
        ("", 50, 1, 50, "", ""),
        ("kind=a", 51, 1, 50, "", "?kind=a&page=2"),
        ("page=2&kind=a", 51, 51, 51, "?page=1&kind=a", ""),
        ("page=-1", 60, 1, 50, "", "?page=2"),
        ("page=x", 60, 1, 50, "", "?page=2"),
        ("page=99999999999", 60, 1, 50, "", "?page=2"),
        ("page=٣", 60, 1, 50, "", "?page=2"),
    ],
)
def test_a_page_knows_its_rows_and_its_neighbours(
    query: str, total: int, first: int, last: int, previous: str, following: str
) -> None:
    paging = Paging(QueryDict(query)).of(total)
    assert (paging.first, paging.last, paging.previous, paging.next) == (first, last, previous, following)


def read_csv(*rows: list[object]) -> list[list[str]]:
    answer = as_csv(["a", "b"], rows, filename="x.csv")
    text = answer.getvalue().decode()
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


def test_no_cell_is_a_formula() -> None:
    rows = read_csv(["=1+1", "@SUM(A1)"], ["+x", "-x"], ["\tx", "\rx"], [-1, "+3.5"], [None, "plain"])
    assert rows == [
        ["a", "b"],
        ["'=1+1", "'@SUM(A1)"],
        ["'+x", "'-x"],
        ["'\tx", "'\rx"],
        ["-1", "+3.5"],
        ["", "plain"],
    ]


@example([["", "\n@"], [";=1", "';'="]])
@given(st.lists(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\0")), min_size=2, max_size=2)))
def test_what_goes_into_a_csv_comes_out_of_it(rows: list[list[str]]) -> None:
    found = read_csv(*rows)[1:]
    assert [list(map(without_marks, row)) for row in found] == [list(map(without_marks, row)) for row in rows]
    for cell in itertools.chain(*found):
        assert not cell.startswith("\t")
        # A spreadsheet may split at these.
        for part in re.split(r"[;\t\n]", cell):
            assert not part.startswith(("=", "@")), cell


def without_marks(cell: str) -> str:
    """Without the apostrophe that keeps what begins a cell from being a formula."""
    return re.sub(r"""(?:^|(?<=[;\t\n]))'(?=[ \xa0"]*[=+\-@\uff1d\uff0b\uff0d\uff20])|^'(?=\t)""", "", cell)


def test_columns_stand_on_each_other_and_within_the_picture() -> None:
    chart = charts.bars("t", ["a", "b"], [Series("x", [1, 0]), Series("y", [3, 2], 2)])
    assert [(bar.tone, bar.title) for bar in chart.bars] == [(1, "a, x: 1"), (2, "a, y: 3"), (2, "b, y: 2")]
    lower, upper = chart.bars[:2]
    assert upper.y + upper.height == pytest.approx(lower.y)
    assert lower.y + lower.height == pytest.approx(chart.floor)
    assert [(label, [cell.text for cell in cells]) for label, cells in chart.rows] == [
        ("a", ["1", "3"]),
        ("b", ["0", "2"]),
    ]


def test_numbers_of_a_chart_lead_to_their_lists_but_for_nothing() -> None:
    chart = charts.bars("t", ["a", "b"], [Series("x", [1, 0], links=["/a", "/b"]), Series("y", [3, 2])])
    assert [[cell.link for cell in cells] for _, cells in chart.rows] == [["/a", ""], ["", ""]]


@given(st.lists(st.integers(0, 10**9), max_size=40))
def test_a_chart_of_any_numbers_fits(values: list[int]) -> None:
    labels = [str(number) for number in range(len(values))]
    chart = charts.bars("t", labels, [Series("x", values)])
    assert all(0 <= bar.y <= chart.floor and bar.x + bar.width <= chart.width for bar in chart.bars)
    assert len(chart.labels) <= 12


@pytest.mark.parametrize(
    ("agent", "shown"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/142.0 Safari/537.36", "Chrome, Linux"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/1 Safari/1 Edg/1", "Edge, Windows"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 18 like Mac OS X) Version/18 Safari/604", "Safari, iPhone"),
        ("curl/8", "curl/8"),
        ("", "–"),
    ],
)
def test_a_browser_is_told_in_two_words(agent: str, shown: str) -> None:
    assert browser(agent) == shown


def test_a_record_reads_as_people_write() -> None:
    record = {
        "first_name": "Ann",
        "shoeSize": 41,
        "address": {"city": "Bergen", "lines": ["a", "b"]},
        "x": {},
        "VAT": None,
    }
    assert [(row.label, row.value) for row in rows_of(record)] == [
        ("First name", "Ann"),
        ("Shoe size", 41),
        ("Address: City", "Bergen"),
        ("Address: Lines: 1", "a"),
        ("Address: Lines: 2", "b"),
        ("X", {}),
        ("VAT", None),
    ]
