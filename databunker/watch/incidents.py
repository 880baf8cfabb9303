"""Incidents: told once each, however long they go on and on however many hosts they are noticed."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any, NamedTuple

from django.db import IntegrityError
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_noop

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, retrying
from databunker.errors import BadRequest, Conflict, NotFound
from databunker.ids import unix_now
from databunker.notify import outbox, webhooks

from .events import ANOMALY_NOTICED, CANARY_NOTICED, INCIDENT_ACKNOWLEDGED, INCIDENTS_LISTED
from .models import Incident, IncidentKind

__all__ = [
    "MAX_REASON",
    "IncidentView",
    "Notice",
    "acknowledge_incident",
    "list_incidents",
    "notice",
    "purge_incidents",
    "read_incident",
    "recent_by_kind",
    "unusual_tokens",
]

MAX_REASON = 1000

_log = logging.getLogger(__name__)
_DAY = 86_400
_KEPT_SECONDS = 366 * _DAY


class Notice(NamedTuple):
    """What was noticed: `start` is the period of `seconds` in which it was, `last` when the latest of it was."""

    tenant: int
    kind: IncidentKind
    actor_kind: int
    token_id: int | None
    start: int
    seconds: int
    last: int
    people: int
    usual: int = 0

    @property
    def who(self) -> str:
        """As the trail names callers."""
        kind = ActorKind(self.actor_kind).label
        return kind if self.token_id is None else f"{kind} {self.token_id}"


_WORDS: dict[IncidentKind, tuple[EventType, str]] = {
    IncidentKind.HOUR: (ANOMALY_NOTICED, "somebody reads unusually many people"),
    IncidentKind.DAY: (ANOMALY_NOTICED, "somebody reads unusually many people"),
    IncidentKind.CANARY: (CANARY_NOTICED, "a canary was read"),
}


def notice(found: Notice) -> bool:
    """Tell of it: by an event, a webhook and a line of the log; whether it is new, and not one that goes on."""
    same = Incident.objects.filter(
        tenant=found.tenant, kind=found.kind, actor_kind=found.actor_kind, token_id=found.token_id or 0
    )
    going_on = same.filter(last__gte=found.start - found.seconds).order_by("-last").first()
    if going_on is not None:
        same.filter(pk=going_on.pk).update(
            last=max(going_on.last, found.last), people=max(going_on.people, found.people)
        )
        return False
    try:
        retrying(lambda: _tell(found))
    except IntegrityError:
        return False  # another host was faster
    _log.warning(_WORDS[found.kind][1], extra={"who": found.who, "people": found.people})
    return True


def _tell(found: Notice) -> None:
    with atomically():
        _write(found)


def _write(found: Notice) -> None:
    Incident.objects.create(
        tenant=found.tenant,
        kind=found.kind.value,
        actor_kind=found.actor_kind,
        token_id=found.token_id or 0,
        start=found.start,
        last=found.last,
        people=found.people,
        usual=found.usual,
    )
    event_type, words = _WORDS[found.kind]
    detail: dict[str, Any] = {"message": f"{words}: {found.who}", "people": found.people, "usual": found.usual}
    trail.record(replace(operator(), tenant=found.tenant), event_type, detail=detail)
    outbox.webhook(found.tenant, _body(found))


def _body(found: Notice) -> dict[str, Any]:
    if found.kind is IncidentKind.CANARY:
        return webhooks.canary(who=found.who, when=found.last)
    period = "hour" if found.kind is IncidentKind.HOUR else "day"
    return webhooks.anomaly(who=found.who, period=period, since=found.start, people=found.people, usual=found.usual)


class IncidentView(NamedTuple):
    """`who` is the kind of caller and the row of its access token or account, `actor_kind` and `token_id` are these.

    Times are Unix seconds. An incident that goes on after somebody has acknowledged it is `open` again.
    """

    number: int
    kind: IncidentKind
    who: str
    start: int
    last: int
    people: int
    usual: int
    actor_kind: ActorKind
    token_id: int | None
    acknowledged: int | None
    acknowledged_kind: ActorKind | None
    acknowledged_by: int | None

    @property
    def open(self) -> bool:
        return self.acknowledged is None or self.acknowledged < self.last


_OPEN = Q(acknowledged=None) | Q(acknowledged__lt=F("last"))


def list_incidents(actor: Actor, *, offset: int, limit: int, only_open: bool = False) -> tuple[int, list[IncidentView]]:
    """How many there were in the last year, or are open, and a page of them, the latest first.

    Raises:
        AccessDenied: the actor may not see everybody's events.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    trail.record(actor, INCIDENTS_LISTED)
    found = Incident.objects.filter(tenant=actor.tenant)
    if only_open:
        found = found.filter(_OPEN)
    rows = found.order_by("-last", "-id")[offset : offset + limit]
    return found.count(), [_view(row) for row in rows]


