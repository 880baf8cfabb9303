"""The Merkle tree of RFC 9162, section 2.1, over SHA-256. Plain values in, plain values out: no database, no keys.

A leaf's hash is over a zero byte and the leaf, a node's over a one and both children, so that no node can pose as a
leaf. A range of leaves is written `(start, end)` as in Python, and a *perfect* subtree is named by its height and its
place in the row of all of that height: `(0, 5)` is the sixth leaf, `(1, 2)` the node over the fifth and the sixth.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from typing import NamedTuple, Protocol

__all__ = [
    "EMPTY_ROOT",
    "HASH_BYTES",
    "STORED_HEIGHT",
    "Frontier",
    "Hashes",
    "Node",
    "NotProved",
    "consistency_proof",
    "frontier_of",
    "inclusion_proof",
    "leaf_hash",
    "node_hash",
    "verify_consistency",
    "verify_inclusion",
]

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()

# Of the inner nodes those of each eighth height are kept: one for 256 leaves, and one for 256 of those. Any other is at
# most 255 hashes away.
STORED_HEIGHT = 8


class NotProved(Exception):
    """A proof does not lead where it should. `expected` and `found` are roots, where it leads anywhere at all."""

    def __init__(self, message: str, *, expected: bytes = b"", found: bytes = b"") -> None:
        roots = f": expected the root {expected.hex()}, found {found.hex()}" if found else ""
        super().__init__(message + roots)
        self.expected = expected
        self.found = found


class Node(NamedTuple):
    """The root of a perfect subtree over 2^height leaves."""

    height: int
    place: int
    hash: bytes


class Hashes(Protocol):
    """Where a tree's hashes are kept: leaves, and the nodes of each eighth height."""

    def read(self, height: int, first: int, number: int) -> Sequence[bytes]:
        """`number` hashes of this height, a multiple of STORED_HEIGHT, from place `first` on.

        Raises:
            NotProved: some are missing.
        """
        ...


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


# --- growing ---------------------------------------------------------------------------------------------------------


class Frontier:
    """All that is needed of a tree to add leaves to it: the roots of the perfect subtrees that its leaves fall into.

    They are as many as the size has bits set, from the largest, on the left, to the smallest: 64 hashes at the most.
    """

    __slots__ = ("_hashes", "size")

    def __init__(self, size: int = 0, hashes: Iterable[bytes] = ()) -> None:
        """
        Raises:
            ValueError: a tree of this size has another number of them.
        """
        self.size = size
        self._hashes = list(hashes)
        if size < 0 or len(self._hashes) != size.bit_count():
            raise ValueError("a tree of this size has another frontier")

    @property
    def hashes(self) -> tuple[bytes, ...]:
        return tuple(self._hashes)

    def append(self, leaf: bytes) -> list[Node]:
        """Add the leaf with this hash; the nodes to be kept that it completes."""
        completed: list[Node] = []
        merged, place, height = leaf, self.size, 0
        while place & 1:
            merged = node_hash(self._hashes.pop(), merged)
            place >>= 1
            height += 1
            if height % STORED_HEIGHT == 0:
                completed.append(Node(height, place, merged))
        self._hashes.append(merged)
        self.size += 1
        return completed

    def root(self) -> bytes:
        return _joined(self._hashes)


