"""Write the identities of records anew: under other index keys, or as other settings have them found.

Everybody else goes on meanwhile. A batch is read without a lock and its identities are computed; then those records
that nobody has changed since are locked for as long as it takes to write. What was changed, or is held by somebody
else, is still behind and comes with a later batch.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import NamedTuple

from audit import trail
from databunker.access.actor import Actor
from databunker.crypto import hashing, store
from databunker.crypto.errors import CryptoError
from databunker.crypto.keyring import Keyring
from databunker.db.statements import atomically, insert_many, retrying_if_taken
from databunker.errors import BadRequest

from .. import hooks, identities, storage
from ..events import IDENTITY_LEFT_OUT
from ..identities import UNIQUE_SLOT, IdentityRow
from ..records import OpenRecord

__all__ = ["Reindexed", "count_behind", "indexed_fields", "last_record", "reindex_records"]


class Reindexed(NamedTuple):
    """What came of a batch.

    Attributes:
        last: the number of the last record that was looked at; None: there was none.
        records: how many were written.
        left_out: of which fields identities were left out of the index, as somebody else has them.
        damaged: the numbers of records that don't open; they stay behind.
    """

    last: int | None
    records: int = 0
    left_out: Counter[str] | None = None
    damaged: tuple[int, ...] = ()


class _Plan(NamedTuple):
    """A record, the entries that it is to have, and its digests under keys that are no longer written."""

    record: OpenRecord
    entries: list[IdentityRow]
    retired: frozenset[bytes]


def count_behind(epoch: int) -> int:
    """How many records have identities that were written before this epoch of the index keys."""
    return storage.count_behind(epoch)


def last_record() -> int:
    """The highest number of a record."""
    return storage.last_number()


def indexed_fields() -> set[str]:
    """The names of the fields by which anybody is found."""
    return storage.indexed_fields()


def reindex_records(actor: Actor, *, after: int, limit: int) -> Reindexed:
    """Bring at most `limit` records behind the number `after` up to date, each with its whole blind index.

    An identity that other settings make the same as somebody else's is left out; the person's trail says so.
    """
    keyring = store.current_keyring()
    batch = storage.behind(keyring.index_epoch, after=after, limit=limit)
    if not batch:
        return Reindexed(None)
    plans: dict[bytes, _Plan] = {}
    damaged = []
    for number, record in batch:
        try:
            plans[record.row.subject] = _planned(record, keyring)
        except (CryptoError, BadRequest):
            damaged.append(number)
    sound = [(number, record) for number, record in batch if record.row.subject in plans]

    def attempt() -> Reindexed:
        with atomically():
            chosen = [plans[record.row.subject] for record in storage.still_the_same(sound)]
            left_out = _write(actor, chosen, keyring)
        return Reindexed(batch[-1][0], len(chosen), left_out, tuple(damaged))

    return retrying_if_taken(attempt)


def _planned(record: OpenRecord, keyring: Keyring) -> _Plan:
    """
    Raises:
        CryptoError, BadRequest: the record is damaged.
    """
    tenant, subject = record.row.tenant, record.row.subject
    profile = record.profile()
    entries = identities.usable_rows_for(profile, tenant=tenant, subject=subject, keyring=keyring)
    everywhere = (
        digest
        for field, value in identities.extract(profile, lenient=True)
        for digest in identities.identity_digests(field, value, tenant=tenant, keyring=keyring)
    )
    return _Plan(record, entries, frozenset(everywhere) - {entry.digest for entry in entries})


def _write(actor: Actor, plans: Collection[_Plan], keyring: Keyring) -> Counter[str]:
    """The blind index of records that the caller's transaction holds locked; which fields had to be left out."""
    left_out: Counter[str] = Counter()
    new: dict[int, list[tuple[bytes, IdentityRow]]] = defaultdict(list)
    owners = _owners(plans)
    # When an old key is cleared away nothing is left out that was not before.
    telling = len(keyring.index_written) == len(keyring.index_keys)
    for plan in plans:
        row = plan.record.row
        told = replace(actor, tenant=row.tenant)
        had = row.digest_set
        kept, lost = _divided(plan, owners)
        if lost and telling:
            left_out.update(lost)
            detail = {"fields": sorted(lost)}
            trail.record(told, IDENTITY_LEFT_OUT, subject=row.subject, sealer=plan.record.key, detail=detail)
        digests = {entry.digest for entry in kept}
        if had - digests - plan.retired:
            for hook in hooks.before_identities_change:
                hook(told, plan.record)
        storage.delete_identities(row.tenant, row.subject, had - digests)
        new[row.tenant] += [(row.subject, entry) for entry in kept if entry.digest not in had]
        storage.set_digests(row, b"".join(entry.digest for entry in kept), keyring.index_epoch)
    for tenant, holders in new.items():
        # In one order for all writers, so that two of them can't wait for each other.
        insert_many(storage.identity_insert(tenant, sorted(holders, key=lambda holder: holder[1].digest)))
    return left_out


def _owners(plans: Iterable[_Plan]) -> dict[tuple[int, bytes], bytes]:
    """Who has the unique identities that the records are to have, by tenant and digest."""
    wanted: dict[int, list[bytes]] = defaultdict(list)
    for plan in plans:
        had = plan.record.row.digest_set
        unique = (entry for entry in plan.entries if entry.slot == UNIQUE_SLOT)
        wanted[plan.record.row.tenant] += [entry.digest for entry in unique if entry.digest not in had]
    return {
        (tenant, digest): subject
        for tenant, digests in wanted.items()
        for digest, subject in storage.taken(tenant, digests).items()
    }


def _divided(plan: _Plan, owners: dict[tuple[int, bytes], bytes]) -> tuple[list[IdentityRow], set[str]]:
    """The entries that the record gets, and the fields whose identities somebody else has.

    An identity is had under every index key that is written, or under none: else one whom an import has stored
    without an identity would take it from its holder where the holder's turn is yet to come.
    """
    row = plan.record.row
    had = row.digest_set
    lost = set()
    for entry in plan.entries:
        if entry.slot == UNIQUE_SLOT and entry.digest not in had:
            holder = owners.setdefault((row.tenant, entry.digest), row.subject)
            if not hashing.same(holder, row.subject):
                lost.add(entry.field)
    return [entry for entry in plan.entries if entry.field not in lost], lost
