"""What all parts of the story share: who acts, whom it is about, and when something happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypedDict
from uuid import UUID

from databunker.access.actor import Actor

from .callers import person

__all__ = ["DAY", "HOUR", "Cast", "Happening", "Whom"]

HOUR, DAY = 3600, 86_400


class Whom(TypedDict):
    """As actions want to be told of somebody."""

    mode: str
    identity: str


@dataclass
class Cast:
    """Accounts, applications by the labels of their tokens, and people by their places in the list of profiles."""

    officer: Actor
    support: Actor
    applications: dict[str, Actor] = field(default_factory=dict)
    people: dict[int, UUID] = field(default_factory=dict)
    requests: dict[int, str] = field(default_factory=dict)

    @property
    def shop(self) -> Actor:
        return self.applications["shop"]

    def whom(self, number: int) -> Whom:
        return {"mode": "token", "identity": str(self.people[number])}

    def as_person(self, number: int) -> Actor:
        return person(self.people[number])


class Happening(NamedTuple):
    """Something that is done at a moment (Unix seconds)."""

    at: int
    act: Callable[[Cast], object]
