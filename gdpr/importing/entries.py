"""A row of the other vault on its way: what was read of it, and what became of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from databunker import jsontext
from databunker.access.actor import Actor
from databunker.errors import BadRequest
from databunker.ids import parse_token
from vault.actions import Fate

from .peer import Column, PeerDatabase, PeerKey, Row, Unreadable

__all__ = [
    "Entry",
    "Reading",
    "Stage",
    "Verdict",
    "adopted",
    "is_set",
    "json_of",
    "number_of",
    "object_of",
    "text_of",
    "token_of",
    "understood",
]

Item = TypeVar("Item")
_LATEST = 2**48 // 1000 - 1


@dataclass(slots=True)
class Entry(Generic[Item]):
    """`item` is None where the row can't be taken over.

    `reference` finds the row again in the other database and is no personal data. `problems` say what was not taken
    over; `skipped` why a row is left out that nobody will miss.
    """

    reference: dict[str, str]
    item: Item | None = None
    problems: list[str] = field(default_factory=list)
    skipped: str = ""


def understood(entry: Entry[Item], item_of: Callable[[Entry[Item]], Item]) -> Entry[Item]:
    """The entry with its item, or with the reason why there is none."""
    try:
        entry.item = item_of(entry)
    except Unreadable as error:
        entry.problems.append(str(error))
    return entry


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one item; `remarks` say what of it was not taken over."""

    fate: Fate
    remarks: Sequence[str] = ()


class Outcome(Protocol):
    """What the actions of the workflows say of each item."""

    @property
    def fate(self) -> Fate: ...

    @property
    def remarks(self) -> Sequence[str]: ...


@dataclass
class Reading:
    """What every stage needs: who acts, the other vault and its key, the time of the start.

    `known` collects the people that a dry run would have stored.
    """

    actor: Actor
    peer: PeerDatabase
    key: PeerKey
    now: int
    known: set[UUID] = field(default_factory=set)
    rehearsed: set[bytes] = field(default_factory=set)


class Stage(Protocol):
    """One table of the other vault, and where its rows go."""

    @property
    def name(self) -> str: ...

    @property
    def table(self) -> str: ...

    @property
    def order(self) -> Sequence[Column]: ...

    def read(self, rows: Sequence[Row]) -> list[Entry[Any]]:
        """Decrypt and understand a batch. All rows of equal order values are in one batch."""

    def store(self, items: Sequence[Any], alongside: Any) -> list[Verdict]:
        """In one transaction, with what `alongside` writes when it is told of the verdicts."""

    def rehearse(self, items: Sequence[Any]) -> list[Verdict]:
        """What `store` would say, as far as it can be told with nothing written."""


def adopted(
    adopt: Callable[..., Sequence[Outcome]],
    reading: Reading,
    items: Sequence[Any],
    alongside: Callable[[list[Verdict]], None],
) -> list[Verdict]:
    """What an action of the workflows makes of the items."""

    def verdicts(outcomes: Sequence[Outcome]) -> list[Verdict]:
        return [Verdict(outcome.fate, outcome.remarks) for outcome in outcomes]

    return verdicts(adopt(reading.actor, items=items, alongside=lambda found: alongside(verdicts(found))))


def text_of(row: Mapping[str, Any], name: str) -> str:
    """SQLite keeps a text that looks like a number as a number."""
    value = row.get(name)
    return "" if value is None else str(value)


def number_of(row: Mapping[str, Any], name: str) -> int:
    """Unix seconds; 0 where there is none, and nothing beyond what a time-ordered id can hold: the year 10889."""
    try:
        return min(max(0, int(row.get(name) or 0)), _LATEST)
    except (TypeError, ValueError):
        return 0
    except OverflowError:  # SQLite keeps 1e999 as infinity
        return _LATEST


def is_set(row: Mapping[str, Any], name: str) -> bool:
    """A flag: true or false, or 1 or 0, depending on the kind of database."""
    return str(row.get(name)).lower() in ("true", "1")


def token_of(row: Mapping[str, Any], name: str = "token") -> UUID:
    """
    Raises:
        Unreadable: no UUID.
    """
    token = parse_token(text_of(row, name).strip())
    if token is None:
        raise Unreadable(f"{name} is no UUID")
    return token


def object_of(content: bytes) -> dict[str, Any]:
    """
    Raises:
        Unreadable: no JSON object as it should be.
    """
    found = json_of(content)
    if not isinstance(found, dict):
        raise Unreadable("what was encrypted is no JSON object")
    return found


def json_of(content: bytes) -> Any:
    """
    Raises:
        Unreadable: no JSON as it should be.
    """
    try:
        return jsontext.loads(content)
    except BadRequest as error:
        raise Unreadable(f"what was encrypted is not JSON that can be kept: {error.message}") from None
