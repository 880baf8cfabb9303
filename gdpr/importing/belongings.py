"""What belongs to people: application data (`userapps`, `app_…`), `sessions` and `sharedrecords`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from databunker import jsontext
from databunker.errors import BadRequest
from databunker.ids import parse_token
from vault.actions import AppDatum, Fate, PastSession, PastShare, adopt_app_data, adopt_sessions, adopt_shares
from vault.app_records import app_name
from vault.shares import Terms, split_fields

from .entries import Entry, Reading, Verdict, json_of, number_of, object_of, text_of, token_of, understood
from .peer import Column, Row, Unreadable

__all__ = ["APP_TABLE", "AppData", "Sessions", "Shares", "record_keys_for"]

APP_TABLE = "app_"


def record_keys_for(reading: Reading, tokens: Sequence[str]) -> dict[str, Any]:
    """The record keys of the people with these tokens, None for those who were forgotten there."""
    wanted = sorted({token for token in tokens if parse_token(token)})
    return reading.peer.record_keys(wanted)


class _Owned:
    """What is somebody's. A dry run knows whose there would be."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def rehearse(self, items: Sequence[Any]) -> list[Verdict]:
        known = self._reading.known
        return [Verdict(Fate.STORED if one.token is None or one.token in known else Fate.NOBODY) for one in items]

    def _store(
        self, adopt: Callable[..., list[Fate]], items: Sequence[NamedTuple], alongside: Callable[[list[Verdict]], None]
    ) -> list[Verdict]:
        fates = adopt(
            self._reading.actor, items=items, alongside=lambda found: alongside([Verdict(fate) for fate in found])
        )
        return [Verdict(fate) for fate in fates]


class AppData(_Owned):
    """Either one table for all applications, with a column `appname`, or a table for each (`app_shop`)."""

    def __init__(self, reading: Reading, table: str) -> None:
        super().__init__(reading)
        self.name = self.table = table
        self._app = table.removeprefix(APP_TABLE) if table.startswith(APP_TABLE) else None
        self.order = [Column("token", ""), *([] if self._app else [Column("appname", "")])]

    def read(self, rows: Sequence[Row]) -> list[Entry[AppDatum]]:
        keys = record_keys_for(self._reading, [text_of(row, "token") for row in rows])
        return [understood(Entry({}), partial(self._datum, row, keys)) for row in rows]

    def _datum(self, row: Row, keys: dict[str, Any], entry: Entry[AppDatum]) -> AppDatum:
        token, app = token_of(row), self._name_of(row)
        entry.reference |= {"token": str(token), "app": app}
        if str(token) not in keys:
            raise Unreadable("nobody in the table of users has this token")
        data = object_of(self._reading.key.open_data(keys[str(token)], row.get("data")))
        return AppDatum(token, app, data, number_of(row, "when"))

    def _name_of(self, row: Row) -> str:
        try:
            return app_name(self._app or text_of(row, "appname"))
        except BadRequest:
            raise Unreadable("the name of the application is not one") from None

    def store(self, items: Sequence[AppDatum], alongside: Any) -> list[Verdict]:
        return self._store(adopt_app_data, items, alongside)


class Sessions(_Owned):
    """Sessions that have not ended, whose data has a record key of its own."""

    name = table = "sessions"
    order: ClassVar = [Column("session", "")]

    def read(self, rows: Sequence[Row]) -> list[Entry[PastSession]]:
        newest: dict[str, int] = {}
        for row in rows:
            session = text_of(row, "session")
            newest[session] = max(newest.get(session, 0), number_of(row, "when"))
        taken: set[UUID] = set()
        return [self._entry(row, newest[text_of(row, "session")], taken) for row in rows]

    def _entry(self, row: Row, newest: int, taken: set[UUID]) -> Entry[PastSession]:
        """The session's id lets whoever knows it read the session: it is no reference."""
        entry: Entry[PastSession] = _ending(row)
        if number_of(row, "endtime") <= self._reading.now:
            entry.skipped = "expired"
            return entry
        return understood(entry, partial(self._session, row, newest, taken))

    def _session(self, row: Row, newest: int, taken: set[UUID], entry: Entry[PastSession]) -> PastSession:
        token = token_of(row) if text_of(row, "token") else None
        if token is not None:
            entry.reference["token"] = str(token)
        session, stored = token_of(row, "session"), number_of(row, "when")
        if stored < newest or session in taken:
            raise Unreadable("the id of the session occurs twice: the newest was taken")
        data = json_of(self._reading.key.open_data(row.get("key"), row.get("data")))
        taken.add(session)
        return PastSession(session, token, jsontext.dumps(data), stored or self._reading.now, number_of(row, "endtime"))

    def store(self, items: Sequence[PastSession], alongside: Any) -> list[Verdict]:
        return self._store(adopt_sessions, items, alongside)


class Shares(_Owned):
    """Shared records that have not ended, so that the links that partners hold go on working."""

    name = table = "sharedrecords"
    order: ClassVar = [Column("record", "")]

    def read(self, rows: Sequence[Row]) -> list[Entry[PastShare]]:
        return [self._entry(row) for row in rows]

    def _entry(self, row: Row) -> Entry[PastShare]:
        """Whoever knows the id of the shared record may read it: it is no reference."""
        entry: Entry[PastShare] = _ending(row)
        if number_of(row, "endtime") <= self._reading.now:
            entry.skipped = "expired"
            return entry
        return understood(entry, partial(self._share, row))

    def _share(self, row: Row, entry: Entry[PastShare]) -> PastShare:
        token = token_of(row)
        entry.reference["token"] = str(token)
        created = number_of(row, "when") or self._reading.now
        return PastShare(token_of(row, "record"), token, _terms(row), created, number_of(row, "endtime"))

    def store(self, items: Sequence[PastShare], alongside: Any) -> list[Verdict]:
        return self._store(adopt_shares, items, alongside)


def _ending(row: Row) -> Entry[Any]:
    return Entry({"stored": str(number_of(row, "when")), "ends": str(number_of(row, "endtime"))})


def _terms(row: Row) -> Terms:
    app, session = text_of(row, "app"), text_of(row, "session")
    if session and parse_token(session) is None:
        raise Unreadable("what is shared can't be told: bad session format")
    try:
        return Terms(
            split_fields(text_of(row, "fields")), app_name(app) if app else "", session, text_of(row, "partner")
        )
    except BadRequest as error:
        raise Unreadable(f"what is shared can't be told: {error.message}") from None
