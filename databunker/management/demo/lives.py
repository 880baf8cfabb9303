"""The lives of people in the demonstration: they come, agree, change their minds, and their data is kept and read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from gdpr.actions import (
    accept_agreement,
    object_to_processing,
    restrict_processing,
    start_expiration,
    withdraw_agreement,
)
from gdpr.queries import look_at_person, reveal_person
from vault.actions import create_record, create_share, store_app_data, store_session
from vault.queries import read_record

from .asking import ASKING
from .dice import Dice
from .people import basket_of
from .scene import DAY, HOUR, Cast, Happening

__all__ = ["life_of"]

_AGENTS = (
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 Version/18.0 Safari/604.1",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36",
)
_OPTIONAL = (("newsletter", 0.75), ("analytics", 0.45))
_MINDS_CHANGED = 0.3
# By their places in the list: whose data ends in so many days, who shares something, who restricts and objects.
_ENDING = {6: 3, 9: 11, 13: 18, 21: 26, 30: 44, 34: 70}
_SHARING = {3: "Parcel service", 8: "Parcel service", 17: "Repair shop"}
_RESTRICTED = {11: "accuracy"}
_OBJECTING = {5: "I order by telephone.", 19: "Please don't compare my orders."}


def life_of(number: int, profile: dict[str, Any], dice: Dice, *, now: int, days: int) -> Iterator[Happening]:
    """What one of them does, and what is done with the data, in a company that is so many days old."""
    # Whoever asks for something has decided about everything else before.
    at = now - dice.randint(130 if number in ASKING else 60, days - 10) * DAY - dice.randint(0, DAY)
    yield Happening(at, lambda cast: _come(cast, number, profile))
    yield Happening(at + 60, _agree(number, "contract"))
    for brief, share in _OPTIONAL:
        if dice.random() < share:
            agreed = at + dice.randint(120, 20 * DAY)
            yield Happening(agreed, _agree(number, brief))
            if dice.random() < _MINDS_CHANGED:
                yield Happening(agreed + dice.randint(5 * DAY, 38 * DAY), _withdraw(number, brief))
    basket = basket_of(dice)
    yield Happening(at + 600, lambda cast: store_app_data(cast.shop, **cast.whom(number), app="shop", data=basket))
    yield from _readings(number, dice, now)
    yield from _rest(number, dice, now)


def _come(cast: Cast, number: int, profile: dict[str, Any]) -> None:
    cast.people[number] = create_record(cast.shop, profile=profile)


def _agree(number: int, brief: str) -> Callable[[Cast], object]:
    wish = {"agreementmethod": "web-form"}
    return lambda cast: accept_agreement(cast.shop, brief=brief, **cast.whom(number), wish=wish)


def _withdraw(number: int, brief: str) -> Callable[[Cast], object]:
    wish = {"agreementmethod": "web-form"}
    return lambda cast: withdraw_agreement(cast.shop, brief=brief, **cast.whom(number), wish=wish)


def _readings(number: int, dice: Dice, now: int) -> Iterator[Happening]:
    for _ in range(dice.randint(1, 4)):
        yield Happening(now - dice.randint(HOUR, 40 * DAY), lambda cast: read_record(cast.shop, **cast.whom(number)))
    if number % 5 == 1:
        at = now - dice.randint(HOUR, 20 * DAY)
        yield Happening(at, lambda cast: read_record(cast.applications["helpdesk"], **cast.whom(number)))
    if number % 4 == 2:  # noqa: PLR2004 - some of them
        at = now - 23 * DAY - number * 60
        yield Happening(at, lambda cast: read_record(cast.applications["newsletter"], **cast.whom(number)))
    if number % 7 == 3:  # noqa: PLR2004 - some of them
        at = now - dice.randint(2 * HOUR, 9 * DAY)
        yield Happening(at, lambda cast: look_at_person(cast.officer, **cast.whom(number)))
        yield Happening(at + 40, lambda cast: _reveal(cast, number))


def _reveal(cast: Cast, number: int) -> None:
    reveal_person(cast.officer, token=str(cast.people[number]), purpose="The person called and asked what we have.")


def _rest(number: int, dice: Dice, now: int) -> Iterator[Happening]:
    """What only some of them do."""
    if number % 3 == 0:
        session = UUID(int=dice.bits() << 64 | dice.bits(), version=4)
        yield Happening(now - dice.randint(120, HOUR // 2), _visit(number, session, dice.choice(_AGENTS)))
    if number in _ENDING:
        wish = {"expiration": f"{_ENDING[number]}d"}
        yield Happening(now - HOUR, lambda cast: _end(cast, number, wish))
    if number in _SHARING:
        share = {"fields": "first_name,last_name,address", "partner": _SHARING[number], "expiration": "14d"}
        yield Happening(now - 2 * DAY, lambda cast: create_share(cast.officer, **cast.whom(number), wish=share))
    if number in _RESTRICTED:
        ground, said = _RESTRICTED[number], "The address is being verified."
        at = now - 5 * HOUR
        yield Happening(
            at, lambda cast: restrict_processing(cast.officer, **cast.whom(number), ground=ground, reason=said)
        )
    if number in _OBJECTING:
        words = {"brief": "fraud-prevention", "reason": _OBJECTING[number]}
        yield Happening(
            now - 9 * DAY, lambda cast: object_to_processing(cast.as_person(number), **cast.whom(number), **words)
        )


def _end(cast: Cast, number: int, wish: dict[str, Any]) -> None:
    start_expiration(cast.officer, **cast.whom(number), wish=wish, reason="No order for three years.")


def _visit(number: int, session: UUID, agent: str) -> Callable[[Cast], object]:
    def act(cast: Cast) -> None:
        data = {"token": str(cast.people[number]), "agent": agent, "expiration": "10d"}
        store_session(cast.shop, session=str(session), data=data)

    return act
