"""Documents to print: pages with a title, headings, paragraphs and tables, in a font that knows Europe's letters."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

__all__ = ["GREY", "SMALL", "TEXT", "TITLE", "Sheet", "drawn", "moment"]

_FONTS = Path(__file__).resolve().parent / "fonts"
_FAMILY = "report"
GREY = (95, 99, 104)
_RULE = (200, 204, 209)
SMALL, TEXT, TITLE = 8, 9.5, 20
_HEADING = 13
_LINE = 1.45


def moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    """The code points that the font has."""
    with TTFont(_FONTS / "DejaVuSans.ttf", lazy=True) as font:
        return frozenset(font.getBestCmap())


def drawn(text: str) -> str:
    """The text, where what the font can't draw stands as its code: nothing is left out in silence."""
    known = _drawable()
    return "".join(char if char == "\n" or ord(char) in known else f"[U+{ord(char):04X}]" for char in text)


class Sheet(FPDF):
    """A document of A4 pages, each with its number. `page_of` words that, with `{page}` and `{pages}`.

    The texts that are given must be `drawn`.
    """

    def __init__(self, title: str, *, language: str = "en", page_of: str = "Page {page} of {pages}") -> None:
        super().__init__(format="A4")
        self._page_of = page_of
        self.set_margins(18, 16, 18)
        self.set_auto_page_break(auto=True, margin=18)
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FAMILY, style, _FONTS / file)
        self.set_title(title)
        self.set_lang(language)
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self._ink(SMALL, colour=GREY)
        self.cell(0, 5, self._page_of.format(page=self.page_no(), pages="{nb}"), align="R")

    def _ink(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def paragraph(self, text: str, size: float = TEXT, **ink: Any) -> None:
        self._ink(size, **ink)
        self.multi_cell(0, size * _LINE / self.k, text, align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def heading(self, text: str) -> None:
        self.ln(4)
        if self.will_page_break(30):
            self.add_page()
        self.paragraph(text, _HEADING, bold=True)
        self.ln(1)

    def grid(
        self, rows: Iterable[tuple[str, ...]], *, widths: tuple[int, ...], heads: tuple[str, ...] | None = None
    ) -> None:
        """A table. Each row must fit on a page."""
        self._ink(TEXT - 1)
        self.set_draw_color(*_RULE)
        with self.table(
            col_widths=widths,
            borders_layout="HORIZONTAL_LINES",
            first_row_as_headings=heads is not None,
            headings_style=FontFace(emphasis="BOLD", color=GREY),
            line_height=TEXT * _LINE / self.k,
            text_align="LEFT",
            padding=0.6,
        ) as table:
            for texts in [*([heads] if heads else []), *rows]:
                row = table.row()
                for text in texts:
                    row.cell(text)
