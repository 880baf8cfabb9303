"""Enter a forgetting into the journal, and give the journal out."""

from __future__ import annotations

from collections.abc import Iterator

from audit import trail
from databunker.access.actor import Actor
from databunker.access.permissions import Permission, require

from . import journal, pushing
from .entries import as_line, header_line
from .events import ERASURES_EXPORTED

__all__ = ["enter", "export_journal"]


def enter(*, tenant: int, subject: bytes, generation: int) -> None:
    """The caller's transaction destroys the person's record key; `generation` is that of the new one."""
    entry = journal.append(tenant=tenant, subject=subject, generation=generation)
    if entry is not None:
        pushing.have_it_outside(entry)


def export_journal(actor: Actor) -> Iterator[bytes]:
    """The whole journal as lines, as ERASURE_JOURNAL_FILE has them.

    Raises:
        AccessDenied: the actor may not.
    """
    require(actor, Permission.ERASURE_MANAGE)
    trail.record(actor, ERASURES_EXPORTED, detail={"erasures": journal.head().sequence})
    return _lines()


def _lines() -> Iterator[bytes]:
    yield header_line()
    yield from map(as_line, journal.entries_after(0))
