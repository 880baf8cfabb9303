"""The register of processing activities as a printable PDF."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from .pdf import GREY, SMALL, TITLE, Sheet, drawn

__all__ = ["Section", "register_pdf"]

_NOTHING = "–"


class Section(NamedTuple):
    """One activity: what it is called, and what is said of it, each with its label."""

    heading: str
    facts: list[tuple[str, str]]


def register_pdf(*, title: str, lead: Sequence[str], sections: Iterable[Section], language: str, page_of: str) -> bytes:
    """All texts are in the reader's language; `page_of` has the places `{page}` and `{pages}`."""
    sheet = Sheet(title, language=language, page_of=page_of)
    sheet.paragraph(_shown(title), TITLE, bold=True)
    for text in lead:
        sheet.paragraph(_shown(text), colour=GREY)
    for section in sections:
        sheet.heading(_shown(section.heading))
        for label, text in section.facts:
            # No table: a text may be longer than a page.
            sheet.paragraph(_shown(label), SMALL, colour=GREY)
            sheet.paragraph(_shown(text) or _NOTHING)
            sheet.ln(1.5)
    return bytes(sheet.output())


def _shown(text: str) -> str:
    return drawn(text.replace("\r\n", "\n").replace("\r", "\n").expandtabs(4))
