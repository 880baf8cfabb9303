"""Tables `legalbasis` and `processingactivities`: nothing in them is encrypted, or about anybody."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from databunker.errors import BadRequest
from vault.actions import Fate

from ..actions.adopt import PastActivity, PastBasis, adopt_activities, adopt_legal_bases
from ..inputs import activity_name, brief_name
from ..models import BasisType
from .entries import Entry, Reading, Verdict, adopted, is_set, number_of, text_of, understood
from .peer import Column, Row, Unreadable

__all__ = ["Activities", "LegalBases", "brief_of"]

_TYPES = frozenset(BasisType.values)


def brief_of(row: Row) -> str:
    """
    Raises:
        Unreadable: no name of a legal basis.
    """
    try:
        return brief_name(text_of(row, "brief"))
    except BadRequest:
        raise Unreadable("brief is no name of a legal basis") from None


class _Register:
    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def rehearse(self, items: Sequence[Any]) -> list[Verdict]:
        return [Verdict(Fate.STORED)] * len(items)


class LegalBases(_Register):
    name = table = "legalbasis"
    order: ClassVar = [Column("brief", "")]

    def read(self, rows: Sequence[Row]) -> list[Entry[PastBasis]]:
        seen: set[str] = set()
        return [understood(Entry({}), partial(self._basis, row, seen)) for row in rows]

    def _basis(self, row: Row, seen: set[str], entry: Entry[PastBasis]) -> PastBasis:
        brief = brief_of(row)
        entry.reference["brief"] = brief
        if brief in seen:
            raise Unreadable("the brief occurs twice: the first row was taken")
        seen.add(brief)
        kind = text_of(row, "basistype").lower()
        if kind not in _TYPES:
            entry.problems.append("basistype is none that the law knows: taken for consent")
            kind = BasisType.CONSENT.value
        texts = {name: text_of(row, name) for name in ("module", "shortdesc", "fulldesc", "requiredmsg")}
        flags = {name: is_set(row, name) for name in ("usercontrol", "requiredflag")}
        deleted = text_of(row, "status") == "deleted"
        return PastBasis(brief, {**texts, **flags, "basistype": kind}, deleted, number_of(row, "creationtime"))

    def store(self, items: Sequence[PastBasis], alongside: Any) -> list[Verdict]:
        return adopted(adopt_legal_bases, self._reading, items, alongside)


class Activities(_Register):
    name = table = "processingactivities"
    order: ClassVar = [Column("activity", "")]

    def read(self, rows: Sequence[Row]) -> list[Entry[PastActivity]]:
        seen: set[str] = set()
        return [understood(Entry({}), partial(self._activity, row, seen)) for row in rows]

    def _activity(self, row: Row, seen: set[str], entry: Entry[PastActivity]) -> PastActivity:
        try:
            name = activity_name(text_of(row, "activity"))
        except BadRequest:
            raise Unreadable("activity is no name of a processing activity") from None
        entry.reference["activity"] = name
        if name in seen:
            raise Unreadable("the activity occurs twice: the first row was taken")
        seen.add(name)
        texts = {field: text_of(row, field) for field in ("title", "script", "fulldesc", "applicableto")}
        briefs = [brief.strip().lower() for brief in text_of(row, "legalbasis").split(",") if brief.strip()]
        return PastActivity(name, texts, list(dict.fromkeys(briefs)), number_of(row, "creationtime"))

    def store(self, items: Sequence[PastActivity], alongside: Any) -> list[Verdict]:
        return adopted(adopt_activities, self._reading, items, alongside)
