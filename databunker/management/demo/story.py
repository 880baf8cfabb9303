"""What happened in the demonstration's company, from its first day until a moment ago."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from databunker.access.actor import operator
from databunker.watch.incidents import Notice, acknowledge_incident, list_incidents, notice
from databunker.watch.models import IncidentKind

from .asking import requests_of_people
from .callers import application
from .company import lay_down, renew_letters
from .dice import Dice
from .lives import life_of
from .people import profiles
from .scene import DAY, HOUR, Cast, Happening

__all__ = ["BEGINNING_DAYS", "happenings"]

BEGINNING_DAYS = 320
_SEED = "databunker"
_LETTERS_RENEWED = 100


def happenings(now: int) -> list[Happening]:
    """All of them, the earliest first; the same ones whenever it is asked, counted back from `now`."""
    dice = Dice(_SEED)
    found = [Happening(now - BEGINNING_DAYS * DAY, _open_the_company)]
    found.append(Happening(now - _LETTERS_RENEWED * DAY, lambda _: renew_letters(operator())))
    for number, profile in enumerate(profiles(dice)):
        found += life_of(number, profile, dice, now=now, days=BEGINNING_DAYS)
    found += requests_of_people(now)
    found += _incidents(now)
    return sorted(found, key=lambda one: one.at)


def _open_the_company(cast: Cast) -> None:
    lay_down(operator())
    cast.applications["shop"] = application("shop", allow=["writer"])
    cast.applications["helpdesk"] = application("helpdesk", allow=["support"], masked=True, days=BEGINNING_DAYS + 45)
    cast.applications["newsletter"] = application("newsletter", allow=["reader"], days=BEGINNING_DAYS + 200)


def _incidents(now: int) -> Iterator[Happening]:
    """One that somebody has looked into, and one that nobody has."""
    for label, days, people in (("newsletter", 24, 1480), ("helpdesk", 1, 212)):
        start = (now - days * DAY) // HOUR * HOUR
        yield Happening(start + HOUR, partial(_notice, label=label, start=start, people=people))
    yield Happening(now - 23 * DAY, _look_into_it)


def _notice(cast: Cast, *, label: str, start: int, people: int) -> None:
    caller = cast.applications[label]
    notice(
        Notice(
            tenant=caller.tenant,
            kind=IncidentKind.HOUR,
            actor_kind=caller.kind.value,
            token_id=caller.token_id,
            start=start,
            seconds=HOUR,
            last=start + HOUR,
            people=people,
            usual=100,
        )
    )


def _look_into_it(cast: Cast) -> None:
    _, found = list_incidents(cast.officer, offset=0, limit=1, only_open=True)
    for one in found:
        acknowledge_incident(cast.officer, number=one.number, reason="The monthly letter went out.")
