"""The report about a person as a printable PDF."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

from fontTools.ttLib import TTFont
from fpdf import FPDF
from fpdf.enums import XPos, YPos
from fpdf.fonts import FontFace

__all__ = ["MAX_ACCESSES", "report_pdf"]

_FONTS = Path(__file__).resolve().parent / "fonts"
_FAMILY = "report"
_GREY, _RULE = (95, 99, 104), (200, 204, 209)
_SMALL, _TEXT, _HEADING, _TITLE = 8, 9.5, 13, 20
_LINE = 1.45

# A row must fit on a page; the JSON report has every value whole.
_MAX_CELL = 2_000
# A table of more rows takes minutes to lay out and nobody reads it on paper; the JSON report has them all.
MAX_ACCESSES = 500
_TIMES = frozenset(
    {"created", "changed", "expires", "stored", "when", "creationtime", "starttime", "endtime", "due", "since"}
)


def report_pdf(report: dict[str, Any]) -> bytes:
    """`report` is what `gdpr.queries.read_report` gives, with its JSON parsed."""
    pdf = _Page()
    pdf.title_block(report)
    pdf.section("Profile", _flat(report["profile"]), nothing="Nothing is kept.")
    for app in report["apps"]:
        pdf.section(f"Data of {app['app']}", _flat(app["data"]), nothing="Empty.")
    for name, heading in _LISTS:
        for number, entry in enumerate(report.get(name, []), start=1):
            pdf.section(f"{heading} {number}", _flat(entry), nothing="Empty.")
    pdf.section("Rights exercised", _flat(report["rights"]), nothing="None.")
    pdf.accesses(report["accesses"], report["accesses_total"])
    return bytes(pdf.output())


_LISTS = (
    ("agreements", "Agreement"),
    ("requests", "Request"),
    ("sessions", "Session"),
    ("shares", "Shared with others"),
    ("retention", "Retention"),
)


def _flat(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Leaves with their dotted paths, in the document's order."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _flat(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for number, part in enumerate(value, start=1):
            yield from _flat(part, f"{path}[{number}]" if path else f"[{number}]")
    elif path:
        yield path, _words(value, path)


def _words(value: Any, path: str) -> str:
    if path.rpartition(".")[2] in _TIMES and isinstance(value, int) and not isinstance(value, bool):
        return _moment(value) if value else "–"
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _moment(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")
    except (ValueError, OverflowError, OSError):
        return str(seconds)


@lru_cache(maxsize=1)
def _drawable() -> frozenset[int]:
    """The code points that the font has."""
    with TTFont(_FONTS / "DejaVuSans.ttf", lazy=True) as font:
        return frozenset(font.getBestCmap())


def _shown(text: str) -> str:
    """What the font can't draw stands as its code, so that nothing is left out in silence; nor is the end of what
    is too long."""
    known = _drawable()
    pieces = (char if ord(char) in known else _NAMED.get(char) or f"[U+{ord(char):04X}]" for char in text[:_MAX_CELL])
    shown = "".join(pieces)
    if len(text) <= _MAX_CELL and len(shown) <= _MAX_CELL:
        return shown
    return f"{shown[:_MAX_CELL]}… (of {len(text):,} characters; the JSON report has them all)"


_NAMED = {"\n": " ↵ ", "\r": "", "\t": " "}


class _Page(FPDF):
    def __init__(self) -> None:
        super().__init__(format="A4")
        self.set_margins(18, 16, 18)
        self.set_auto_page_break(auto=True, margin=18)
        for style, file in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
            self.add_font(_FAMILY, style, _FONTS / file)
        self.set_title("What is kept about you")
        self.set_lang("en")
        self.add_page()

    def footer(self) -> None:
        self.set_y(-12)
        self._ink(_SMALL, colour=_GREY)
        self.cell(0, 5, f"Page {self.page_no()} of {{nb}}", align="R")

    def _ink(self, size: float, *, bold: bool = False, colour: tuple[int, int, int] = (0, 0, 0)) -> None:
        self.set_font(_FAMILY, "B" if bold else "", size)
        self.set_text_color(*colour)

    def _line(self, text: str, size: float, **ink: Any) -> None:
        self._ink(size, **ink)
        self.multi_cell(0, size * _LINE / self.k, _shown(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def title_block(self, report: dict[str, Any]) -> None:
        self._line("What is kept about you", _TITLE, bold=True)
        self._line(
            f"Record {report['token']}, made {_moment(report['created'])}, last changed {_moment(report['changed'])}. "
            f"Report of {_moment(report['generated'])}. GDPR Articles 15 and 20.",
            _TEXT,
            colour=_GREY,
        )
        if report["forgotten"]:
            self._line("This person has been forgotten.", _TEXT, bold=True)

    def _heading(self, text: str) -> None:
        self.ln(4)
        if self.will_page_break(30):
            self.add_page()
        self._line(text, _HEADING, bold=True)
        self.ln(1)

    def section(self, heading: str, rows: Iterable[tuple[str, str]], *, nothing: str) -> None:
        self._heading(heading)
        found = list(rows)
        if not found:
            self._line(nothing, _TEXT, colour=_GREY)
            return
        self._table(("", ""), found, widths=(32, 68), headed=False)

    def accesses(self, accesses: list[dict[str, Any]], total: int) -> None:
        self._heading("Who did what with your data")
        shown = accesses[:MAX_ACCESSES]
        if len(shown) < total:
            self._line(f"The newest {len(shown):,} of {total:,} events; the JSON report has more.", _TEXT, colour=_GREY)
        rows = [(_moment(one["when"]), one["who"], one["what"], one["outcome"]) for one in shown]
        self._table(("When", "Who", "What", "Outcome"), rows, widths=(28, 16, 42, 14), headed=True)

    def _table(
        self, heads: tuple[str, ...], rows: Iterable[tuple[str, ...]], *, widths: tuple[int, ...], headed: bool
    ) -> None:
        self._ink(_TEXT - 1)
        self.set_draw_color(*_RULE)
        with self.table(
            col_widths=widths,
            borders_layout="HORIZONTAL_LINES",
            first_row_as_headings=headed,
            headings_style=FontFace(emphasis="BOLD", color=_GREY),
            line_height=_TEXT * _LINE / self.k,
            text_align="LEFT",
            padding=0.6,
        ) as table:
            for texts in ([heads] if headed else []) + list(rows):
                row = table.row()
                for text in texts:
                    row.cell(_shown(text))
