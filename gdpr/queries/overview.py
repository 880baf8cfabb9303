"""What the work ahead and behind comes to, in numbers: nothing of it is about one person, so no look leaves an event.

Each question has a bound on the rows that it looks at, whatever the size of the vault; an answer says where it met it.
"""

from __future__ import annotations

import datetime as dt
import statistics
from collections import Counter
from typing import NamedTuple

from audit.models import Event
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.counting import Count, counts_of
from databunker.db.planning import of_tenant
from databunker.ids import first_event_id, unix_now
from vault.events import RECORD_FORGOTTEN
from vault.models import Record

from ..agreement_states import AgreementStatus
from ..models import Agreement, BasisStatus, BasisType, LegalBasis, Request, RequestAction
from .deadlines import Urgency, deadlines_of
from .retention import ending

__all__ = [
    "ConsentCount",
    "Ending",
    "OpenRequests",
    "Past",
    "consents_in_numbers",
    "ends_ahead",
    "open_requests",
    "people_in_numbers",
    "requests_behind",
]

_DAY = 86_400
_WEEK = 7 * _DAY
MOST_PAST = 5_000
MOST_AGREEMENTS = 2_000
MOST_ENDS = 5_000
MOST_PEOPLE = 20_000
MOST_BASES = 8


class OpenRequests(NamedTuple):
    """The undecided requests by `Urgency`; `more`: there are others, which nobody looked at."""

    overdue: int
    soon: int
    later: int
    standing: int
    more: bool

    @property
    def total(self) -> int:
        return self.overdue + self.soon + self.later + self.standing


def open_requests(actor: Actor) -> OpenRequests:
    """
    Raises:
        AccessDenied: the actor sees the own requests only.
    """
    require(actor, Permission.REQUEST_LIST)
    found = deadlines_of(Request.objects.filter(tenant=actor.tenant))
    many = Counter(found.urgencies().values())
    overdue, soon, later, standing = (many[urgency] for urgency in Urgency)
    return OpenRequests(overdue, soon, later, standing, more=found.more)


class Past(NamedTuple):
    """The requests of some weeks: `starts` are their Mondays, `made` how many of each kind came in each.

    `days` is in how many days half of those were decided that were decided in these weeks, and `decided` how many
    those are; None: none were. With `more` the first weeks may have had others.
    """

    starts: list[dt.date]
    made: dict[RequestAction, list[int]]
    decided: int
    days: float | None
    more: bool


def requests_behind(actor: Actor, *, weeks: int) -> Past:
    """
    Raises:
        AccessDenied: the actor sees the own requests only.
    """
    require(actor, Permission.REQUEST_LIST)
    today = dt.datetime.now(tz=dt.UTC).date()
    monday = today - dt.timedelta(days=today.weekday())
    starts = [monday - dt.timedelta(weeks=weeks - 1 - number) for number in range(weeks)]
    begin = int(dt.datetime.combine(starts[0], dt.time(), tzinfo=dt.UTC).timestamp())
    newest = of_tenant(Request.objects.order_by("-id"), actor.tenant)
    rows = list(newest.values_list("action", "created", "decided")[: MOST_PAST + 1])
    made = {action: [0] * weeks for action in RequestAction}
    for action, created, _ in rows:
        week = (created - begin) // _WEEK
        if 0 <= week < weeks:
            made[RequestAction(action)][week] += 1
    times = [decided - created for _, created, decided in rows if decided is not None and decided >= begin]
    median = statistics.median(times) / _DAY if times else None
    more = len(rows) > MOST_PAST and rows[-1][1] >= begin
    return Past(starts, made, len(times), median, more)


class ConsentCount(NamedTuple):
    """How many people have accepted one legal basis, and how many have not, or not any more."""

    number: int
    brief: str
    accepted: Count
    withdrawn: Count


def consents_in_numbers(actor: Actor) -> list[ConsentCount]:
    """Of the consents that are asked for now, the oldest eight.

    Raises:
        AccessDenied: the actor may not read the register.
    """
    require(actor, Permission.LEGAL_BASIS_READ)
    asked = LegalBasis.objects.filter(
        tenant=actor.tenant, status=BasisStatus.ACTIVE, basistype=BasisType.CONSENT.value
    ).order_by("id")
    bases = list(asked.values_list("id", "brief")[:MOST_BASES])
    said = (AgreementStatus.YES, AgreementStatus.NO)
    counts = counts_of(
        {
            (number, status): Agreement.objects.filter(tenant=actor.tenant, basis=number, status=status)
            for number, _ in bases
            for status in said
        },
        most=MOST_AGREEMENTS,
    )
    return [ConsentCount(number, brief, *(counts[number, status] for status in said)) for number, brief in bases]


class Ending(NamedTuple):
    """Whose time is over in the days to come, by day from today; with `more` there are others, later ones."""

    days: list[int]
    more: bool

    @property
    def total(self) -> int:
        return sum(self.days)


def ends_ahead(actor: Actor, *, days: int) -> Ending:
    """
    Raises:
        AccessDenied: the actor may not read when people are to be forgotten.
    """
    require(actor, Permission.RETENTION_READ)
    now = unix_now()
    ends = list(ending(actor.tenant, days=days).values_list("endtime", flat=True)[: MOST_ENDS + 1])
    counts = Counter(max(end - now, 0) // _DAY for end in ends[:MOST_ENDS])
    return Ending([counts[day] for day in range(days)], more=len(ends) > MOST_ENDS)


def people_in_numbers(actor: Actor, *, days: int) -> tuple[Count, Count]:
    """How many people the vault knows, forgotten ones among them, and how many were forgotten in the last days.

    Raises:
        AccessDenied: the actor may not see everybody's events.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    since = first_event_id((unix_now() - days * _DAY) * 1000)
    forgotten = Event.objects.filter(tenant=actor.tenant, type=RECORD_FORGOTTEN.number, id__gte=since)
    people = Record.objects.filter(tenant=actor.tenant)
    found = counts_of({"people": people, "forgotten": forgotten}, most=MOST_PEOPLE)
    return found["people"], found["forgotten"]
