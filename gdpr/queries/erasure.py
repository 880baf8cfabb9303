"""What forgetting a person will erase, what it keeps, why, and until when: to be looked at before it is done."""

from __future__ import annotations

import enum
from typing import NamedTuple

from django.conf import settings

from audit import queries as trail_queries
from audit import trail
from databunker import periods
from databunker.access.actor import Actor
from databunker.access.permissions import Permission
from databunker.ids import unix_now
from vault import lookups
from vault.queries import find, parts_of
from vault.records import OpenRecord

from ..events import ERASURE_PREVIEWED
from ..models import Agreement, Request, RequestAction, RightKind
from ..rights import rights_of
from ..states import UNDECIDED

__all__ = ["Erased", "ErasurePreview", "Kept", "Part", "Why", "preview_erasure"]


class Part(enum.StrEnum):
    """A kind of what is kept of a person."""

    FIELDS = "profile fields"
    IDENTITIES = "identities"
    VERSIONS = "earlier profiles"
    APPS = "application data"
    APP_VERSIONS = "earlier application data"
    SESSIONS = "sessions"
    SHARES = "shared records"
    AGREEMENTS = "agreements"
    REQUESTS = "requests"
    RIGHTS = "exercised rights"
    EVENTS = "events"
    RECEIPT = "receipt"


class Why(enum.StrEnum):
    """Why something stays."""

    PRESERVED = "the record schema preserves it"
    ACCOUNTABILITY = "the bare facts show what was asked for and decided"
    TRAIL = "the trail shows who did what; what it sealed about the person can't be read any more"
    PROOF = "it proves the erasure, and keeps a restored backup from bringing the person back"


class Erased(NamedTuple):
    """`names` are fields or applications, never values."""

    part: Part
    number: int
    names: tuple[str, ...] = ()


class Kept(NamedTuple):
    """`until` is in Unix seconds: the latest end; None: for as long as the vault lives."""

    part: Part
    number: int
    why: Why
    until: int | None = None
    names: tuple[str, ...] = ()


class ErasurePreview(NamedTuple):
    """What would become of everything, if it were done now.

    `fulfilled` and `lapsing` are how many open requests it would fulfil, and let lapse. `restricted`: processing is
    restricted, mostly because somebody needs the data; an erasure that is scheduled waits until that is lifted. `due`
    is when a scheduled erasure is carried out, and `waits` for how many seconds a new one would wait.
    """

    erased: list[Erased]
    kept: list[Kept]
    fulfilled: int
    lapsing: int
    restricted: bool
    due: int | None
    waits: int


def preview_erasure(actor: Actor, *, mode: str, identity: str) -> ErasurePreview:
    """
    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied: the actor may not forget the person, nor ask for it.
        NotFound: no such person, or forgotten already.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.RECORD_FORGET)
    record.require_active()
    trail.record(actor, ERASURE_PREVIEWED, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    return _preview(record)


def _preview(record: OpenRecord) -> ErasurePreview:
    row, parts, rights = record.row, parts_of(record), rights_of(record)
    mine = {"tenant": row.tenant, "subject": row.subject}
    requests = list(Request.objects.filter(**mine).values_list("action", "state"))
    undecided = [action for action, state in requests if state in UNDECIDED]
    fulfilled = sum(action == RequestAction.FORGET_ME for action in undecided)
    erased = [
        Erased(Part.FIELDS, len(parts.fields), tuple(parts.fields)),
        Erased(Part.IDENTITIES, parts.identities),
        Erased(Part.VERSIONS, parts.counts["versions"]),
        Erased(Part.APPS, len(parts.apps), tuple(parts.apps)),
        Erased(Part.APP_VERSIONS, parts.counts["app_versions"]),
        Erased(Part.SESSIONS, parts.counts["sessions"]),
        Erased(Part.SHARES, parts.counts["shares"]),
        Erased(Part.AGREEMENTS, Agreement.objects.filter(**mine).count()),
        Erased(Part.RIGHTS, len(rights)),
    ]
    return ErasurePreview(
        [part for part in erased if part.number],
        _kept(record, parts.preserved, requests=len(requests)),
        fulfilled,
        len(undecided) - fulfilled,
        record.restricted,
        next((right.due for right in rights if right.kind is RightKind.ERASURE), None),
        _seconds(settings.FORGET_ME_COOLING_OFF),
    )


def _kept(record: OpenRecord, preserved: list[str], *, requests: int) -> list[Kept]:
    row, age = record.row, _seconds(settings.MAX_AUDIT_RETENTION)
    kept = [
        Kept(Part.FIELDS, len(preserved), Why.PRESERVED, names=tuple(preserved)),
        Kept(Part.REQUESTS, requests, Why.ACCOUNTABILITY),
        Kept(
            Part.EVENTS,
            trail_queries.count_of(tenant=row.tenant, subject=row.subject),
            Why.TRAIL,
            until=unix_now() + age if age else None,
        ),
        Kept(Part.RECEIPT, 1, Why.PROOF),
    ]
    return [part for part in kept if part.number]


def _seconds(period: str) -> int:
    return periods.seconds_of(period) if period else 0
