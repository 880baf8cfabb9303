"""The report about a person as a printable PDF, in the language at hand."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.utils.formats import number_format
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from .pdf import GREY, TITLE, Sheet, drawn, moment
from .report_words import FREE, TIMES, label_of, outcome_of, value_of, who_words

__all__ = ["MAX_ACCESSES", "MAX_LINES", "MAX_SECTION", "report_pdf"]

# A row must fit on a page; the JSON report has every value whole.
_MAX_CELL = 2_000
# A table of more rows takes minutes to lay out and nobody reads it on paper; the JSON report has them all.
MAX_ACCESSES = 500
# So with all else: a line takes half a millisecond, of a section and of the whole document but for the rights.
MAX_SECTION = 1_000
MAX_LINES = 4_000
_NAME_LINE, _VALUE_LINE, _HEADING_LINES = 25, 55, 3  # characters of a line; lines that a heading takes


def report_pdf(report: dict[str, Any]) -> bytes:
    """`report` is what `gdpr.queries.read_report` gives, with its JSON parsed.

    What the person or an application has named keeps its name, all else is in the language that is active. It has some
    hundred pages at most, and says where the JSON report has more.
    """
    pdf = _Report(_("What is kept about you"), language=get_language() or "en", page_of=_("Page {page} of {pages}"))
    pdf.title_block(report)
    pdf.section(_("Profile"), _kept(report["profile"]), nothing=_("Nothing is kept."))
    for app in report["apps"]:
        pdf.section(_("Data of %(app)s") % {"app": app["app"]}, _kept(app["data"]), nothing=_("Empty."))
    for name, heading in _headings().items():
        for number, entry in enumerate(report.get(name, []), start=1):
            pdf.section(f"{heading} {number}", _told(entry, who="by"), nothing=_("Empty."))
    pdf.left_out(report)
    pdf.section(_("Rights exercised"), _told(report["rights"], who="who"), nothing=_("None."), always=True)
    pdf.accesses(report["accesses"], report["accesses_total"])
    return bytes(pdf.output())


def _headings() -> dict[str, str]:
    return {
        "agreements": _("Agreement"),
        "requests": _("Request"),
        "sessions": _("Session"),
        "shares": _("Shared with others"),
        "retention": _("Retention"),
    }


def _kept(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """What others have named: leaves with their dotted paths, in the document's order."""
    if isinstance(value, dict) and value:
        for name, part in value.items():
            yield from _kept(part, f"{path}.{name}" if path else name)
    elif isinstance(value, list) and value:
        for number, part in enumerate(value, start=1):
            yield from _kept(part, f"{path}[{number}]" if path else f"[{number}]")
    elif path:
        yield path, value_of("", value)


def _told(value: Any, *, who: str, path: str = "", name: str = "") -> Iterator[tuple[str, str]]:
    """What the vault has named, in words: `name` is what `path` ends with. Under `who` stands a caller."""
    if name in FREE and isinstance(value, dict | list) and value:
        yield from ((f"{path}: {place}", text) for place, text in _kept(value))
    elif isinstance(value, dict) and value:
        for part in value:
            label = f"{path}: {label_of(part)}" if path else label_of(part)
            yield from _told(value[part], who=who, path=label, name=part)
    elif isinstance(value, list) and value:
        for number, part in enumerate(value, start=1):
            yield from _told(part, who=who, path=f"{path} {number}", name=name)
    elif path:
        yield path, _said(name, value, who=who)


def _said(name: str, value: Any, *, who: str) -> str:
    if name in TIMES and isinstance(value, int) and not isinstance(value, bool):
        return moment(value) if value else "–"
    if name == who and isinstance(value, str):
        return who_words(value)
    return value_of(name, value)


def _shown(text: str) -> str:
    """Drawn on one line; where it is too long, the end is not left out in silence."""
    shown = drawn(text[:_MAX_CELL].translate(_NAMED))
    if len(text) <= _MAX_CELL and len(shown) <= _MAX_CELL:
        return shown
    left = _("of %(many)s characters; the JSON report has them all") % {"many": _many(len(text))}
    return f"{shown[:_MAX_CELL]}… ({left})"


_NAMED = str.maketrans({"\n": " ↵ ", "\r": "", "\t": " "})


def _many(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))


class _Report(Sheet):
    _lines = MAX_LINES  # that are left for sections
    _sections_left_out = 0

    def title_block(self, report: dict[str, Any]) -> None:
        self.paragraph(_("What is kept about you"), TITLE, bold=True)
        told = _("Record %(token)s, made %(created)s, last changed %(changed)s. Report of %(generated)s.")
        times = {name: moment(report[name]) for name in ("created", "changed", "generated")}
        law = _("GDPR Articles 15 and 20.")
        self.paragraph(f"{told % {'token': report['token'], **times}} {law}", colour=GREY)
        if report["forgotten"]:
            self.paragraph(_("This person has been forgotten."), bold=True)

    def section(self, heading: str, rows: Iterable[tuple[str, str]], *, nothing: str, always: bool = False) -> None:
        """With as many of the rows as there is room for, or left out where there is none any more."""
        room = MAX_SECTION if always else min(MAX_SECTION, self._lines - _HEADING_LINES)
        if room <= 0:
            self._sections_left_out += 1
            return
        self.heading(_shown(heading))
        found, whole, taken = _fitting(rows, room)
        self._lines -= 0 if always else taken + _HEADING_LINES
        if found:
            self.grid(found, widths=(32, 68))
        elif whole:
            self.paragraph(nothing, colour=GREY)
        if not whole:
            self.paragraph(_("There is more than fits here; the JSON report has it."), colour=GREY)

    def left_out(self, report: dict[str, Any]) -> None:
        """What is not in this document, so that nobody takes it for everything."""
        told = []
        if self._sections_left_out:
            sections = _("%(many)s more sections are left out here; the JSON report has them.")
            told.append(sections % {"many": _many(self._sections_left_out)})
        if report["requests_total"] > len(report["requests"]):
            newest = _("The newest %(shown)s of %(total)s requests.")
            told.append(newest % {"shown": _many(len(report["requests"])), "total": _many(report["requests_total"])})
        if told:
            self.ln(4)
            self.paragraph(" ".join(told), bold=True)

    def accesses(self, accesses: list[dict[str, Any]], total: int) -> None:
        self.heading(_("Who did what with your data"))
        shown = accesses[:MAX_ACCESSES]
        if len(shown) < total:
            left = _("The newest %(shown)s of %(total)s events; the JSON report has more.")
            self.paragraph(left % {"shown": _many(len(shown)), "total": _many(total)}, colour=GREY)
        heads = (_("When"), _("Who"), _("What"), _("Outcome"))
        self.grid([_row(one) for one in shown], widths=(28, 16, 42, 14), heads=heads)


def _row(access: dict[str, Any]) -> tuple[str, ...]:
    # Titles are taken up for translation where the types of events are registered.
    words = (who_words(access["who"]), _(access["what"]), outcome_of(access["outcome"]))
    return (moment(access["when"]), *map(_shown, words))


def _fitting(rows: Iterable[tuple[str, str]], room: int) -> tuple[list[tuple[str, str]], bool, int]:
    """The first rows that take no more lines than `room`, whether these are all, and how many lines they take."""
    found: list[tuple[str, str]] = []
    taken = 0
    for name, value in rows:
        row = (_shown(name), _shown(value))
        lines = 1 + len(row[0]) // _NAME_LINE + len(row[1]) // _VALUE_LINE
        if taken + lines > room:
            return found, False, taken
        found.append(row)
        taken += lines
    return found, True, taken
