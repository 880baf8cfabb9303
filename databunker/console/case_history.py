"""The history of a request: what its row tells, who did it as the trail tells, and what was said beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext as _

from databunker.access.actor import Actor
from databunker.accounts.queries import names_of
from gdpr import queries
from gdpr.events import REQUEST_ASSIGNED, REQUEST_COMMENTED, REQUEST_EXTENDED, REQUEST_OPENED
from gdpr.queries import CaseEvent
from gdpr.requests import seen_reasons
from gdpr.states import Step

from .audit_forms import KIND_NAMES
from .requests import Line

__all__ = ["Happened", "history_of"]


class Happened(NamedTuple):
    """One step in the life of a request. `internal`: the person doesn't hear of it."""

    at: int
    what: str | Promise
    why: str = ""
    who: str | Promise = ""
    internal: bool = False


def history_of(actor: Actor, line: Line) -> list[Happened]:
    """Latest first. Of a forgotten person's request when what was done, and no more."""
    events = queries.case_events(actor, line.request)
    names = _names(actor, events)
    happened = [*_steps(actor, line, events, names), *_said(events, names)]
    return sorted(happened, key=lambda one: -one.at)


def _names(actor: Actor, events: Iterable[CaseEvent]) -> dict[int, str]:
    numbers = {event.number for event in events if event.is_account}
    numbers |= {event.account for event in events}
    return names_of({number for number in numbers if number is not None}, tenant=actor.tenant)


def _who(event: CaseEvent | None, names: dict[int, str]) -> str | Promise:
    if event is None:
        return ""
    known = names.get(event.number or 0) if event.is_account else None
    return known or KIND_NAMES[event.kind]


def _steps(actor: Actor, line: Line, events: list[CaseEvent], names: dict[int, str]) -> Iterator[Happened]:
    row, reasons = line.request.stored, seen_reasons(actor, line.request)
    by_type = {event.type: event for event in events}
    by_step = {event.step: event for event in events if event.step}
    steps = [
        (row.created, _("Received"), "", by_type.get(REQUEST_OPENED)),
        (row.asked, _("Proof of identity asked for"), reasons.get("identity", ""), by_step.get(Step.ASK_IDENTITY)),
        (row.verified, _("Identity proved"), reasons.get("proof", ""), by_step.get(Step.VERIFY_IDENTITY)),
        (row.extended, _("Two further months taken"), reasons.get("extension", ""), by_type.get(REQUEST_EXTENDED)),
    ]
    for at, what, why, event in steps:
        if at:
            yield Happened(at, what, why, _who(event, names))
    if row.decided:
        yield Happened(row.decided, line.state, reasons.get("decision", ""), line.decided_by)


def _said(events: Iterable[CaseEvent], names: dict[int, str]) -> Iterator[Happened]:
    for event in events:
        who = _who(event, names)
        if event.type is REQUEST_COMMENTED:
            yield Happened(event.at, _("Comment"), event.comment, who, internal=True)
        elif event.type is REQUEST_ASSIGNED and event.account is None:
            yield Happened(event.at, _("Assigned to nobody"), "", who, internal=True)
        elif event.type is REQUEST_ASSIGNED:
            name = names.get(event.account or 0, f"account {event.account}")
            yield Happened(event.at, _("Assigned to %(name)s") % {"name": name}, "", who, internal=True)
