"""The registers of legal bases and processing activities."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require

from ..bases import Basis, with_texts
from ..events import ACTIVITIES_LISTED, LEGAL_BASES_LISTED
from ..models import ActivityBasis, BasisStatus, LegalBasis, ProcessingActivity

__all__ = ["ActivityView", "active_bases", "activities_with_bases", "list_activities", "list_legal_bases"]


class ActivityView(NamedTuple):
    """A processing activity and the legal bases that it rests on, in the order in which they were linked."""

    row: ProcessingActivity
    bases: list[Basis]


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


def activities_with_bases(tenant: int, bases: list[Basis]) -> list[ActivityView]:
    """The activities, each with those of `bases` that it rests on. Writes no event: nothing in it is personal."""
    by_number = {basis.row.id: basis for basis in bases}
    linked: dict[int, list[Basis]] = defaultdict(list)
    for link in ActivityBasis.objects.filter(tenant=tenant).order_by("id"):
        if link.basis in by_number:
            linked[link.activity].append(by_number[link.basis])
    rows = ProcessingActivity.objects.filter(tenant=tenant).order_by("id")
    return [ActivityView(row, linked[row.id]) for row in rows]


def active_bases(tenant: int, *, module: str) -> list[Basis]:
    """What a module asks people for. Writes no event: these are the texts that everyone is shown."""
    rows = LegalBasis.objects.filter(tenant=tenant, module=module, status=BasisStatus.ACTIVE).order_by("id")
    return with_texts(list(rows))
