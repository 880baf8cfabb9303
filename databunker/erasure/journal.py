"""The journal in the database: one chain, to which whoever forgets somebody appends in the same transaction."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple
from uuid import UUID

from django.db.models import Exists, OuterRef

from databunker.crypto import hashing
from databunker.db.statements import Insert, execute
from databunker.ids import unix_now

from . import entries
from .entries import GENESIS, Entry
from .errors import JournalError, NotReplayed
from .models import Erasure, Journal

__all__ = [
    "Head",
    "adopt",
    "append",
    "check_chain",
    "entries_after",
    "entry_at",
    "forgotten_among",
    "head",
    "mark_replayed",
    "mark_restored",
    "missing_numbers",
    "require_known",
    "require_replayed",
]

_ROW = 1
_PAGE = 500


class Head(NamedTuple):
    """Where the chain ends, and the backup that waits for its journal, if one does."""

    sequence: int
    mac: bytes
    restored: UUID | None


_NONE = Head(0, GENESIS, None)


def head() -> Head:
    """As the latest commit has left it."""
    row = Journal.objects.filter(pk=_ROW).values_list(*Head._fields).first()
    return _NONE if row is None else Head(row[0], bytes(row[1]), row[2])


def _locked_head() -> Head:
    """As `head`, and nobody else appends until the caller's transaction ends."""
    locked = Journal.objects.select_for_update().filter(pk=_ROW).values_list(*Head._fields)
    row = locked.first()
    if row is None:
        Journal.objects.bulk_create([Journal(pk=_ROW, mac=GENESIS)], ignore_conflicts=True)
        row = locked.get()
    return Head(row[0], bytes(row[1]), row[2])


def append(*, tenant: int, subject: bytes, generation: int) -> Entry | None:
    """Enter a forgetting, in its transaction; None where it is entered already, as when a journal is replayed.

    Forgettings commit one after the other from here on: that is what makes the numbers gapless, and in the order of
    their commits.
    """
    end = _locked_head()
    if Erasure.objects.filter(tenant=tenant, subject=subject, generation=generation).exists():
        return None
    entry = entries.sealed(
        sequence=end.sequence + 1,
        tenant=tenant,
        at=unix_now(),
        subject=subject,
        generation=generation,
        previous=end.mac,
    )
    _insert([entry])
    _move_to(entry)
    return entry


def _insert(rows: Sequence[Entry]) -> None:
    execute(*Insert("erasure_entry", Entry._fields, rows).statement())


def _move_to(entry: Entry) -> None:
    Journal.objects.filter(pk=_ROW).update(sequence=entry.sequence, mac=entry.mac)


def adopt(batch: Sequence[Entry], foreign: set[bytes]) -> None:
    """Take entries of a journal into the database; in the caller's transaction.

    They stay as they are where they belong to its chain. Those that don't come from a life of the vault that this
    database knows nothing of, such as one from before an earlier restore: what they tell is appended as new.

    Args:
        foreign: the MACs of such entries so far, for what follows upon them.
    """
    end = _locked_head()
    batch = sorted(set(batch))
    numbers = {entry.sequence + step for entry in batch for step in (-1, 0, 1)}
    chain = {entry.sequence: entry for entry in _entries(Erasure.objects.filter(sequence__in=numbers))}
    tenants, subjects = {entry.tenant for entry in batch}, {entry.subject for entry in batch}
    earlier = Erasure.objects.filter(tenant__in=tenants, subject__in=subjects)
    told = {_forgetting(entry) for entry in _entries(earlier)}
    new: list[Entry] = []
    strangers: list[Entry] = []
    for entry in batch:
        known = chain.get(entry.sequence)
        if known is not None and hashing.same(known.mac, entry.mac):
            continue
        if known is None and entry.previous not in foreign and _fits(entry, chain) and _forgetting(entry) not in told:
            new.append(entry)
            chain[entry.sequence] = entry
            told.add(_forgetting(entry))
        else:
            foreign.add(entry.mac)
            strangers.append(entry)
    if new:
        _insert(new)
        if new[-1].sequence > end.sequence:
            _move_to(new[-1])
    for entry in strangers:
        append(tenant=entry.tenant, subject=entry.subject, generation=entry.generation)


def _forgetting(entry: Entry) -> tuple[int, bytes, int]:
    return entry.tenant, entry.subject, entry.generation


def _fits(entry: Entry, chain: dict[int, Entry]) -> bool:
    """Whether it is linked with those of its neighbours that are there."""
    before, behind = chain.get(entry.sequence - 1), chain.get(entry.sequence + 1)
    return (before is None or hashing.same(before.mac, entry.previous)) and (
        behind is None or hashing.same(behind.previous, entry.mac)
    )


