"""The trees as they are stored: hashes of a tree's leaves and nodes, and its heads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import IntegrityError
from django.db.models import QuerySet

from databunker.crypto.errors import CryptoError
from databunker.db.statements import atomically
from databunker.ids import new_token, unix_now

from . import models, notes, statements
from .errors import TreeDamaged
from .leaves import leaf_of
from .merkle import Frontier, NotProved, frontier_of, leaf_hash

__all__ = [
    "Head",
    "StoredHashes",
    "Tree",
    "all_trees",
    "first_head_over",
    "head_at",
    "new_tree",
    "newest_head",
    "proved_frontier",
    "tree_of",
]

_TILE = 256
# Few of them are needed at a time; a bound, as whoever walks a whole tree comes by all.
_TILES_KEPT = 64


class Tree(NamedTuple):
    tenant: int
    log: UUID
    size: int

    @property
    def origin(self) -> str:
        return statements.origin_of(self.log)


class Head(NamedTuple):
    """A tree head; `signatures` as they are stored."""

    size: int
    root: bytes
    at: int
    signatures: bytes

    def text(self, tree: Tree) -> str:
        return notes.checkpoint_text(tree.origin, size=self.size, root=self.root, at=self.at)

    def note(self, tree: Tree) -> str:
        """As everybody can check it.

        Raises:
            IntegrityFailure, UnknownKey: see `statements.note`.
        """
        return statements.note(self.text(tree), origin=tree.origin, signatures=self.signatures)

    def check(self, tree: Tree) -> None:
        """
        Raises:
            IntegrityFailure, UnknownKey: see `statements.check`.
        """
        statements.check(self.text(tree), self.signatures)

    @classmethod
    def signed(cls, tree: Tree, *, size: int, root: bytes, after: Head | None) -> Head:
        """The head of the tree at this size, by the clock and the newest key of this process."""
        unsigned = cls(size, root, unix_now(), b"")
        return unsigned._replace(
            signatures=statements.sign(unsigned.text(tree), after=after.signatures if after else b"")
        )


class StoredHashes:
    """See `merkle.Hashes`. What was read once is not read again: such a view is for one proof."""

    def __init__(self, tenant: int) -> None:
        self._tenant = tenant
        self._tiles: dict[tuple[int, int], list[bytes]] = {}

    def read(self, height: int, first: int, number: int) -> Sequence[bytes]:
        place, offset = divmod(first, _TILE)
        found = self._tile(height, place)[offset : offset + number]
        if len(found) != number:
            raise NotProved("hashes of the tree are missing")
        return found

    def _tile(self, height: int, place: int) -> list[bytes]:
        """256 hashes side by side, or as many of them as there are up to the first that is missing."""
        tile = self._tiles.get((height, place))
        if tile is None:
            if len(self._tiles) == _TILES_KEPT:
                self._tiles.clear()
            tile = self._tiles[height, place] = self._load(height, place * _TILE)
        return tile

    def _load(self, height: int, first: int) -> list[bytes]:
        places = range(first, first + _TILE)
        if height:
            nodes = models.Node.objects.filter(tenant=self._tenant, height=height)
            rows = nodes.filter(place__gte=places.start, place__lt=places.stop).order_by("place")
            found = list(rows.values_list("place", "hash"))
        else:
            leaves = models.Leaf.objects.filter(tenant=self._tenant)
            of_leaves = leaves.filter(position__gte=places.start, position__lt=places.stop).order_by("position")
            found = [
                (position, leaf_hash(leaf_of(event, bytes(row_hash))))
                for position, event, row_hash in of_leaves.values_list("position", "event", "row_hash")
            ]
        there = sum(1 for place, (found_place, _) in zip(places, found, strict=False) if place == found_place)
        return [bytes(hash_) for _, hash_ in found[:there]]


def all_trees() -> list[Tree]:
    return [Tree(*row) for row in models.Tree.objects.order_by("tenant").values_list(*Tree._fields)]


def tree_of(tenant: int) -> Tree | None:
    row = models.Tree.objects.filter(tenant=tenant).values_list(*Tree._fields).first()
    return None if row is None else Tree(*row)


def new_tree(tenant: int) -> Tree:
    """The tenant's tree as it begins; made by this host or, at the same moment, by another."""
    try:
        with atomically():
            models.Tree.objects.create(tenant=tenant, log=new_token())
    except IntegrityError:
        pass  # another host was faster
    log = models.Tree.objects.values_list("log", flat=True).get(tenant=tenant)
    return Tree(tenant, log, 0)


def head_at(tenant: int, size: int) -> Head | None:
    return _first(models.Head.objects.filter(tenant=tenant, size=size))


def first_head_over(tenant: int, position: int) -> Head | None:
    """The first head whose tree has a leaf at this position."""
    return _first(models.Head.objects.filter(tenant=tenant, size__gt=position).order_by("size"))


def newest_head(tenant: int) -> Head | None:
    return _first(models.Head.objects.filter(tenant=tenant).order_by("-size"))


def _first(heads: QuerySet[models.Head]) -> Head | None:
    row = heads.values_list(*Head._fields).first()
    return None if row is None else Head(row[0], bytes(row[1]), row[2], bytes(row[3]))


def proved_frontier(tree: Tree, head: Head | None) -> Frontier:
    """Where the next leaf goes, once it is proved that what is stored is what was signed by `head`, that of its size.

    Raises:
        TreeDamaged: it is not.
    """
    if head is None and not tree.size:
        return Frontier()
    if head is None:
        raise TreeDamaged(f"the tree of tenant {tree.tenant} has no head of its size")
    try:
        head.check(tree)
        frontier = frontier_of(StoredHashes(tree.tenant), tree.size)
    except (CryptoError, NotProved) as error:
        raise TreeDamaged(f"the newest head of tenant {tree.tenant} was changed, or hashes are missing") from error
    if frontier.root() != head.root:
        raise TreeDamaged(f"the tree of tenant {tree.tenant} is not the one that was signed")
    return frontier
