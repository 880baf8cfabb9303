"""Forget again, by the erasure journal, who came back with a backup."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import islice
from operator import attrgetter
from typing import NamedTuple

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require
from databunker.db.statements import atomically, for_update, retrying
from databunker.erasure import journal
from databunker.erasure.entries import Entry
from databunker.erasure.errors import JournalError
from databunker.erasure.events import JOURNAL_REPLAYED, JOURNAL_WAIVED
from databunker.errors import BadRequest, Conflict

from .. import storage
from ..models import Record
from .forget import forget_found

__all__ = ["MAX_REASON", "Replayed", "replay_journal", "waive_journal"]

MAX_REASON = 1_000
_BATCH = 500
_SHOWN = 5


class Replayed(NamedTuple):
    """How many entries were read, how many people were forgotten again, and which entries nobody had."""

    entries: int
    forgotten: int
    gaps: list[tuple[int, int]]


def replay_journal(
    actor: Actor,
    entries: Iterable[Entry],
    *,
    accept_gaps: bool = False,
    reason: str = "",
    tell: Callable[[int], None] = lambda _: None,
) -> Replayed:
    """Take the entries into the vault's journal, and forget everybody in them who is here and not forgotten.

    Safe to stop at any point and to run again; entries may come in any order, and more than once. A vault that was
    restored serves again when this has returned.

    Args:
        entries: of one journal or several, each proved (see `read_lines`).
        accept_gaps: serve though entries are missing, whom nobody can know; `reason` says why.
        tell: called with the number of entries read so far.

    Raises:
        AccessDenied: the actor may not.
        JournalError: entries are missing, or the chain does not hold. What could be read was replayed all the same.
        IntegrityFailure, UnknownKey: a record was changed in the database.
    """
    require(actor, Permission.ERASURE_MANAGE)
    if accept_gaps:
        _require_reason(reason)
    done = forgotten = 0
    foreign: set[bytes] = set()
    for batch in _batches(entries):
        with atomically():
            journal.adopt(batch, foreign)
        forgotten += sum(_forget_again(actor, entry) for entry in _to_forget(batch))
        done += len(batch)
        tell(done)
    gaps = journal.missing_numbers()
    if not accept_gaps:
        _require_whole(gaps)
    with atomically():
        journal.mark_replayed()
        detail = {"entries": done, "forgotten": forgotten, "missing": gaps, "message": reason}
        trail.record(actor, JOURNAL_REPLAYED, detail={name: value for name, value in detail.items() if value != ""})
    return Replayed(done, forgotten, gaps)


def _batches(entries: Iterable[Entry]) -> Iterator[list[Entry]]:
    source = iter(entries)
    while batch := list(islice(source, _BATCH)):
        yield batch


def _to_forget(batch: list[Entry]) -> Iterator[Entry]:
    """Those whose record is of a key that the forgetting had destroyed."""
    for tenant in {entry.tenant for entry in batch}:
        of_tenant = sorted((entry for entry in batch if entry.tenant == tenant), key=attrgetter("generation"))
        wanted = {entry.subject: entry for entry in of_tenant}  # the last forgetting of each
        rows = Record.objects.filter(tenant=tenant, subject__in=list(wanted)).values_list("subject", "generation")
        for subject, generation in rows:
            if generation < wanted[bytes(subject)].generation:
                yield wanted[bytes(subject)]


def _forget_again(actor: Actor, entry: Entry) -> bool:
    def attempt() -> bool:
        with atomically():
            record = storage.by_subject(entry.tenant, entry.subject, suffix=for_update())
            if record is None or record.row.generation >= entry.generation:
                return False
            forget_found(replace(actor, tenant=entry.tenant), record, reason="by the erasure journal, after a restore")
            return True

    return retrying(attempt)


def _require_whole(gaps: list[tuple[int, int]]) -> None:
    """
    Raises:
        JournalError: entries are missing, or don't belong together.
    """
    if gaps:
        shown = ", ".join(f"{first} to {last}" if last > first else str(first) for first, last in gaps[:_SHOWN])
        raise JournalError(
            f"erasures are missing from the journal: {shown}. Replay another copy of it too, or serve without them by "
            "--accept-gaps --reason TEXT"
        )
    problem = next(journal.check_chain(), None)
    if problem:
        raise JournalError(f"the journal does not hold: {problem}")


def waive_journal(actor: Actor, *, reason: str) -> None:
    """Let a restored vault serve though no journal is replayed: people forgotten since its backup may be in it.

    Raises:
        AccessDenied: the actor may not.
        BadRequest: no reason is given.
        Conflict: no journal is waited for.
    """
    require(actor, Permission.ERASURE_MANAGE)
    _require_reason(reason)
    with atomically():
        if journal.head().restored is None:
            raise Conflict("no journal is waited for: this database was not restored, or a journal was replayed")
        journal.mark_replayed()
        trail.record(actor, JOURNAL_WAIVED, detail={"message": reason})


def _require_reason(reason: str) -> None:
    """
    Raises:
        BadRequest: there is none, or it is too long.
    """
    if not reason.strip():
        raise BadRequest("say why: --reason TEXT")
    if len(reason) > MAX_REASON:
        raise BadRequest(f"a reason has at most {MAX_REASON} characters")
