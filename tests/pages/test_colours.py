"""The operator's colour: on every page, readable in light and dark, and refused at the start where it is not."""

from __future__ import annotations

import re
from typing import Any

import pytest

from databunker import colours
from databunker.colours import AA, check_colours, contrast

from .conftest import Visitor


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#ffffff", "#000000", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#1f4fa3", "#1f4fa3", 1.0),
        ("#0000ff", "#fff000", 6.98),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float) -> None:
    assert contrast(one, other) == pytest.approx(contrast(other, one))
    assert contrast(one, other) == pytest.approx(ratio, abs=0.3)


def test_without_a_setting_pages_keep_their_own(visitor: Visitor) -> None:
    assert "colours.css" not in visitor.get("/").content.decode()
    assert colours.stylesheet() == ""


@pytest.mark.parametrize("colour", ["#7a1f6b", "#00512d", "#000000", "#8a3b00"])
def test_a_colour_is_readable_in_light_and_dark(settings: Any, visitor: Visitor, colour: str) -> None:
    settings.UI_COLOR = colour
    assert check_colours() == []
    (path,) = re.findall(r'href="(/colours\.css\?v=\w{8})" nonce="', visitor.get("/").content.decode())
    answer = visitor.get(path)
    assert answer["Content-Type"] == "text/css; charset=utf-8"
    assert "immutable" in answer["Cache-Control"]
    text = answer.content.decode()
    light, dark = re.findall(r"--accent: light-dark\((#\w{6}), (#\w{6})\)", text)[0]
    light_wash, dark_wash = re.findall(r"--accent-wash: light-dark\((#\w{6}), (#\w{6})\)", text)[0]
    (fill,) = re.findall(r"--accent-fill: (#\w{6})", text)
    assert (light, fill) == (colour, colour)
    for ink, ground in (
        (light, "#f6f7f9"), (light, light_wash), (dark, "#14171c"), (dark, "#1c2027"), (dark, dark_wash),
        ("#ffffff", fill),
    ):  # fmt: skip
        assert contrast(ink, ground) >= AA


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("UI_COLOR", "#ffcc00", "UI_COLOR has a contrast of 1.3:1 with the background; texts need 4.5:1 (WCAG 2.2 AA)"),
        ("UI_COLOR_DARK", "#202060", "UI_COLOR_DARK has a contrast of 1.0:1"),
        ("UI_COLOR", "red; } body { display: none", "UI_COLOR must be a colour such as #1f4fa3"),
        ("UI_COLOR_DARK", "#abc", "UI_COLOR_DARK must be a colour such as #1f4fa3"),
    ],
)
def test_what_is_hard_to_read_is_refused_at_the_start(settings: Any, name: str, value: str, told: str) -> None:
    setattr(settings, name, value)
    (problem,) = check_colours()
    assert problem.is_serious()
    assert problem.msg.startswith(told[:45])


def test_what_is_no_colour_gets_into_no_stylesheet(settings: Any) -> None:
    settings.UI_COLOR, settings.UI_COLOR_DARK = "#7a1f6b", "red; } body { display: none"
    assert "display" not in colours.stylesheet()
    settings.UI_COLOR = "red; } body { display: none"
    assert colours.stylesheet() == ""
