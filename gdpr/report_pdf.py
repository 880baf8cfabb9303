"""The report about a person as a printable PDF."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from .pdf import GREY, TITLE, Sheet, drawn, moment

__all__ = ["MAX_ACCESSES", "report_pdf"]

_TITLE = "What is kept about you"
# A row must fit on a page; the JSON report has every value whole.
_MAX_CELL = 2_000
# A table of more rows takes minutes to lay out and nobody reads it on paper; the JSON report has them all.
MAX_ACCESSES = 500
_TIMES = frozenset(
    {"created", "changed", "expires", "stored", "when", "creationtime", "starttime", "endtime", "due", "since"}
)


def report_pdf(report: dict[str, Any]) -> bytes:
    """`report` is what `gdpr.queries.read_report` gives, with its JSON parsed."""
    pdf = _Report(_TITLE)
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
        return moment(value) if value else "–"
    if value is None or value in ("", [], {}):
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _shown(text: str) -> str:
    """Drawn on one line; where it is too long, the end is not left out in silence."""
    shown = drawn(text[:_MAX_CELL].translate(_NAMED))
    if len(text) <= _MAX_CELL and len(shown) <= _MAX_CELL:
        return shown
    return f"{shown[:_MAX_CELL]}… (of {len(text):,} characters; the JSON report has them all)"


_NAMED = str.maketrans({"\n": " ↵ ", "\r": "", "\t": " "})


class _Report(Sheet):
    def title_block(self, report: dict[str, Any]) -> None:
        self.paragraph(_TITLE, TITLE, bold=True)
        self.paragraph(
            f"Record {report['token']}, made {moment(report['created'])}, last changed {moment(report['changed'])}. "
            f"Report of {moment(report['generated'])}. GDPR Articles 15 and 20.",
            colour=GREY,
        )
        if report["forgotten"]:
            self.paragraph("This person has been forgotten.", bold=True)

    def section(self, heading: str, rows: Iterable[tuple[str, str]], *, nothing: str) -> None:
        self.heading(_shown(heading))
        found = [(_shown(name), _shown(value)) for name, value in rows]
        if not found:
            self.paragraph(nothing, colour=GREY)
            return
        self.grid(found, widths=(32, 68))

    def accesses(self, accesses: list[dict[str, Any]], total: int) -> None:
        self.heading("Who did what with your data")
        shown = accesses[:MAX_ACCESSES]
        if len(shown) < total:
            self.paragraph(f"The newest {len(shown):,} of {total:,} events; the JSON report has more.", colour=GREY)
        rows = [(moment(one["when"]), *(_shown(one[part]) for part in ("who", "what", "outcome"))) for one in shown]
        self.grid(rows, widths=(28, 16, 42, 14), heads=("When", "Who", "What", "Outcome"))
