"""The trail of one tenant as JSON Lines, with all that proves it to whoever has the public key; see docs/audit.md.

Nothing personal is in it: of what an event sealed only the hash, and the person only as the keyed reference.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from databunker.access.actor import Actor, ActorKind
from databunker.access.permissions import Permission, require
from databunker.db.statements import fetch_all
from databunker.errors import BadRequest
from databunker.priority import rest

from . import events, proofs, retention, trail, trees
from .events import Outcome
from .leaves import shown
from .merkle import frontier_of
from .models import Head as HeadRow
from .rows import EVENT_COLUMNS, event_row, to_uuid
from .trail import EventRow
from .trees import Head, StoredHashes, Tree

__all__ = ["EXPORT_FORMAT", "Export", "export_trail"]

EXPORT_FORMAT = "databunker-audit-export/1"
_ROWS = 2048

_LEAVES = (
    f"SELECT l.position, l.event, l.row_hash, {EVENT_COLUMNS} FROM audit_leaf l "  # noqa: S608 - our own SQL
    "LEFT JOIN audit_event e ON e.id = l.event "
    "WHERE l.tenant = %s AND l.position >= %s AND l.position < %s ORDER BY l.position"
)


class Export:
    """Lines to be gone through once: the events at positions from `start` up to `end`."""

    def __init__(self, tree: Tree, start: int, head: Head) -> None:
        self.start, self.end = start, head.size
        self._tree = tree

    def __iter__(self) -> Iterator[bytes]:
        """
        Raises:
            NotProved: hashes of the tree are missing.
            DatabaseError: the database is gone.
        """
        tree, counts = self._tree, {"event": 0, "pruned": 0, "head": 0}
        frontier = frontier_of(StoredHashes(tree.tenant), self.start)
        yield _line(
            "export",
            format=EXPORT_FORMAT,
            origin=tree.origin,
            tenant=tree.tenant,
            **{"from": self.start},
            to=self.end,
            frontier=[hash_.hex() for hash_ in frontier.hashes],
        )
        # Retention may be at work meanwhile: its statement stands before each part that lacks events.
        note = None
        for first in range(self.start, self.end, _ROWS):
            rest()
            last = min(first + _ROWS, self.end)
            rows = fetch_all(_LEAVES, [tree.tenant, first, last])
            if any(row[3] is None for row in rows):
                stated = retention.pruning_note(tree)
                if stated is not None and stated != note:
                    note = stated
                    yield _line("pruning", note=note)
            heads = _heads(tree, first, last)
            for row in rows:
                kind, line = _event(*row)
                counts[kind] += 1
                yield line
                for head in heads.get(row[0] + 1, ()):
                    counts["head"] += 1
                    yield _line("head", note=head.note(tree))
        yield _line("end", events=counts["event"], pruned=counts["pruned"], heads=counts["head"])


def export_trail(actor: Actor, *, start: int = 0) -> Export:
    """The actor's tenant's events from position `start` on, up to the newest head.

    Raises:
        AccessDenied: the actor may not read them all.
        NotFound: nothing was sealed yet.
        BadRequest: no head ends at `start`, or nothing follows it.
    """
    require(actor, Permission.AUDIT_LIST_ALL)
    tree, head = proofs.newest_checkpoint(actor.tenant)
    if start >= head.size:
        raise BadRequest(f"nothing follows position {start}: the newest head has size {head.size}")
    if start and trees.head_at(tree.tenant, start) is None:
        raise BadRequest("an export begins where a head ends: give the position at which another export ended")
    trail.record(actor, events.EXPORTED, detail={"message": f"positions {start} to {head.size - 1}"})
    return Export(tree, start, head)


def _heads(tree: Tree, first: int, last: int) -> dict[int, list[Head]]:
    rows = HeadRow.objects.filter(tenant=tree.tenant, size__gt=first, size__lte=last).values_list(*Head._fields)
    return {size: [Head(size, bytes(root), at, bytes(signatures))] for size, root, at, signatures in rows}


def _event(position: int, event_id: Any, row_hash: Any, *columns: Any) -> tuple[str, bytes]:
    if columns[0] is None:
        gone = {"id": str(to_uuid(event_id)), "row_hash": bytes(row_hash).hex()}
        return "pruned", _line("pruned", position=position, event=gone)
    row = event_row(columns)
    return "event", _line("event", position=position, event=_shown(row), **_words(row))


def _shown(row: EventRow) -> dict[str, Any]:
    """With the person's reference, by which a reader sees which events are about one person."""
    return {**shown(row), "subject": None if row.subject is None else row.subject.hex()}


def _words(row: EventRow) -> dict[str, str]:
    """What the numbers stand for; the proof is over the numbers."""
    return {
        "code": events.by_number(row.type).code,
        "status": Outcome(row.outcome).name.lower(),
        "actor": ActorKind(row.actor_kind).label,
    }


def _line(kind: str, **fields: Any) -> bytes:
    return orjson.dumps({"kind": kind, **fields}) + b"\n"
