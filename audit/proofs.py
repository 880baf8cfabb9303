"""Proofs for those who have nothing of this vault but its public key."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple
from uuid import UUID

from databunker.errors import NotFound

from . import leaves, models, statements, trees
from .errors import NotSealed, TreeDamaged
from .merkle import NotProved, consistency_proof, inclusion_proof, leaf_hash, verify_inclusion
from .statements import Signature
from .trail import EventRow
from .trees import Head, StoredHashes, Tree

__all__ = [
    "PROOF_FORMAT",
    "Proof",
    "consistency_of",
    "newest_checkpoint",
    "proof_of",
    "proofs_of",
    "public_keys",
    "sign",
]

PROOF_FORMAT = "databunker-audit-proof/1"


class Proof(NamedTuple):
    """That an event stands at its place in a signed tree. `event` is None once retention has deleted it."""

    event_id: UUID
    event: EventRow | None
    row_hash: bytes
    position: int
    path: list[bytes]
    tree: Tree
    head: Head

    def document(self) -> dict[str, Any]:
        """As JSON, for `audit.verifier`. Neither the person's reference nor what the event sealed is in it."""
        shown = leaves.shown(self.event) if self.event else {"id": str(self.event_id), "row_hash": self.row_hash.hex()}
        return {
            "format": PROOF_FORMAT,
            "event": shown,
            "position": self.position,
            "path": [hash_.hex() for hash_ in self.path],
            "head": self.head.note(self.tree),
        }


def proof_of(event_id: UUID, *, tenant: int) -> Proof:
    """The proof of one event under the newest head.

    Raises:
        NotFound: there is no such event in this tenant.
        NotSealed: the sealer has not come to it yet.
        TreeDamaged: the tree, or the event, is not what was signed.
    """
    return _proved(_placed(event_id, tenant), *newest_checkpoint(tenant))


def proofs_of(event_ids: Sequence[UUID], *, tenant: int) -> list[Proof]:
    """The proofs of several events under one head: the first that they all stand under, so that they stay the same.

    Raises: see `proof_of`.
    """
    placed = [_placed(event_id, tenant) for event_id in event_ids]
    tree, _ = newest_checkpoint(tenant)
    head = trees.first_head_over(tenant, max((one.position for one in placed), default=0))
    if head is None:
        raise NotSealed
    return [_proved(one, tree, head) for one in placed]


class _Placed(NamedTuple):
    """An event in the tree; `event` is None once retention has deleted it."""

    event_id: UUID
    event: EventRow | None
    position: int
    row_hash: bytes


def _placed(event_id: UUID, tenant: int) -> _Placed:
    """
    Raises: see `proof_of`.
    """
    event = models.Event.objects.filter(tenant=tenant, id=event_id).values_list(*EventRow._fields).first()
    row = None if event is None else EventRow._make(event)
    leaf = models.Leaf.objects.filter(tenant=tenant, event=event_id).values_list("position", "row_hash").first()
    if leaf is None:
        raise NotFound("event not found") if row is None else NotSealed
    return _Placed(event_id, row, leaf[0], bytes(leaf[1]))


def _proved(placed: _Placed, tree: Tree, head: Head) -> Proof:
    event_id, row, position, row_hash = placed
    hash_ = leaf_hash(leaves.leaf_of(event_id, row_hash))
    try:
        path = inclusion_proof(StoredHashes(tree.tenant), position=position, size=head.size)
        verify_inclusion(hash_, position=position, size=head.size, path=path, root=head.root)
    except (NotProved, ValueError) as error:
        raise TreeDamaged(f"the event at position {position} can't be proved: see `manage.py audit verify`") from error
    if row is not None and leaves.row_hash(row) != row_hash:
        raise TreeDamaged(f"the event at position {position} was changed: see `manage.py audit verify`")
    return Proof(event_id, row, row_hash, position, path, tree, head)


def newest_checkpoint(tenant: int) -> tuple[Tree, Head]:
    """The tenant's tree and its newest head.

    Raises:
        NotFound: nothing was sealed yet.
    """
    tree, head = trees.tree_of(tenant), trees.newest_head(tenant)
    if tree is None or head is None:
        raise NotFound("nothing was sealed yet")
    return tree, head


def consistency_of(old: int, *, head: Head, tenant: int) -> list[bytes]:
    """What shows that the tree of `head` began as the one of `old` leaves.

    Raises:
        ValueError: there was none, or it is the larger one.
        TreeDamaged: hashes are missing.
    """
    try:
        return consistency_proof(StoredHashes(tenant), old=old, size=head.size)
    except NotProved as error:
        raise TreeDamaged(f"hashes of the tree of tenant {tenant} are missing") from error


def public_keys(*, tenant: int) -> list[str]:
    """The keys that sign the tenant's heads, oldest first, as verifiers take them.

    Raises:
        NotFound: nothing was sealed yet.
    """
    tree, _ = newest_checkpoint(tenant)
    return statements.public_keys(origin=tree.origin)


def sign(message: bytes) -> Signature:
    """See `statements.sign_message`."""
    return statements.sign_message(message)
