"""Agreements given by e-mail or phone before the person existed become the person's, and what is over ends.

Nothing of this is done when a person is created, so that creating stays fast: it is done when the person's agreements
are next looked at or changed, before an identity of the person changes, and by the maintenance pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from django.db.models import QuerySet

from audit import trail
from databunker.access.actor import Actor
from databunker.crypto import hashing
from databunker.crypto.errors import IntegrityFailure
from databunker.errors import BadRequest
from databunker.ids import unix_now
from vault import lookups
from vault.lookups import ByIdentity
from vault.records import OpenRecord

from .agreement_states import AgreementStatus
from .consent_storage import delete_agreements, expire
from .consents import Holder, open_words, seal_words
from .events import AGREEMENTS_LINKED
from .models import Agreement, AgreementEvent

__all__ = [
    "awaits_binding",
    "bind_pending_of",
    "end_what_is_over",
    "forget_agreements",
    "is_over",
    "rekey",
    "settle",
]


def awaits_binding(record: OpenRecord) -> bool:
    """Whether something is pending under an identity of the record."""
    return _pending(record).exists()


def settle(actor: Actor, record: OpenRecord) -> None:
    """Bind what is pending and end what is over, in the caller's transaction, with the record locked."""
    bind_pending_of(actor, record)
    own = Agreement.objects.filter(tenant=record.row.tenant, subject=record.row.subject)
    end_what_is_over(own.select_for_update(), unix_now())


def end_what_is_over(locked: Iterable[Agreement], now: int) -> None:
    """Expire those of the agreements, locked by the caller, whose time is over."""
    over = [row.id for row in locked if is_over(row, now)]
    if over:
        expire(over)


def is_over(row: Agreement, now: int) -> bool:
    """Whether it was given until a time that has come."""
    return row.status == AgreementStatus.YES and row.ends is not None and row.ends <= now


def _pending(record: OpenRecord) -> QuerySet[Agreement]:
    return Agreement.objects.filter(tenant=record.row.tenant, digest__in=record.row.digest_set)


def forget_agreements(actor: Actor, record: OpenRecord) -> None:  # noqa: ARG001 - a hook of the vault
    """Delete all that the person ever agreed to, with its history, and what is pending for the person's identities."""
    row = record.row
    delete_agreements(tenant=row.tenant, subject=row.subject)
    delete_agreements(tenant=row.tenant, digest__in=row.digest_set)


def bind_pending_of(actor: Actor, record: OpenRecord) -> int:
    """Bind what is pending under the identities of the record, in the caller's transaction; how many agreements.

    What was sealed under a data key is sealed under the record key. Where the person has spoken on a legal basis
    already, that stands, and what comes in is older history, unless it is a later withdrawal: who gives an
    agreement under somebody's future e-mail never gives it for that person.
    """
    if record.forgotten:
        return 0
    chains = [
        _Chain(row, list(AgreementEvent.objects.filter(agreement=row.id).order_by("number")))
        for row in _pending(record).select_for_update()
    ]
    if not chains:
        return 0
    holder = Holder(record.row.tenant, record)
    for basis, of_basis in _by_basis(chains).items():
        _bind(holder, basis, sorted(of_basis, key=lambda chain: chain.row.changed))
    trail.record(
        actor, AGREEMENTS_LINKED, subject=holder.subject, sealer=record.key, detail={"agreements": len(chains)}
    )
    return len(chains)


class _Chain:
    """A pending agreement with its history."""

    def __init__(self, row: Agreement, events: Sequence[AgreementEvent]) -> None:
        self.row = row
        self.events = events
        self.holder = Holder(row.tenant, digest=row.digest)


def rekey(number: int) -> bool:
    """Put a pending agreement under the index key that is looked up by, in the caller's transaction.

    Whether it stood under another one. The words of whoever gave it name the identity.

    Raises:
        IntegrityFailure, UnknownKey, BadRequest: it can't be read, or names no identity.
    """
    row = Agreement.objects.filter(id=number, digest__isnull=False).select_for_update().first()
    if row is None:
        return False  # bound or deleted since
    chain = _Chain(row, list(AgreementEvent.objects.filter(agreement=row.id).order_by("number")))
    said = next((event for event in chain.events if event.number == row.said), None)
    if said is None:
        raise IntegrityFailure("an agreement does not say what its history says")
    words = open_words(said, chain.holder)
    lookup = lookups.parse(words.mode, words.who, tenant=row.tenant)
    if not isinstance(lookup, ByIdentity):
        raise BadRequest("a pending agreement names no identity")
    if hashing.same(lookup.digest, row.digest or b""):
        return False
    # Where somebody has begun another one under that key already, the two become one.
    _bind(Holder(row.tenant, digest=lookup.digest, digests=(lookup.digest,)), row.basis, [chain])
    return True


def _by_basis(chains: Iterable[_Chain]) -> dict[int, list[_Chain]]:
    found: dict[int, list[_Chain]] = defaultdict(list)
    for chain in chains:
        found[chain.row.basis].append(chain)
    return found


def _bind(holder: Holder, basis: int, chains: list[_Chain]) -> None:
    """`chains` in the order of their last events: without a word of the holder's own, the latest stands."""
    own = Agreement.objects.filter(**holder.agreements(), basis=basis).select_for_update().first()
    if own is None:
        *chains, latest = chains
        own = latest.row
        _move(latest, holder, own, shift=0)
        own.subject, own.digest = holder.subject, holder.digest
    for chain in chains:
        row = chain.row
        if row.changed > own.changed and row.status != AgreementStatus.YES:
            shift = own.number - chain.events[0].number + 1
            own.status, own.changed, own.starts, own.ends = row.status, row.changed, row.starts, row.ends
            own.text_version, own.number, own.said = row.text_version, row.number + shift, row.said + shift
        else:
            shift = _first_number(own) - 1 - row.number
        _move(chain, holder, own, shift=shift)
        row.delete()
        own.created = min(own.created, row.created)
    own.save(force_update=True)


def _first_number(row: Agreement) -> int:
    numbers = AgreementEvent.objects.filter(agreement=row.id).order_by("number").values_list("number", flat=True)
    return numbers[0]


def _move(chain: _Chain, holder: Holder, target: Agreement, *, shift: int) -> None:
    """Put the chain's events into the history of `target`, sealed for the holder."""
    AgreementEvent.objects.filter(agreement=chain.row.id, number__in=[event.number for event in chain.events]).delete()
    for event in chain.events:
        words = open_words(event, chain.holder)
        event.agreement, event.number, event.subject = target.id, event.number + shift, holder.subject
        if event.words is not None:
            seal_words(event, words, holder)
    AgreementEvent.objects.bulk_create(chain.events)
