"""One stretch of a tree: its events, its leaves, its heads.

Where a chunk begins, the stored inner nodes say what stands left of it, and the heads within the chunk prove that they
say the truth. So each chunk is proved for itself, by any process, and a damaged one leaves the others provable.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from databunker.crypto import hashing
from databunker.crypto.errors import CryptoError
from databunker.db.statements import fetch_all
from databunker.ids import event_millis
from databunker.priority import rest

from .. import trail
from ..leaves import leaf_of, row_hash
from ..merkle import Frontier, Node, NotProved, frontier_of, leaf_hash
from ..models import Head as HeadRow
from ..retention import pruned_before
from ..rows import EVENT_COLUMNS, event_row, to_uuid
from ..trail import EventRow
from ..trees import Head, StoredHashes, Tree
from .findings import Findings, Kind

__all__ = ["CHUNK", "Chunk", "Seen", "check_chunk"]

# A multiple of 256, so that a chunk begins where an inner node ends.
CHUNK = 1 << 14
_BLOCK = 256
_ROWS = 2048

_LEAVES = (
    f"SELECT l.position, l.event, l.row_hash, {EVENT_COLUMNS} FROM audit_leaf l "  # noqa: S608 - our own SQL
    "LEFT JOIN audit_event e ON e.id = l.event "
    "WHERE l.tenant = %s AND l.position >= %s AND l.position < %s ORDER BY l.position"
)


class Seen(NamedTuple):
    """A head that a witness holds."""

    size: int
    root: bytes


class Chunk(NamedTuple):
    """The leaves from `start` up to `end`, and the heads that end in there."""

    tree: Tree
    start: int
    end: int
    seen: tuple[Seen, ...] = ()


def check_chunk(chunk: Chunk) -> Findings:
    return _Check(chunk).run()


class _Check:
    """A chunk at work: how far it is, and what it has found."""

    def __init__(self, chunk: Chunk) -> None:
        self.found = Findings()
        self._chunk = chunk
        self._tree = chunk.tree
        self._add = partial(self.found.add, tenant=chunk.tree.tenant)
        self._stored = StoredHashes(chunk.tree.tenant)
        self._frontier: Frontier | None = None
        self._pruned_before: int | None = None
        self._position = chunk.start
        # Since this position every head that was met holds.
        self._proved = chunk.start
        # Whether a node differed since then: the next head says whether its leaves did.
        self._doubtful = False
        self._last_event: UUID | None = None
        self._marks = self._heads()
        self._next = next(self._marks, None)

    def run(self) -> Findings:
        self._take_up(self._chunk.start)
        for start in range(self._chunk.start, self._chunk.end, _ROWS):
            rest()
            end = min(start + _ROWS, self._chunk.end)
            for values in fetch_all(_LEAVES, [self._tree.tenant, start, end]):
                self._leaf(*values)
            if self._position < end:
                self._missing(end)
        return self.found

    # --- leaves ------------------------------------------------------------------------------------------------------

    def _leaf(self, position: int, event_id: Any, stored: Any, *columns: Any) -> None:
        if position > self._position:
            self._missing(position)
        event, sealed = to_uuid(event_id), bytes(stored)
        if columns[0] is None:
            self._absent(position, event)
        else:
            self._present(position, event_row(columns), sealed)
        if self._last_event is not None and event < self._last_event:
            self._add(
                Kind.REORDERED,
                text=f"the leaves at positions {position - 1} and {position} stand in another order than they were "
                f"sealed in: events {self._last_event} and {event}",
                position=position,
                event=event,
            )
        self._last_event = event
        self._append(leaf_hash(leaf_of(event, sealed)))

    def _present(self, position: int, row: EventRow, sealed: bytes) -> None:
        self.found.events += 1
        try:
            trail.check_mac(row)
        except CryptoError:
            self._add(Kind.CHANGED, text=f"event {row.id} at position {position} is not as it was written",
                      position=position, event=row.id)  # fmt: skip
            return
        if row.tenant != self._tree.tenant or not hashing.same(row_hash(row), sealed):
            self._add(Kind.CHANGED, text=f"event {row.id} at position {position} is not the one that was sealed there",
                      position=position, event=row.id)  # fmt: skip

    def _absent(self, position: int, event: UUID) -> None:
        if self._pruned_before is None:
            # Asked late, as retention may be at work meanwhile.
            self._pruned_before = pruned_before(self._tree)
        if event_millis(event) < self._pruned_before:
            self.found.pruned += 1
            return
        self._add(Kind.REMOVED, text=f"event {event} at position {position} is gone", position=position, event=event)

    def _missing(self, until: int) -> None:
        """The leaves from here up to `until` are gone: what stands behind them is taken up where a node ends."""
        lost = f"leaf at position {until - 1}"
        if until - self._position > 1:
            lost = f"leaves at positions {self._position} to {until - 1}"
        self._add(Kind.REMOVED, text=f"the tree has lost its {lost}", position=self._position)
        self._frontier = None
        self._last_event = None
        while self._next is not None and self._next.size <= until:
            self._next = next(self._marks, None)
        self._position = until
        if until % _BLOCK == 0:
            self._take_up(until)

    # --- the tree ----------------------------------------------------------------------------------------------------

    def _take_up(self, position: int) -> None:
        """Go on from what the stored nodes say of all that stands left of this position."""
        try:
            self._frontier = frontier_of(self._stored, position)
        except NotProved:
            self._frontier = None
            self._add(Kind.TREE, text=f"inner nodes left of position {position} are missing", position=position)

    def _append(self, leaf: bytes) -> None:
        self._position += 1
        if self._frontier is not None:
            for node in self._frontier.append(leaf):
                self._compare(node)
        elif self._position % _BLOCK == 0:
            self._take_up(self._position)
        while self._next is not None and self._next.size == self._position:
            self._next.compare(self)
            self._next = next(self._marks, None)

    def _compare(self, node: Node) -> None:
        """With what is stored."""
        try:
            (stored,) = self._stored.read(node.height, node.place, 1)
        except NotProved:
            stored = b""
        if stored == node.hash:
            return
        width = 1 << node.height
        first = node.place * width
        self._doubtful = True
        self._add(
            Kind.TREE,
            text=f"the leaves at positions {first} to {first + width - 1} are not those that were sealed, or the inner "
            "node over them was changed",
            position=first,
        )

    # --- heads -------------------------------------------------------------------------------------------------------

    def head(self, head: Head) -> None:
        self.found.heads += 1
        self._last_event = None  # each step of the sealer is sorted for itself
        try:
            head.check(self._tree)
        except CryptoError:
            self._add(Kind.HEAD, text=f"the signature of the head of size {head.size} does not hold")
            return
        if self._frontier is None:
            return  # told of already: leaves or nodes are missing
        if self._frontier.root() != head.root:
            if not self._doubtful:
                self._add(
                    Kind.TREE,
                    text=f"the leaves at positions {self._proved} to {head.size - 1} are not those that the head of "
                    f"size {head.size} was signed for",
                    position=self._proved,
                )
            # Nothing is proved by these leaves: the stored nodes show the way on.
            self._frontier = None
            if head.size % _BLOCK == 0:
                self._take_up(head.size)
        self._proved, self._doubtful = head.size, False

    def seen(self, seen: Seen) -> None:
        if self._frontier is not None and self._frontier.root() != seen.root:
            self._add(
                Kind.WITNESS,
                text=f"a witness holds another head of size {seen.size}: the trail was rolled back and written anew",
                position=seen.size,
            )

    def _heads(self) -> Iterator[_Mark]:
        """Heads of the database and those of witnesses, by size."""
        seen = sorted(self._chunk.seen)
        heads = HeadRow.objects.filter(
            tenant=self._tree.tenant, size__gt=self._chunk.start, size__lte=self._chunk.end
        ).order_by("size")
        for size, root, at, signatures in heads.values_list(*Head._fields).iterator(chunk_size=_ROWS):
            while seen and seen[0].size <= size:
                yield _Mark(seen[0].size, None, seen.pop(0))
            yield _Mark(size, Head(size, bytes(root), at, bytes(signatures)), None)
        yield from (_Mark(one.size, None, one) for one in seen)


class _Mark(NamedTuple):
    """A size at which the root is known from elsewhere."""

    size: int
    head: Head | None
    seen: Seen | None

    def compare(self, check: _Check) -> None:
        if self.head is not None:
            check.head(self.head)
        if self.seen is not None:
            check.seen(self.seen)
