"""The closed list of event types, and how an event can end.

Each app registers its own types in its `events.py`. Numbers and codes stand in stored events: never change
or reuse one.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["EventType", "Outcome", "all_types", "by_number", "register"]


class Outcome(enum.IntEnum):
    OK = 1
    DENIED = 2
    NOT_FOUND = 3
    CONFLICT = 4
    INVALID = 5


@dataclass(frozen=True, slots=True)
class EventType:
    """`code` is for machines (`record.read`), `title` for people ("read the record"): in English, as the API and the
    trail have it. Pages translate it.
    """

    number: int
    code: str
    title: str


_types: dict[int, EventType] = {}


def register(number: int, code: str, title: str) -> EventType:
    """`title` is written out where this is called: there it is taken up for translation.

    Raises:
        ValueError: the number is taken.
    """
    if number in _types:
        raise ValueError(f"event type {number} is registered already")
    _types[number] = EventType(number, code, title)
    return _types[number]


def by_number(number: int) -> EventType:
    """The type; unknown numbers (written by a newer release) get a plain title."""
    return _types.get(number) or EventType(number, f"unknown.{number}", f"event of type {number}")


def all_types() -> list[EventType]:
    """Every type that this release writes, by code."""
    return sorted(_types.values(), key=lambda one: one.code)


TRAIL_LISTED = register(1, "audit.list", "listed the events of a person")
TRAIL_LISTED_ALL = register(2, "audit.list_all", "listed all events")
EVENT_READ = register(3, "audit.get", "read an event")
HEAD_READ = register(320, "audit.head", "read the signed head of the trail")
PROOF_READ = register(321, "audit.proof", "read the proof of an event")
EXPORTED = register(322, "audit.export", "exported the trail")
TRAIL_SEARCHED = register(400, "audit.search", "searched the trail")
