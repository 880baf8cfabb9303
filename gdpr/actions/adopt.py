"""What another vault knows beside people: legal bases, processing activities, agreements and requests."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, retrying_if_taken
from databunker.errors import BadRequest
from vault.actions import Fate

from ..events import LEGAL_BASIS_DELETED
from ..models import BasisStatus, LegalBasis, ProcessingActivity
from .activities import save_activity
from .legal_bases import save_legal_basis

__all__ = [
    "AdoptedPart",
    "Alongside",
    "PastActivity",
    "PastBasis",
    "adopt_activities",
    "adopt_each",
    "adopt_legal_bases",
]

Item = TypeVar("Item")
# Those of `ensure_default_bases`: as long as nobody has touched them, the other vault's own take their place.
_DEFAULTS = ("core-send-email-on-login", "core-send-sms-on-login")


class AdoptedPart(NamedTuple):
    """`remarks` say why it was refused, or what of it was not taken over."""

    fate: Fate
    remarks: Sequence[str] = ()


Alongside = Callable[[list[AdoptedPart]], None]


class PastBasis(NamedTuple):
    """`wish` as for `save_legal_basis`; `created` in Unix seconds, 0 where it isn't known."""

    brief: str
    wish: Mapping[str, Any]
    deleted: bool
    created: int


class PastActivity(NamedTuple):
    """`wish` as for `save_activity`, without its legal bases, which are `briefs`."""

    activity: str
    wish: Mapping[str, Any]
    briefs: Sequence[str]
    created: int


def adopt_each(items: Sequence[Item], adopt: Callable[[Item], AdoptedPart], alongside: Alongside) -> list[AdoptedPart]:
    """Each of the items, all in one transaction with what `alongside` writes; what became of each, in order."""

    def attempt() -> list[AdoptedPart]:
        with atomically():
            outcomes = [adopt(item) for item in items]
            alongside(outcomes)
        return outcomes

    return retrying_if_taken(attempt)


def adopt_legal_bases(actor: Actor, *, items: Sequence[PastBasis], alongside: Alongside) -> list[AdoptedPart]:
    """Store legal bases, in one transaction. One that is here already stays.

    Raises:
        AccessDenied: the actor may not change legal bases.
    """
    require(actor, Permission.LEGAL_BASIS_CHANGE)

    def adopt(item: PastBasis) -> AdoptedPart:
        known = LegalBasis.objects.filter(tenant=actor.tenant, brief=item.brief).first()
        if known is not None and (known.brief not in _DEFAULTS or known.text_version > 1):
            return AdoptedPart(Fate.PRESENT)
        try:
            save_legal_basis(actor, brief=item.brief, wish=item.wish)
        except BadRequest as error:
            return AdoptedPart(Fate.REFUSED, [error.message])
        changes: dict[str, Any] = {"created": item.created} if item.created else {}
        if item.deleted:
            changes["status"] = BasisStatus.DELETED.value
            trail.record(actor, LEGAL_BASIS_DELETED, detail={"brief": item.brief, "agreements": 0})
        if changes:
            LegalBasis.objects.filter(tenant=actor.tenant, brief=item.brief).update(**changes)
        return AdoptedPart(Fate.STORED)

    return adopt_each(items, adopt, alongside)


def adopt_activities(actor: Actor, *, items: Sequence[PastActivity], alongside: Alongside) -> list[AdoptedPart]:
    """Store processing activities with the legal bases that they rest on, in one transaction. One that is here stays.

    Raises:
        AccessDenied: the actor may not change the register.
    """
    require(actor, Permission.ACTIVITY_CHANGE)

    def adopt(item: PastActivity) -> AdoptedPart:
        if ProcessingActivity.objects.filter(tenant=actor.tenant, activity=item.activity).exists():
            return AdoptedPart(Fate.PRESENT)
        bases = LegalBasis.objects.filter(tenant=actor.tenant, brief__in=item.briefs, status=BasisStatus.ACTIVE)
        known = set(bases.values_list("brief", flat=True))
        wish = {**item.wish, "legalbasis": ",".join(brief for brief in item.briefs if brief in known)}
        try:
            save_activity(actor, activity=item.activity, wish=wish)
        except BadRequest as error:
            return AdoptedPart(Fate.REFUSED, [error.message])
        if item.created:
            ProcessingActivity.objects.filter(tenant=actor.tenant, activity=item.activity).update(created=item.created)
        lost = sum(1 for brief in item.briefs if brief not in known)
        return AdoptedPart(Fate.STORED, ["a legal basis that it rests on is not in use"] * lost)

    return adopt_each(items, adopt, alongside)
