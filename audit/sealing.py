"""Gather events into the trees, and sign what the trees have become.

Nothing of an event tells whether it has a leaf, so that whoever writes one does no more than insert it: events without
a leaf are looked for. An event's id says when it was made, not when its transaction was committed, so some appear
behind others that have their leaf already: each pass also looks some seconds back, now and then some minutes, and
little by little goes round all of them. So none is missed for ever, however late it comes. That none gets two leaves is
a unique index; that one host at a time appends is the lock of the tree's row.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError

from databunker.crypto.errors import CryptoError
from databunker.db.statements import Insert, atomically, execute, insert_many, retrying
from databunker.ids import event_millis, first_event_id
from databunker.priority import rest

from . import rows, trail, trees, witness
from .errors import TreeDamaged
from .leaves import leaf_of, row_hash
from .merkle import Node, leaf_hash
from .models import Event, Sealer
from .trail import EventRow
from .trees import Head, Tree

__all__ = ["BATCH", "Sealed", "seal_due", "seal_everything"]

_log = logging.getLogger(__name__)

# Events to a head at the most, while there is a backlog.
BATCH = 4096
_BATCHES_A_PASS = 8
# How far back each pass looks, and a wider one each minute; and how many events of the round a pass looks at.
_RECENT_SECONDS = 15
_NEAR_SECONDS, _NEAR_EVERY = 600, 60
_ROUND_EVERY, _ROUND_EVENTS = 3600, 20_000
_START, _END = UUID(int=0), UUID(int=(1 << 128) - 1)


class Sealed(NamedTuple):
    """How many events got a leaf, and those that didn't as they are not as they were written.

    `reached` is how far the look came in the order of ids; None where it came to its end.
    """

    number: int
    refused: list[UUID]
    reached: UUID | None = None


def seal_due(now: int, limit: int = BATCH * _BATCHES_A_PASS) -> int:
    """What the scheduler does every AUDIT_SEAL_SECONDS at `now` (Unix seconds): how many events were sealed.

    Raises:
        TreeDamaged: a tree is not what was signed; the others have their leaves.
    """
    marks, _ = Sealer.objects.get_or_create(id=1)
    if 0 <= now - marks.recent < settings.AUDIT_SEAL_SECONDS:
        return 0
    wide = not 0 <= now - marks.near < _NEAR_EVERY
    since = min(marks.recent, now) - (_NEAR_SECONDS if wide else _RECENT_SECONDS)
    found = _seal_between(first_event_id(since * 1000), _END, most=limit)
    if found.reached is not None:
        # More is waiting: the next pass goes on from here, at once.
        _move(marks, recent=event_millis(found.reached) // 1000)
        return found.number
    _move(marks, recent=now, **({"near": now} if wide else {}))
    return found.number + _go_round(marks, now)


def _go_round(marks: Sealer, now: int) -> int:
    """Look at the next events of the round, or begin another when its time has come."""
    if marks.cursor is None:
        if 0 <= now - marks.round < _ROUND_EVERY:
            return 0
        _move(marks, round=now, cursor=_START)
    after = marks.cursor or _START
    upto = _id_after(after, _ROUND_EVENTS)
    found = _seal_between(after, upto or _END)
    _move(marks, cursor=upto)
    return found.number


def _move(marks: Sealer, **changes: Any) -> None:
    """Two hosts that do so at once look at some events twice."""
    for name, value in changes.items():
        setattr(marks, name, value)
    Sealer.objects.filter(id=1).update(**changes)


def seal_everything(*, tell: Callable[[int], None], stopped: Callable[[], bool] = lambda: False) -> Sealed:
    """Give every committed event its leaf, from the oldest on.

    Args:
        tell: called with the number of events that were looked at or sealed since the last call.
        stopped: asked between batches; true ends it.

    Raises:
        TreeDamaged: a tree is not what was signed; the others have their leaves.
    """
    after: UUID | None = _START
    number, refused = 0, []
    while after is not None and not stopped():
        upto = _id_after(after, _ROUND_EVENTS)
        found = _seal_between(after, upto or _END)
        number += found.number
        refused += found.refused
        tell(_ROUND_EVENTS)
        after = upto
    return Sealed(number, refused, after)


def _id_after(after: UUID, number: int) -> UUID | None:
    """The id so many events later; None where there are not so many."""
    ids = Event.objects.filter(id__gt=after).order_by("id").values_list("id", flat=True)
    return ids[number - 1 : number].first()


def _seal_between(after: UUID, upto: UUID, *, most: int | None = None) -> Sealed:
    """Seal what has no leaf among the ids after `after`, up to `upto`; end early once `most` or more are sealed."""
    number, refused = 0, []
    damaged: TreeDamaged | None = None
    while True:
        # Before the look for events: where another host seals some of these meanwhile, the tree is not at this size.
        known = {tree.tenant: tree for tree in trees.all_trees()}
        found = rows.without_leaf(after, upto, BATCH)
        sound: dict[int, list[EventRow]] = defaultdict(list)
        for row in found:
            if _is_as_written(row):
                sound[row.tenant].append(row)
            else:
                refused.append(row.id)
        for tenant, events in sound.items():
            try:
                number += _append(known.get(tenant) or trees.new_tree(tenant), events)
            except TreeDamaged as error:
                damaged = error
        if len(found) < BATCH:
            break
        after = found[-1].id
        rest()
        if most is not None and number >= most:
            return Sealed(number, refused, after)
    if damaged is not None:
        raise damaged
    return Sealed(number, refused)


# Those of which this process has told already.
_told: set[UUID] = set()
_MOST_TOLD = 10_000


def _is_as_written(row: EventRow) -> bool:
    """A head vouches for each of its events: one that was changed, or that nobody of ours wrote, gets no leaf."""
    try:
        trail.check_mac(row)
    except CryptoError:
        if row.id not in _told and len(_told) < _MOST_TOLD:
            _told.add(row.id)
            _log.error("an event was changed before it was sealed: see audit verify", extra={"event": row.id})
        return False
    return True


def _append(tree: Tree, events: Sequence[EventRow]) -> int:
    """Add the events of one tenant to its tree, in this order, as one signed step; how many.

    None of them where another host has appended meanwhile: it saw the same events.

    Raises:
        TreeDamaged: the tree is not what was signed.
    """
    before = trees.head_at(tree.tenant, tree.size)
    frontier = trees.proved_frontier(tree, before)
    leaves: list[tuple[Any, ...]] = []
    nodes: list[Node] = []
    for position, event in enumerate(events, tree.size):
        hash_ = row_hash(event)
        leaves.append((tree.tenant, position, event.id, hash_))
        nodes += frontier.append(leaf_hash(leaf_of(event.id, hash_)))
    head = Head.signed(tree, size=frontier.size, root=frontier.root(), after=before)
    return len(events) if retrying(lambda: _store(tree, head, leaves, nodes)) else 0


def _store(tree: Tree, head: Head, leaves: Sequence[Sequence[Any]], nodes: Sequence[Node]) -> bool:
    """Whether the tree was still the one that the step begins from."""
    try:
        with atomically():
            mine = execute(
                "UPDATE audit_tree SET size = %s WHERE tenant = %s AND size = %s", [head.size, tree.tenant, tree.size]
            )
            if not mine:
                return False
            insert_many(Insert("audit_leaf", ("tenant", "position", "event", "row_hash"), leaves))
            if nodes:
                of_tree = [(tree.tenant, *node) for node in nodes]
                insert_many(Insert("audit_node", ("tenant", "height", "place", "hash"), of_tree))
            insert_many(Insert("audit_head", ("tenant", *Head._fields), [(tree.tenant, *head)]))
            witness.announce(tree, head)
    except IntegrityError as error:
        raise TreeDamaged(
            f"somebody else has written leaves, nodes or heads of tenant {tree.tenant} beyond its newest head"
        ) from error
    return True
