"""Table `audit`: what the other vault's trail says, kept as history and vouched for no further."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar
from uuid import UUID

from databunker.ids import parse_token
from vault.actions import Fate, PastEvent, adopt_events

from .belongings import record_keys_for
from .entries import Entry, Reading, Verdict, json_of, number_of, text_of
from .peer import Column, Row, Unreadable

__all__ = ["Trail"]

# What the other vault writes there by itself. Anything else comes from a caller's path, where it may be anything.
_MODES = frozenset({"", "token", "login", "email", "phone", "custom", "session", "request", "exptoken", "brief"})


class Trail:
    """Oldest first, so that later passes go on behind the last event that was taken.

    Whom an event is about, and by what name, is encrypted there in one way for all; early releases didn't.
    """

    name = table = "audit"
    order: ClassVar = [Column("when", 0), Column("atoken", "")]

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self, rows: Sequence[Row]) -> list[Entry[PastEvent]]:
        entries: list[Entry[PastEvent]] = [Entry(_reference(row)) for row in rows]
        records = [self._identity(row, "record", entry) for row, entry in zip(rows, entries, strict=True)]
        keys = record_keys_for(self._reading, [record.lower() for record in records])
        for row, entry, record in zip(rows, entries, records, strict=True):
            token = parse_token(record)
            whose = token if token is not None and str(token) in keys else None
            entry.item = self._event(row, entry, whose, keys.get(str(whose)))
        return entries

    def _identity(self, row: Row, name: str, entry: Entry[PastEvent]) -> str:
        try:
            return self._reading.key.open_identity(row.get(name))
        except Unreadable as error:
            entry.problems.append(f"{name}: {error}")
            return ""

    def _event(self, row: Row, entry: Entry[PastEvent], token: UUID | None, record_key: Any) -> PastEvent:
        mode, who = text_of(row, "mode"), self._identity(row, "who", entry)
        plain: dict[str, Any] = {"at": number_of(row, "when"), "status": text_of(row, "status")}
        personal: dict[str, Any] = {"mode": mode, "message": text_of(row, "msg"), "debug": text_of(row, "debug")}
        (plain if mode in _MODES else personal)["title"] = text_of(row, "title")
        if parse_token(text_of(row, "atoken")):
            plain["atoken"] = text_of(row, "atoken")
        if text_of(row, "app"):
            plain["app"] = text_of(row, "app")
        if mode != "token":
            personal["identity"] = who
        if record_key:
            personal |= self._versions(row, entry, record_key)
        return PastEvent(token, plain, {name: value for name, value in personal.items() if value})

    def _versions(self, row: Row, entry: Entry[PastEvent], record_key: Any) -> dict[str, str]:
        """Before and after of a change, as JSON."""
        found = {}
        for name in ("before", "after"):
            if not text_of(row, name):
                continue
            try:
                content = self._reading.key.open_data(record_key, row.get(name))
                json_of(content)
                found[name] = content.decode()
            except Unreadable as error:
                entry.problems.append(f"{name}: {error}")
        return found

    def store(self, items: Sequence[PastEvent], alongside: Any) -> list[Verdict]:
        fates = adopt_events(
            self._reading.actor, items=items, alongside=lambda found: alongside([Verdict(fate) for fate in found])
        )
        return [Verdict(fate) for fate in fates]

    def rehearse(self, items: Sequence[PastEvent]) -> list[Verdict]:
        return [Verdict(Fate.STORED)] * len(items)


def _reference(row: Row) -> dict[str, str]:
    atoken = parse_token(text_of(row, "atoken"))
    return {"when": str(number_of(row, "when")), **({"atoken": str(atoken)} if atoken else {})}
