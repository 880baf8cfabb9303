"""The registers of legal bases and processing activities."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.errors import NotFound

from ..bases import Basis, with_texts
from ..events import ACTIVITIES_EXPORTED, ACTIVITIES_LISTED, ACTIVITY_READ, LEGAL_BASES_LISTED
from ..models import ActivityBasis, BasisStatus, LegalBasis, ProcessingActivity
from ..scripts import check_link, check_script

__all__ = [
    "ActivityPage",
    "ActivityView",
    "active_bases",
    "activities_with_bases",
    "export_activities",
    "list_activities",
    "list_legal_bases",
    "list_linkable",
    "look_at_activities",
    "look_at_activity",
]


class ActivityView(NamedTuple):
    """A processing activity and the legal bases that it rests on, in the order in which they were linked."""

    row: ProcessingActivity
    bases: list[Basis]

    @property
    def missing(self) -> list[str]:
        """What Art. 30(1) wants to know and the register doesn't say: fields, and `bases`."""
        wanted = [*_ALWAYS, *(["safeguards"] if self.row.transfers else [])]
        return [name for name in wanted if not getattr(self.row, name)] + ([] if self.bases else ["bases"])


# Letters (b) to (g), but for transfers, which not every activity has.
_ALWAYS = ("purposes", "datasubjects", "datacategories", "recipients", "retention", "security")


class ActivityPage(NamedTuple):
    total: int
    activities: list[ActivityView]


def list_legal_bases(actor: Actor) -> list[Basis]:
    """All of them, deleted ones included, oldest first.

    Raises:
        AccessDenied: the actor may not read the register.
    """
    require(actor, Permission.LEGAL_BASIS_READ)
    trail.record(actor, LEGAL_BASES_LISTED)
    return with_texts(list(LegalBasis.objects.filter(tenant=actor.tenant).order_by("id")))


def list_activities(actor: Actor) -> list[ActivityView]:
    """All of them, oldest first.

    Raises:
        AccessDenied: the actor may not read the register.
    """
    require(actor, Permission.ACTIVITY_READ)
    trail.record(actor, ACTIVITIES_LISTED)
    return activities_with_bases(actor.tenant, with_texts(list(LegalBasis.objects.filter(tenant=actor.tenant))))


def look_at_activities(actor: Actor, *, offset: int, limit: int) -> ActivityPage:
    """Some of them, oldest first.

    Raises:
        AccessDenied: the actor may not read the register.
    """
    require(actor, Permission.ACTIVITY_READ)
    trail.record(actor, ACTIVITIES_LISTED)
    rows = ProcessingActivity.objects.filter(tenant=actor.tenant).order_by("id")
    return ActivityPage(rows.count(), _with_bases(actor.tenant, list(rows[offset : offset + limit])))


def look_at_activity(actor: Actor, *, number: int) -> ActivityView:
    """
    Raises:
        AccessDenied: the actor may not read the register.
        NotFound: there is none of this number.
    """
    require(actor, Permission.ACTIVITY_READ)
    rows = list(ProcessingActivity.objects.filter(tenant=actor.tenant, id=number))
    if not rows:
        raise NotFound("processing activity not found")
    trail.record(actor, ACTIVITY_READ, detail={"activity": rows[0].activity})
    return _with_bases(actor.tenant, rows)[0]


def export_activities(actor: Actor, *, form: str) -> list[ActivityView]:
    """All of them, oldest first, for a file of this form.

    Raises:
        AccessDenied: the actor may not read the register.
    """
    require(actor, Permission.ACTIVITY_READ)
    trail.record(actor, ACTIVITIES_EXPORTED, detail={"form": form})
    return _with_bases(actor.tenant, list(ProcessingActivity.objects.filter(tenant=actor.tenant).order_by("id")))


def list_linkable(actor: Actor, *, activity: ActivityView) -> list[str]:
    """The briefs of the active legal bases that it doesn't rest on yet. Writes no event: they are shown to everyone.

    Raises:
        AccessDenied: the actor may not change the register.
    """
    require(actor, Permission.ACTIVITY_CHANGE)
    linked = [basis.row.id for basis in activity.bases]
    rows = LegalBasis.objects.filter(tenant=actor.tenant, status=BasisStatus.ACTIVE).exclude(id__in=linked)
    return list(rows.order_by("brief").values_list("brief", flat=True))


def _with_bases(tenant: int, rows: list[ProcessingActivity]) -> list[ActivityView]:
    links = list(ActivityBasis.objects.filter(tenant=tenant, activity__in=[row.id for row in rows]).order_by("id"))
    bases = with_texts(list(LegalBasis.objects.filter(tenant=tenant, id__in={link.basis for link in links})))
    return _views(rows, links, bases)


def activities_with_bases(tenant: int, bases: list[Basis]) -> list[ActivityView]:
    """The activities, each with those of `bases` that it rests on. Writes no event: nothing in it is personal."""
    links = list(ActivityBasis.objects.filter(tenant=tenant).order_by("id"))
    return _views(list(ProcessingActivity.objects.filter(tenant=tenant).order_by("id")), links, bases)


def _views(rows: list[ProcessingActivity], links: list[ActivityBasis], bases: list[Basis]) -> list[ActivityView]:
    """
    Raises:
        IntegrityFailure: a script, or which legal basis it runs on, was changed in the database.
    """
    linked: dict[int, list[ActivityBasis]] = defaultdict(list)
    for link in links:
        linked[link.activity].append(link)
    by_number = {basis.row.id: basis for basis in bases}
    for row in rows:
        check_script(row)
        for link in linked[row.id]:
            check_link(row, link)
    return [
        ActivityView(row, [by_number[link.basis] for link in linked[row.id] if link.basis in by_number]) for row in rows
    ]


def active_bases(tenant: int, *, module: str) -> list[Basis]:
    """What a module asks people for. Writes no event: these are the texts that everyone is shown."""
    rows = LegalBasis.objects.filter(tenant=tenant, module=module, status=BasisStatus.ACTIVE).order_by("id")
    return with_texts(list(rows))
