"""What a person has exercised and what stands of it: restriction, objections, an erasure that can be withdrawn."""

from __future__ import annotations

from typing import Any, NamedTuple
from uuid import UUID

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from vault import lookups, visible
from vault.queries import find
from vault.records import OpenRecord

from ..bases import MAY_BE_OBJECTED_TO, Basis, with_texts
from ..events import RIGHTS_READ
from ..models import BasisStatus, LegalBasis, RightKind
from ..receipts import receipt_of
from ..rights import OpenRight, rights_of

__all__ = ["Objection", "Rights", "list_objectionable", "objectionable_briefs", "read_rights", "seen_rights"]


class Objection(NamedTuple):
    """`brief` is empty where it is to all that may be objected to."""

    brief: str
    right: OpenRight


class Rights(NamedTuple):
    """What stands; None and nothing: it does not."""

    restriction: OpenRight | None = None
    objections: tuple[Objection, ...] = ()
    erasure: OpenRight | None = None
    receipt: UUID | None = None  # the id that the receipt of that erasure will have

    def row(self) -> dict[str, Any]:
        """As the API and the report show it; times in Unix seconds."""
        erasure = self.erasure and {**_row(self.erasure), "due": self.erasure.due, "receipt": str(self.receipt)}
        return {
            "restriction": _row(self.restriction, ground=True) if self.restriction else None,
            "objections": [{"brief": one.brief, **_row(one.right)} for one in self.objections],
            "erasure": erasure,
        }


def read_rights(actor: Actor, *, mode: str, identity: str) -> Rights:
    """
    Raises:
        BadRequest: see `lookups.parse`.
        AccessDenied, NotFound: see `vault.queries.find`.
    """
    lookup = lookups.parse(mode, identity, tenant=actor.tenant)
    record = find(actor, lookup, Permission.RIGHTS_READ)
    trail.record(actor, RIGHTS_READ, subject=record.row.subject, sealer=record.key, detail=lookup.trace())
    return seen_rights(actor, record)


def objectionable_briefs(actor: Actor) -> list[str]:
    """The names of the legal bases that somebody may object to now. They are no secret, and leave no event.

    Raises:
        AccessDenied: the actor may not exercise rights of others.
    """
    require(actor, Permission.RIGHTS_CHANGE)
    found = LegalBasis.objects.filter(
        tenant=actor.tenant, status=BasisStatus.ACTIVE, basistype__in=sorted(MAY_BE_OBJECTED_TO)
    )
    return list(found.order_by("brief").values_list("brief", flat=True))


def seen_rights(actor: Actor, record: OpenRecord) -> Rights:
    """For whoever has been let in already, with the reasons as far as that one may see them. Writes no event.

    Raises:
        IntegrityFailure: see `rights_of`.
    """
    found = [_seen(actor, right) for right in rights_of(record)]
    numbers = {right.basis for right in found if right.basis}
    briefs = dict(LegalBasis.objects.filter(id__in=numbers).values_list("id", "brief")) if numbers else {}
    erasure = next((right for right in found if right.kind is RightKind.ERASURE), None)
    return Rights(
        next((right for right in found if right.kind is RightKind.RESTRICTION), None),
        tuple(Objection(briefs.get(right.basis, ""), right) for right in found if right.kind is RightKind.OBJECTION),
        erasure,
        receipt_of(record) if erasure else None,
    )


def list_objectionable(actor: Actor) -> list[Basis]:
    """The legal bases that people may object to. Writes no event: these are texts that everyone is shown."""
    rows = LegalBasis.objects.filter(
        tenant=actor.tenant, status=BasisStatus.ACTIVE, basistype__in=sorted(MAY_BE_OBJECTED_TO)
    )
    return with_texts(list(rows.order_by("id")))


def _seen(actor: Actor, right: OpenRight) -> OpenRight:
    return right._replace(terms=right.terms._replace(reason=visible.words(actor, right.terms.reason)))


def _row(right: OpenRight, *, ground: bool = False) -> dict[str, Any]:
    row = {"since": right.since, "who": right.who, "reason": right.terms.reason}
    return {**row, "ground": right.terms.ground} if ground else row