def read_incident(actor: Actor, *, number: int) -> IncidentView:
    """
    Raises:
        AccessDenied: the actor may not see everybody's events.
        NotFound: there is no such incident.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    row = Incident.objects.filter(tenant=actor.tenant, pk=number).first()
    if row is None:
        raise NotFound("no such incident")
    trail.record(actor, INCIDENTS_LISTED, detail={"incident": number})
    return _view(row)


def acknowledge_incident(actor: Actor, *, number: int, reason: str) -> None:
    """Somebody has looked into it, and says in `reason` what it was; that stands in the event alone.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: no reason, or a longer one than MAX_REASON.
        NotFound: there is no such incident.
        Conflict: somebody else has acknowledged it already.
    """
    require(actor, Permission.INCIDENT_MANAGE)
    text = reason.strip()
    if not 0 < len(text) <= MAX_REASON:
        raise BadRequest(f"say in up to {MAX_REASON} characters what it was")
    now = unix_now()
    with atomically():
        found = Incident.objects.filter(tenant=actor.tenant, pk=number)
        if not found.exists():
            raise NotFound("no such incident")
        changed = found.filter(_OPEN).update(
            acknowledged=Greatest(Value(now), F("last")),
            acknowledged_kind=actor.kind.value,
            acknowledged_by=actor.token_id,
        )
        if not changed:
            raise Conflict(gettext_noop("the incident is acknowledged already"))
        trail.record(actor, INCIDENT_ACKNOWLEDGED, detail={"incident": number, "message": text})


def _view(row: Incident) -> IncidentView:
    kind = ActorKind(row.actor_kind)
    return IncidentView(
        number=row.pk,
        kind=IncidentKind(row.kind),
        who=f"{kind.label} {row.token_id}" if row.token_id else kind.label,
        start=row.start,
        last=row.last,
        people=row.people,
        usual=row.usual,
        actor_kind=kind,
        token_id=row.token_id or None,
        acknowledged=row.acknowledged,
        acknowledged_kind=None if row.acknowledged_kind is None else ActorKind(row.acknowledged_kind),
        acknowledged_by=row.acknowledged_by,
    )


def unusual_tokens(tenant: int) -> dict[int, IncidentView]:
    """The latest incident of each access token within a day. Writes no event: whoever shows them does."""
    found = Incident.objects.filter(tenant=tenant, actor_kind__in=_TOKENS, last__gte=unix_now() - _DAY)
    return {row.token_id: _view(row) for row in found.order_by("last", "id")}


_TOKENS = frozenset({ActorKind.ADMIN.value, ActorKind.ROOT.value})


def recent_by_kind() -> dict[str, int]:
    """How many incidents of each kind there were within a day, in all tenants."""
    counts = dict.fromkeys((kind.name.lower() for kind in IncidentKind), 0)
    for kind in Incident.objects.filter(last__gte=unix_now() - _DAY).values_list("kind", flat=True):
        counts[IncidentKind(kind).name.lower()] += 1
    return counts


def purge_incidents(now: int) -> int:
    """Delete those that ended more than a year ago; how many."""
    return Incident.objects.filter(last__lt=now - _KEPT_SECONDS).delete()[0]