# --- reading ---------------------------------------------------------------------------------------------------------


def _entries(rows: object) -> Iterator[Entry]:
    for sequence, tenant, at, subject, generation, previous, mac in rows.values_list(*Entry._fields):  # type: ignore[attr-defined] # a query set
        yield Entry(sequence, tenant, at, bytes(subject), generation, bytes(previous), bytes(mac))


def forgotten_among(tenant: int, subjects: Collection[bytes]) -> set[bytes]:
    """Those of these people whom this vault has ever forgotten, whether or not anything of them is here."""
    rows = Erasure.objects.filter(tenant=tenant, subject__in=list(subjects)).values_list("subject", flat=True)
    return {bytes(subject) for subject in rows}


def entry_at(sequence: int) -> Entry | None:
    return next(_entries(Erasure.objects.filter(pk=sequence)), None)


def entries_after(sequence: int) -> Iterator[Entry]:
    """The entries behind this number, in order, in memory that does not grow with their number."""
    while True:
        page = list(_entries(Erasure.objects.filter(sequence__gt=sequence).order_by("sequence")[:_PAGE]))
        yield from page
        if len(page) < _PAGE:
            return
        sequence = page[-1].sequence


def missing_numbers(*, most: int = 10) -> list[tuple[int, int]]:
    """The gaps in the journal, each from its first number to its last one; the first few."""
    follower = Erasure.objects.filter(sequence=OuterRef("sequence") + 1)
    ends = Erasure.objects.filter(~Exists(follower)).order_by("sequence").values_list("sequence", flat=True)
    last = head().sequence
    starts = [end for end in ends[: most + 1] if end < last]
    if last and not Erasure.objects.filter(pk=1).exists():
        starts.insert(0, 0)
    gaps = []
    for start in starts[:most]:
        behind = Erasure.objects.filter(sequence__gt=start).order_by("sequence").values_list("sequence", flat=True)
        gaps.append((start + 1, (behind.first() or last + 1) - 1))
    return gaps


def check_chain() -> Iterator[str]:
    """What is wrong with the journal in the database: entries that were changed, taken out or put in.

    Gaps that were there when a journal was replayed show too: nothing can prove what stood in them.
    """
    end = head()
    before = Entry(0, 0, 0, b"", 0, b"", GENESIS)
    for entry in entries_after(0):
        if entry.sequence != before.sequence + 1:
            yield f"erasures {before.sequence + 1} to {entry.sequence - 1} are missing"
        elif not hashing.same(entry.previous, before.mac):
            yield f"erasure {entry.sequence} does not follow the one before it"
        if not entries.is_authentic(entry):
            yield f"erasure {entry.sequence} was changed"
        before = entry
    if before.sequence != end.sequence or not hashing.same(before.mac, end.mac):
        yield f"the journal should end with erasure {end.sequence}, and ends with {before.sequence}"


# --- a restored vault ------------------------------------------------------------------------------------------------


def mark_restored(backup: UUID) -> None:
    """In the transaction of a restore: nothing serves until a journal was replayed, or declared not to be."""
    _locked_head()
    Journal.objects.filter(pk=_ROW).update(restored=backup)


def mark_replayed() -> None:
    Journal.objects.filter(pk=_ROW).update(restored=None)


def require_replayed() -> None:
    """
    Raises:
        NotReplayed: the database was restored, and people who were forgotten since the backup may be in it.
    """
    if head().restored is not None:
        raise NotReplayed(
            "this vault was restored from a backup, and people may be in it who were forgotten since: run `manage.py "
            "erasures replay JOURNAL`, or `erasures replay --none --reason TEXT` where there is no journal"
        )


def require_known(last: Entry) -> None:
    """That the database is not older than a journal that ends with `last`, and of the same life.

    Raises:
        JournalError: it is not.
    """
    if last.sequence > head().sequence:
        raise JournalError(
            f"the erasure journal goes on to number {last.sequence}, this database to {head().sequence} only: it is "
            "an older one, and forgotten people may be in it. Run `manage.py erasures replay JOURNAL`"
        )
    here = entry_at(last.sequence)
    if here is None or not hashing.same(here.mac, last.mac):
        raise JournalError(
            f"erasure {last.sequence} of the journal is not known to this database: run `manage.py erasures replay "
            "JOURNAL`, then set ERASURE_JOURNAL_FILE to a new file"
        )
