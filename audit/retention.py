"""Old events leave the trail, where the operator has set how long it is kept; their leaves stay in the tree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef

from databunker.crypto.errors import CryptoError
from databunker.db.statements import atomically, database
from databunker.ids import event_millis, first_event_id, unix_now

from . import notes, statements, trees
from .errors import TreeDamaged
from .models import Event, Leaf, Pruning
from .trees import Tree

__all__ = ["delete_events_before", "pruned_before", "pruning_note"]


def delete_events_before(micros: int, limit: int) -> dict[int, int]:
    """Delete at most `limit` of the oldest events, those from before `micros` (Unix time); how many of each tenant.

    Only events that have a leaf: this stays, and a signed statement, which tells what was deleted from what was stolen.
    In the caller's transaction or one of its own. Events that another host is deleting are left to it.
    """
    before = micros // 1000
    with transaction.atomic():
        # Ids sort by time: the oldest events are found at one end of the primary key.
        sealed = Event.objects.filter(Exists(Leaf.objects.filter(event=OuterRef("id"))), id__lt=first_event_id(before))
        mine = sealed.select_for_update(skip_locked=database().features.has_select_for_update_skip_locked)
        old: list[tuple[UUID, int]] = list(mine.order_by("id").values_list("id", "tenant")[:limit])
        Event.objects.filter(id__in=[event for event, _ in old]).delete()
        counts = Counter(tenant for _, tenant in old)
        for tenant in counts:
            _state(tenant, [event for event, of in old if of == tenant], before)
    return dict(counts)


def _state(tenant: int, deleted: Sequence[UUID], before: int) -> None:
    """Sign that events from before `before` may be gone, unless that is stated for all of these already."""
    tree = trees.tree_of(tenant)
    if tree is None:
        raise TreeDamaged(f"the tree of tenant {tenant} is gone")
    if event_millis(max(deleted)) < pruned_before(tree):
        return
    at = unix_now()
    signatures = statements.sign(notes.pruning_text(tree.origin, before=before, at=at))
    new = {"before": before, "at": at, "signatures": signatures}
    if Pruning.objects.filter(tenant=tenant, before__lt=before).update(**new):
        return
    try:
        with atomically():
            Pruning.objects.create(tenant=tenant, **new)
    except IntegrityError:
        # Another host was faster, or an earlier statement was changed in the database: its time is not what was signed.
        Pruning.objects.filter(tenant=tenant).update(**new)


def pruned_before(tree: Tree) -> int:
    """Up to when events may be missing (Unix milliseconds); 0 where none were deleted, or the statement was changed."""
    statement = Pruning.objects.filter(tenant=tree.tenant).first()
    if statement is None:
        return 0
    try:
        statements.check(_text(tree, statement), bytes(statement.signatures))
    except CryptoError:
        return 0
    return statement.before


def pruning_note(tree: Tree) -> str | None:
    """The statement as everybody can check it, where there is one."""
    statement = Pruning.objects.filter(tenant=tree.tenant).first()
    if statement is None:
        return None
    return statements.note(_text(tree, statement), origin=tree.origin, signatures=bytes(statement.signatures))


def _text(tree: Tree, statement: Pruning) -> str:
    return notes.pruning_text(tree.origin, before=statement.before, at=statement.at)
