"""Agreements from another vault: what somebody said there, when, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.errors import BadRequest
from vault import lookups, references
from vault.actions import Fate
from vault.lookups import ByIdentity
from vault.queries import record_of

from ..agreement_states import AgreementStatus
from ..consents import PENDING_MODES, Holder, Words, seal_words
from ..events import AGREEMENT_ADOPTED
from ..models import Agreement, AgreementEvent, LegalBasis
from .adopt import AdoptedPart, Alongside, adopt_each

__all__ = ["PastAgreement", "adopt_agreements"]

_SPOKEN = frozenset({AgreementStatus.YES, AgreementStatus.NO})


class PastAgreement(NamedTuple):
    """`token` is None before the person exists: then `words` has the e-mail or phone. Times in Unix seconds.

    `said` is when somebody accepted or withdrew, `changed` when it became what it is.
    """

    brief: str
    token: UUID | None
    status: AgreementStatus
    words: Words
    created: int
    said: int
    changed: int
    starts: int
    ends: int | None


def adopt_agreements(actor: Actor, *, items: Sequence[PastAgreement], alongside: Alongside) -> list[AdoptedPart]:
    """Store agreements, in one transaction, as said to the texts as they are now. One that is here already stays.

    Of what was accepted and then expired or was revoked both are in the history. Of the forgotten nothing is stored.

    Raises:
        AccessDenied: the actor may not speak for people.
    """
    require(actor, Permission.AGREEMENT_CHANGE)
    briefs = {item.brief for item in items}
    bases = {row.brief: row for row in LegalBasis.objects.filter(tenant=actor.tenant, brief__in=briefs)}

    def adopt(item: PastAgreement) -> AdoptedPart:
        basis = bases.get(item.brief)
        if basis is None:
            return AdoptedPart(Fate.REFUSED, ["the legal basis is not here"])
        try:
            holder = _holder_of(actor, item)
        except BadRequest as error:
            return AdoptedPart(Fate.REFUSED, [error.message])
        if holder is None:
            return AdoptedPart(Fate.NOBODY)
        if holder.record is not None and holder.record.forgotten:
            return AdoptedPart(Fate.FORGOTTEN)
        if Agreement.objects.filter(**holder.agreements(), basis=basis.id).exists():
            return AdoptedPart(Fate.PRESENT)
        _write(actor, holder, basis, item)
        return AdoptedPart(Fate.STORED)

    # In one order for all who lock several people, so that two can't wait for each other.
    order = sorted(range(len(items)), key=lambda at: _reference(actor, items[at]))

    def told(outcomes: list[AdoptedPart]) -> None:
        alongside(_in_order(order, outcomes))

    return _in_order(order, adopt_each([items[at] for at in order], adopt, told))


def _in_order(order: Sequence[int], outcomes: Sequence[AdoptedPart]) -> list[AdoptedPart]:
    found = dict(zip(order, outcomes, strict=True))
    return [found[at] for at in range(len(outcomes))]


def _reference(actor: Actor, item: PastAgreement) -> bytes:
    return b"" if item.token is None else references.subject_of(item.token, tenant=actor.tenant)


def _holder_of(actor: Actor, item: PastAgreement) -> Holder | None:
    """
    Raises:
        BadRequest: of nobody, and not by e-mail or phone.
    """
    if item.token is not None:
        record = record_of(actor.tenant, _reference(actor, item), lock=True)
        return None if record is None else Holder(actor.tenant, record)
    lookup = lookups.parse(item.words.mode, item.words.who, tenant=actor.tenant)
    if not isinstance(lookup, ByIdentity) or lookup.field.name not in PENDING_MODES:
        raise BadRequest("of nobody, and not by e-mail or phone")
    return Holder.of_nobody(actor.tenant, lookup)


def _write(actor: Actor, holder: Holder, basis: LegalBasis, item: PastAgreement) -> None:
    spoken = item.status in _SPOKEN
    row = Agreement.objects.create(
        tenant=holder.tenant, subject=holder.subject, digest=holder.digest, basis=basis.id, status=item.status.value,
        number=1 if spoken else 2, said=1, text_version=basis.text_version, starts=item.starts, ends=item.ends,
        created=item.created, changed=item.changed,
    )  # fmt: skip
    said = _event(actor, row, 1, item.status if spoken else AgreementStatus.YES, item.changed if spoken else item.said)
    seal_words(said, item.words, holder)
    events = [said] if spoken else [said, _event(actor, row, 2, item.status, item.changed)]
    AgreementEvent.objects.bulk_create(events)
    detail: dict[str, Any] = {"brief": basis.brief}
    sealer = holder.record.key if holder.record else None
    trail.record(actor, AGREEMENT_ADOPTED, subject=holder.subject, sealer=sealer, detail=detail)


def _event(actor: Actor, row: Agreement, number: int, status: AgreementStatus, at: int) -> AgreementEvent:
    return AgreementEvent(
        agreement=row.id, number=number, tenant=row.tenant, subject=row.subject, basis=row.basis, status=status.value,
        text_version=row.text_version, at=at, starts=row.starts, ends=row.ends, actor_kind=actor.kind.value,
        actor_token=actor.token_id, request=actor.request_id,
    )  # fmt: skip
