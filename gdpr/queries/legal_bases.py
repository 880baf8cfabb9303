"""Legal bases as the console shows them: with how many people agree to each, and to which of its texts."""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

from django.db.models import Count

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.errors import NotFound

from ..agreement_states import AgreementStatus
from ..bases import Basis, Texts, checked_text, with_texts
from ..consent_storage import count_some
from ..events import LEGAL_BASES_LISTED, LEGAL_BASIS_READ, REVOCATION_PREVIEWED
from ..models import ActivityBasis, Agreement, LegalBasis, LegalBasisText, ProcessingActivity

__all__ = [
    "COUNTED",
    "BasisLine",
    "BasisPage",
    "BasisView",
    "Revocation",
    "TextVersion",
    "look_at_bases",
    "look_at_basis",
    "preview_revocation",
]

COUNTED = 10_000
_MAX_VERSIONS = 50

Counts = dict[AgreementStatus, int]


class BasisLine(NamedTuple):
    """A legal basis with its current texts, and how many agreements to it are in each state."""

    basis: Basis
    agreements: Counts


class BasisPage(NamedTuple):
    total: int
    lines: list[BasisLine]


class TextVersion(NamedTuple):
    """The texts as they were shown from `created` on, and how many agreements are to them."""

    number: int
    created: int
    texts: Texts
    agreements: Counts


class BasisView(NamedTuple):
    """`versions` are the newest, newest first; `agreements` counts those to all of them."""

    basis: Basis
    agreements: Counts
    versions: list[TextVersion]
    activities: list[ProcessingActivity]

    @property
    def accepted(self) -> int:
        return self.agreements[AgreementStatus.YES]

    @property
    def to_older_texts(self) -> int:
        """How many have accepted, but other texts than are shown now."""
        current = self.basis.row.text_version
        now = sum(one.agreements[AgreementStatus.YES] for one in self.versions if one.number == current)
        return self.accepted - now


class Revocation(NamedTuple):
    """What revoking an agreement for everyone would do now."""

    row: LegalBasis
    people: int
    unknown: int  # given by e-mail or phone, by who is no person of the vault yet

    @property
    def agreements(self) -> int:
        return self.people + self.unknown


def look_at_bases(actor: Actor, *, offset: int, limit: int) -> BasisPage:
    """Some of them, deleted ones included, oldest first. Only what people said last is counted, and no further than
    one above `COUNTED`.

    Raises:
        AccessDenied: the actor may not read the register.
    """
    require(actor, Permission.LEGAL_BASIS_READ)
    trail.record(actor, LEGAL_BASES_LISTED)
    rows = LegalBasis.objects.filter(tenant=actor.tenant).order_by("id")
    shown = with_texts(list(rows[offset : offset + limit]))
    counts = _by_number()
    for number, status, many in count_some(actor.tenant, [basis.row.id for basis in shown], limit=COUNTED + 1):
        counts[number][status] = many
    return BasisPage(rows.count(), [BasisLine(basis, counts[basis.row.id]) for basis in shown])


def look_at_basis(actor: Actor, *, number: int) -> BasisView:
    """
    Raises:
        AccessDenied: the actor may not read the register.
        NotFound: there is none of this number.
    """
    require(actor, Permission.LEGAL_BASIS_READ)
    row = _numbered(actor, number)
    (basis,) = with_texts([row])
    in_all, of_version = _nobody(), _by_number()
    agreements = Agreement.objects.filter(tenant=actor.tenant, basis=row.id)
    for version, status, many in agreements.values_list("text_version", "status").annotate(many=Count("*")).order_by():
        of_version[version][AgreementStatus(status)] = many
        in_all[AgreementStatus(status)] += many
    texts = LegalBasisText.objects.filter(basis=row.id).order_by("-version")[:_MAX_VERSIONS]
    versions = [TextVersion(one.version, one.created, checked_text(one), of_version[one.version]) for one in texts]
    links = ActivityBasis.objects.filter(tenant=actor.tenant, basis=row.id).values("activity")
    activities = list(ProcessingActivity.objects.filter(id__in=links).order_by("id"))
    trail.record(actor, LEGAL_BASIS_READ, detail={"brief": row.brief})
    return BasisView(basis, in_all, versions, activities)


def preview_revocation(actor: Actor, *, number: int) -> Revocation:
    """How many agreements `revoke_agreements` would revoke, and of how many people.

    Raises:
        AccessDenied: the actor may not revoke them.
        NotFound: there is no legal basis of this number.
    """
    require(actor, Permission.AGREEMENT_REVOKE_ALL)
    row = _numbered(actor, number)
    given = Agreement.objects.filter(tenant=actor.tenant, basis=row.id, status=AgreementStatus.YES)
    # Two counts, each answered from an index alone: a million agreements needn't be read for it.
    everybody, unknown = given.count(), given.filter(digest__isnull=False).count()
    preview = Revocation(row, everybody - unknown, unknown)
    trail.record(actor, REVOCATION_PREVIEWED, detail={"brief": row.brief, "agreements": preview.agreements})
    return preview


def _nobody() -> Counts:
    return dict.fromkeys(AgreementStatus, 0)


def _by_number() -> defaultdict[int, Counts]:
    return defaultdict(_nobody)


def _numbered(actor: Actor, number: int) -> LegalBasis:
    row = LegalBasis.objects.filter(tenant=actor.tenant, id=number).first()
    if row is None:
        raise NotFound("legal basis not found")
    return row