def _joined(hashes: Sequence[bytes]) -> bytes:
    """The root over perfect subtrees that stand side by side, each smaller than the one before."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = node_hash(left, root)
    return root


# --- proofs ----------------------------------------------------------------------------------------------------------


def inclusion_proof(hashes: Hashes, *, position: int, size: int) -> list[bytes]:
    """What shows, together with the leaf at `position`, the root of the tree of `size` leaves.

    Raises:
        ValueError: the tree has no such leaf.
        NotProved: hashes are missing.
    """
    if not 0 <= position < size:
        raise ValueError("no such leaf")
    start, end = 0, size
    siblings: list[tuple[int, int]] = []
    while end - start > 1:
        middle = _middle(start, end)
        if position < middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start = middle
    return [_root_of(hashes, *sibling) for sibling in reversed(siblings)]


def consistency_proof(hashes: Hashes, *, old: int, size: int) -> list[bytes]:
    """What shows that the tree of `size` leaves began with the very `old` leaves of an earlier one.

    Raises:
        ValueError: there was no such earlier tree; that of size 0 shows nothing.
        NotProved: hashes are missing.
    """
    if not 0 < old <= size:
        raise ValueError("no such earlier tree")
    start, end, known = 0, size, True
    siblings: list[tuple[int, int]] = []
    while old != end:
        middle = _middle(start, end)
        if old <= middle:
            siblings.append((middle, end))
            end = middle
        else:
            siblings.append((start, middle))
            start, known = middle, False
    if not known:
        siblings.append((start, end))
    return [_root_of(hashes, *sibling) for sibling in reversed(siblings)]


def frontier_of(hashes: Hashes, size: int) -> Frontier:
    """The frontier of the tree of the first `size` leaves.

    Raises:
        NotProved: hashes are missing.
    """
    return Frontier(size, [_perfect(hashes, height, place) for height, place in _perfect_parts(0, size)])


def _middle(start: int, end: int) -> int:
    """Where the two subtrees of the tree over this range meet: the left one is as large a perfect one as can be."""
    return start + (1 << (end - start - 1).bit_length() - 1)


def _perfect_parts(start: int, end: int) -> Iterator[tuple[int, int]]:
    """The perfect subtrees, by height and place, that a range falls into; it starts where such ranges do in a tree."""
    while start < end:
        height = (end - start).bit_length() - 1
        yield height, start >> height
        start += 1 << height


def _root_of(hashes: Hashes, start: int, end: int) -> bytes:
    return _joined([_perfect(hashes, height, place) for height, place in _perfect_parts(start, end)])


def _perfect(hashes: Hashes, height: int, place: int) -> bytes:
    kept = height - height % STORED_HEIGHT
    width = 1 << (height - kept)
    row = list(hashes.read(kept, place * width, width))
    while len(row) > 1:
        row = [node_hash(row[at], row[at + 1]) for at in range(0, len(row), 2)]
    return row[0]


# --- verifying -------------------------------------------------------------------------------------------------------


def verify_inclusion(leaf: bytes, *, position: int, size: int, path: Sequence[bytes], root: bytes) -> None:
    """Whether the leaf with this hash stands at `position` in the tree of `size` leaves with this root.

    Raises:
        NotProved: the path doesn't show it.
    """
    if not 0 <= position < size:
        raise NotProved("the position is not in the tree")
    _check_hashes([leaf, root, *path])
    found = leaf
    for sibling, on_the_left in _sides(position, size - 1, path):
        found = node_hash(sibling, found) if on_the_left else node_hash(found, sibling)
    if found != root:
        raise NotProved("the leaf is not in the tree", expected=root, found=found)


def verify_consistency(*, old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> None:
    """Whether the tree of `size` leaves with `root` began as the one of `old` leaves with `old_root`.

    Raises:
        NotProved: the path doesn't show it. From an empty tree nothing is shown.
    """
    if not 0 < old <= size:
        raise NotProved("the earlier tree is empty, or larger than the later one")
    _check_hashes([old_root, root, *path])
    if old == size:
        if path:
            raise NotProved("the path is too long")
        if old_root != root:
            raise NotProved("two trees of one size differ", expected=old_root, found=root)
        return
    found_old, found = _both_roots(old, old_root, size, path)
    if found_old != old_root:
        raise NotProved("the later tree did not begin as the earlier one", expected=old_root, found=found_old)
    if found != root:
        raise NotProved("the path does not lead to the later tree", expected=root, found=found)


def _both_roots(old: int, old_root: bytes, size: int, path: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Where the path leads in the earlier tree, and in the later one."""
    if not path:
        raise NotProved("the path is too short")
    # An earlier tree that is a perfect subtree of the later one is its own first step.
    first, *steps = path if old & (old - 1) else [old_root, *path]
    place, last = old - 1, size - 1
    while place & 1:
        place, last = place >> 1, last >> 1
    found_old = found = first
    for sibling, on_the_left in _sides(place, last, steps):
        if on_the_left:
            found_old, found = node_hash(sibling, found_old), node_hash(sibling, found)
        else:
            found = node_hash(found, sibling)
    return found_old, found


def _sides(place: int, last: int, path: Sequence[bytes]) -> Iterator[tuple[bytes, bool]]:
    """Each hash of the path with the side on which it stands, from the node at `place` up to the root.

    `last` is the place of the last node in that row. A node without a sibling rises as it is.
    """
    for sibling in path:
        if not last:
            raise NotProved("the path is too long")
        on_the_left = bool(place & 1) or place == last
        yield sibling, on_the_left
        while on_the_left and place and not place & 1:
            place, last = place >> 1, last >> 1
        place, last = place >> 1, last >> 1
    if last:
        raise NotProved("the path is too short")


def _check_hashes(hashes: Iterable[bytes]) -> None:
    if any(len(value) != HASH_BYTES for value in hashes):
        raise NotProved("a hash has not 32 bytes")
