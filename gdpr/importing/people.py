"""Table `users`: people, with the tokens that applications know them by."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar
from uuid import UUID

from vault.actions import Adopted, Fate, Newcomer, adopt_people, rehearse_people

from .entries import Entry, Reading, Verdict, number_of, object_of, text_of, token_of, understood
from .peer import Column, Row, Unreadable

__all__ = ["People"]


class People:
    """Those who were forgotten there have neither key nor data any more; their token is kept, as it is there."""

    name = table = "users"
    order: ClassVar = [Column("token", "")]

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def read(self, rows: Sequence[Row]) -> list[Entry[Newcomer]]:
        seen: set[UUID] = set()
        return [understood(Entry({}), partial(self._person, row, seen)) for row in rows]

    def _person(self, row: Row, seen: set[UUID], entry: Entry[Newcomer]) -> Newcomer:
        token = token_of(row)
        entry.reference["token"] = str(token)
        if token in seen:
            raise Unreadable("the token occurs twice: the first row was taken")
        person = Newcomer(token, self._profile(row))
        seen.add(token)
        if text_of(row, "expstatus") == "wait" and number_of(row, "endtime"):
            entry.problems.append("the end of retention was not taken over: start it again with /v1/exp/start")
        return person

    def _profile(self, row: Row) -> dict[str, Any] | None:
        if not text_of(row, "key") and not text_of(row, "data"):
            return None
        return object_of(self._reading.key.open_data(row.get("key"), row.get("data")))

    def store(self, items: Sequence[Newcomer], alongside: Any) -> list[Verdict]:
        outcomes = adopt_people(
            self._reading.actor, people=items, alongside=lambda found: alongside([_verdict(one) for one in found])
        )
        return [_verdict(outcome) for outcome in outcomes]

    def rehearse(self, items: Sequence[Newcomer]) -> list[Verdict]:
        self._reading.known.update(person.token for person in items if person.profile is not None)
        outcomes = rehearse_people(self._reading.actor, people=items, rehearsed=self._reading.rehearsed)
        return [_verdict(outcome) for outcome in outcomes]


def _verdict(outcome: Adopted) -> Verdict:
    if outcome.fate is not Fate.STORED:
        return Verdict(outcome.fate)
    taken = [f"duplicate index: {field}: another person has it, so this one is found by token alone or by what else "
             "there is" for field in outcome.taken]  # fmt: skip
    unusable = [f"{field} is nothing that people can be found by, and has no index" for field in outcome.unusable]
    return Verdict(outcome.fate, [*taken, *unusable])
