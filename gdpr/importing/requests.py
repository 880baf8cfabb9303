"""Table `requests`: what people have asked for; what is to be changed is encrypted under their record keys."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar

from databunker.errors import BadRequest
from vault.actions import Fate
from vault.app_records import app_name

from ..actions.adopt_requests import PastRequest, adopt_requests
from ..models import RequestAction
from ..requests import Past
from ..states import DECIDED, State
from .belongings import record_keys_for
from .entries import Entry, Reading, Verdict, adopted, json_of, number_of, text_of, token_of, understood
from .peer import Column, Row, Unreadable
from .registers import brief_of

__all__ = ["Requests"]

_ACTIONS = {action.label: action for action in RequestAction}
_STATES = {"open": State.OPEN, "approved": State.APPROVED, "canceled": State.CANCELED}
_CHANGES = frozenset({RequestAction.CHANGE_PROFILE, RequestAction.CHANGE_APP_DATA})


class Requests:
    """Oldest first, so that they are listed here in the order in which they were made."""

    name = table = "requests"
    order: ClassVar = [Column("creationtime", 0), Column("rtoken", "")]

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self, rows: Sequence[Row]) -> list[Entry[PastRequest]]:
        keys = record_keys_for(self._reading, [text_of(row, "token") for row in rows])
        return [understood(Entry({}), partial(self._request, row, keys)) for row in rows]

    def _request(self, row: Row, keys: dict[str, Any], entry: Entry[PastRequest]) -> PastRequest:
        rtoken = token_of(row, "rtoken")
        entry.reference["rtoken"] = str(rtoken)
        person = token_of(row)
        entry.reference["token"] = str(person)
        action, state = _ACTIONS.get(text_of(row, "action")), _STATES.get(text_of(row, "status"))
        if action is None or state is None:
            raise Unreadable("there is no such action or status here")
        brief = brief_of(row) if action is RequestAction.AGREEMENT_WITHDRAW else ""
        app = _app_of(row) if action is RequestAction.CHANGE_APP_DATA else ""
        changed = number_of(row, "when") or self._reading.now
        past = Past(rtoken, state, number_of(row, "creationtime") or changed, changed, text_of(row, "reason"))
        return PastRequest(person, action, app, brief, self._change(row, entry, action, keys, past), past)

    def _change(
        self, row: Row, entry: Entry[PastRequest], action: RequestAction, keys: dict[str, Any], past: Past
    ) -> Any:
        """What is to be changed. Of what is decided it may be lost; of what waits for a decision it may not."""
        record_key = keys.get(text_of(row, "token"))
        if action not in _CHANGES or (record_key is None and past.state in DECIDED):
            return None
        try:
            return json_of(self._reading.key.open_data(record_key, row.get("change")))
        except Unreadable as error:
            if past.state not in DECIDED:
                raise
            entry.problems.append(f"change: {error}")
            return None

    def store(self, items: Sequence[PastRequest], alongside: Any) -> list[Verdict]:
        return adopted(adopt_requests, self._reading, items, alongside)

    def rehearse(self, items: Sequence[PastRequest]) -> list[Verdict]:
        known = self._reading.known
        return [
            Verdict(Fate.STORED if one.person in known or one.past.state in DECIDED else Fate.NOBODY) for one in items
        ]


def _app_of(row: Row) -> str:
    try:
        return app_name(text_of(row, "app"))
    except BadRequest:
        raise Unreadable("the name of the application is not one") from None
