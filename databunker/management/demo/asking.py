"""Requests of the demonstration: decided ones, fresh ones, some due tomorrow, some late, one that waits for a proof."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from databunker.access.actor import Actor
from gdpr.actions import (
    Requested,
    accept_agreement,
    approve_request,
    ask_for_identity,
    cancel_request,
    change_profile,
    extend_request,
    forget_me,
    store_app_data,
    withdraw,
)

from .scene import DAY, HOUR, Cast, Happening, Whom

__all__ = ["ASKING", "requests_of_people"]


class Asked(NamedTuple):
    """`who` is the person's place in the list, `days` how long ago it was asked, `what` one of the wishes below.

    `then` is what came of it so many days later, with the words for it.
    """

    who: int
    days: int
    what: str
    then: str = ""
    after: int = 0
    words: str = ""


_ASKED = (
    Asked(4, 52, "forget", "approve", 6, "Nothing stands against it."),
    Asked(7, 45, "move", "approve", 2, "The new address was confirmed by telephone."),
    Asked(10, 41, "rename", "refuse", 5, "The name on the proof of identity is another one."),
    Asked(12, 58, "forget", "extend", 25, "We have to find out which invoices must be kept."),
    Asked(14, 44, "move"),  # overdue
    Asked(15, 37, "forget"),  # overdue
    Asked(16, 28, "forget"),
    Asked(18, 29, "rename"),
    Asked(20, 26, "basket"),
    Asked(22, 23, "withdraw", "approve", 3, "No visits are counted any more."),
    Asked(23, 21, "forget", "identity", 4, "The request came from an address that we don't know."),
    Asked(24, 16, "move", "take back", 1, ""),
    Asked(25, 12, "withdraw"),
    Asked(26, 8, "move"),
    Asked(27, 5, "basket"),
    Asked(28, 3, "rename"),
    Asked(29, 1, "forget"),
)
# Their places in the list.
ASKING = frozenset(one.who for one in _ASKED)
_MOVED = {"address": {"street": "12 New Street", "city": "Bath"}}


def requests_of_people(now: int) -> Iterator[Happening]:
    for number, one in enumerate(_ASKED):
        at = now - one.days * DAY - number * HOUR // 2
        if one.what == "withdraw":
            yield Happening(at - 10 * DAY, _agree_first(one))
        yield Happening(at, _ask(one))
        if one.then:
            yield Happening(at + one.after * DAY, _settle(one))


def _agree_first(one: Asked) -> Callable[[Cast], object]:
    """There has to be something to withdraw."""
    return lambda cast: accept_agreement(cast.shop, brief="analytics", **cast.whom(one.who), wish={})


def _ask(one: Asked) -> Callable[[Cast], object]:
    def act(cast: Cast) -> None:
        outcome = _WISHES[one.what](cast.as_person(one.who), cast.whom(one.who))
        if not isinstance(outcome, Requested):
            raise TypeError(f"nobody has to decide about {one.what}: people may do that alone here")
        cast.requests[one.who] = str(outcome.token)

    return act


_WISHES: dict[str, Callable[[Actor, Whom], Any]] = {
    "forget": lambda actor, whom: forget_me(actor, **whom),
    "move": lambda actor, whom: change_profile(actor, **whom, change=_MOVED),
    "rename": lambda actor, whom: change_profile(actor, **whom, change={"last_name": "Newman"}),
    "basket": lambda actor, whom: store_app_data(actor, **whom, app="shop", data={"orders": [], "loyalty": "none"}),
    "withdraw": lambda actor, whom: withdraw(actor, brief="analytics", **whom, wish={}),
}


def _settle(one: Asked) -> Callable[[Cast], object]:
    return lambda cast: _STEPS[one.then](cast, one)


_STEPS: dict[str, Callable[[Cast, Asked], object]] = {
    "approve": lambda cast, one: approve_request(cast.officer, rtoken=cast.requests[one.who], reason=one.words),
    "refuse": lambda cast, one: cancel_request(cast.officer, rtoken=cast.requests[one.who], reason=one.words),
    "take back": lambda cast, one: cancel_request(cast.as_person(one.who), rtoken=cast.requests[one.who]),
    "extend": lambda cast, one: extend_request(cast.officer, rtoken=cast.requests[one.who], reason=one.words),
    "identity": lambda cast, one: ask_for_identity(cast.officer, rtoken=cast.requests[one.who], reason=one.words),
}
