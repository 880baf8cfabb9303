"""The tree's mathematics, against RFC 9162's own definitions written out as they stand there."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import (
    EMPTY_ROOT,
    STORED_HEIGHT,
    Frontier,
    NotProved,
    consistency_proof,
    frontier_of,
    inclusion_proof,
    leaf_hash,
    node_hash,
    verify_consistency,
    verify_inclusion,
)
from tests.support.damage import flipped

LARGEST = 64


def leaves(number: int) -> list[bytes]:
    return [leaf_hash(b"leaf %d" % at) for at in range(number)]


def split(number: int) -> int:
    """The largest power of two smaller than this number."""
    power = 1
    while power * 2 < number:
        power *= 2
    return power


def tree_hash(hashes: Sequence[bytes]) -> bytes:
    """MTH of section 2.1.1."""
    if not hashes:
        return sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    middle = split(len(hashes))
    return sha256(b"\x01" + tree_hash(hashes[:middle]) + tree_hash(hashes[middle:])).digest()


def path_of(position: int, hashes: Sequence[bytes]) -> list[bytes]:
    """PATH of section 2.1.3.1."""
    if len(hashes) == 1:
        return []
    middle = split(len(hashes))
    if position < middle:
        return [*path_of(position, hashes[:middle]), tree_hash(hashes[middle:])]
    return [*path_of(position - middle, hashes[middle:]), tree_hash(hashes[:middle])]


def subproof(old: int, hashes: Sequence[bytes], *, whole: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.4.1."""
    if old == len(hashes):
        return [] if whole else [tree_hash(hashes)]
    middle = split(len(hashes))
    if old <= middle:
        return [*subproof(old, hashes[:middle], whole=whole), tree_hash(hashes[middle:])]
    return [*subproof(old - middle, hashes[middle:], whole=False), tree_hash(hashes[:middle])]


class Kept:
    """A tree in memory that keeps what the database keeps, and nothing else."""

    def __init__(self, hashes: Sequence[bytes]) -> None:
        self.rows: dict[tuple[int, int], bytes] = {}
        self.frontier = Frontier()
        for place, leaf in enumerate(hashes):
            self.rows[0, place] = leaf
            for node in self.frontier.append(leaf):
                self.rows[node.height, node.place] = node.hash

    def read(self, height: int, first: int, number: int) -> Sequence[bytes]:
        assert height % STORED_HEIGHT == 0
        found = [self.rows.get((height, place)) for place in range(first, first + number)]
        if None in found:
            raise NotProved("hashes of the tree are missing")
        return [row for row in found if row is not None]


HASHES = leaves(LARGEST)
ROOTS = [tree_hash(HASHES[:size]) for size in range(LARGEST + 1)]
LARGE = leaves(1000)
KEPT = Kept(LARGE)


# --- growing ---------------------------------------------------------------------------------------------------------


def test_vectors(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("merkle")["positive"]:
        frontier = Frontier()
        for leaf in case["leaves"]:
            frontier.append(leaf_hash(bytes.fromhex(leaf)))
        assert frontier.root().hex() == case["root"], case["name"]
        for proof in case["inclusion"]:
            verify_inclusion(
                leaf_hash(bytes.fromhex(case["leaves"][proof["position"]])),
                position=proof["position"],
                size=len(case["leaves"]),
                path=[bytes.fromhex(hash_) for hash_ in proof["path"]],
                root=bytes.fromhex(case["root"]),
            )


def test_paths_that_must_not_lead_to_the_root(vectors: Callable[[str], dict[str, Any]]) -> None:
    for case in vectors("merkle")["negative"]:
        with pytest.raises(NotProved):
            verify_inclusion(
                leaf_hash(bytes.fromhex(case["leaf"])),
                position=case["position"],
                size=case["size"],
                path=[bytes.fromhex(hash_) for hash_ in case["path"]],
                root=bytes.fromhex(case["root"]),
            )


def test_a_leaf_and_a_node_are_hashed_apart() -> None:
    assert leaf_hash(b"") == sha256(b"\x00").digest()
    assert node_hash(HASHES[0], HASHES[1]) != leaf_hash(HASHES[0] + HASHES[1])
    assert ROOTS[0] == EMPTY_ROOT


def test_a_tree_that_grows_has_the_root_of_each_size() -> None:
    frontier = Frontier()
    assert frontier.root() == ROOTS[0]
    for size, leaf in enumerate(HASHES, 1):
        frontier.append(leaf)
        assert frontier.size == size
        assert frontier.root() == ROOTS[size]
        assert len(frontier.hashes) == size.bit_count()


@pytest.mark.parametrize("size", range(LARGEST + 1))
def test_a_frontier_is_taken_up_where_it_was_left(size: int) -> None:
    frontier = frontier_of(Kept(HASHES), size)
    for leaf in HASHES[size:]:
        frontier.append(leaf)
    assert frontier.root() == ROOTS[LARGEST]


@pytest.mark.parametrize(("size", "number"), [(0, 1), (1, 0), (3, 1), (4, 2), (-1, 0)])
def test_a_frontier_of_the_wrong_length_is_refused(size: int, number: int) -> None:
    with pytest.raises(ValueError, match="another frontier"):
        Frontier(size, HASHES[:number])


def test_of_each_eighth_height_every_node_is_kept() -> None:
    places = {place for height, place in KEPT.rows if height == 8}
    assert places == set(range(1000 // 256))
    assert all(KEPT.rows[8, place] == tree_hash(LARGE[256 * place : 256 * place + 256]) for place in places)
    assert {height for height, _ in KEPT.rows} == {0, 8}


def test_nodes_of_the_sixteenth_height_are_kept_too() -> None:
    frontier, kept = Frontier(), []
    for place in range(1 << 16):
        kept += frontier.append(place.to_bytes(32, "big"))
    assert [(node.height, node.place) for node in kept if node.height == 16] == [(16, 0)]
    assert kept[-1].hash == frontier.root()
    assert len(kept) == 257


# --- proofs ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_leaf_of_every_small_tree_is_proved(size: int) -> None:
    kept = Kept(HASHES[:size])
    for position in range(size):
        path = inclusion_proof(kept, position=position, size=size)
        assert path == path_of(position, HASHES[:size])
        verify_inclusion(HASHES[position], position=position, size=size, path=path, root=ROOTS[size])


@pytest.mark.parametrize("size", range(1, LARGEST + 1))
def test_every_earlier_tree_of_every_small_tree_is_proved(size: int) -> None:
    kept = Kept(HASHES[:size])
    for old in range(1, size + 1):
        path = consistency_proof(kept, old=old, size=size)
        assert path == subproof(old, HASHES[:size], whole=True)
        verify_consistency(old=old, old_root=ROOTS[old], size=size, root=ROOTS[size], path=path)


@given(st.integers(1, 1000), st.data())
def test_large_trees_too(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    root = tree_hash(LARGE[:size])
    path = inclusion_proof(KEPT, position=position, size=size)
    assert path == path_of(position, LARGE[:size])
    verify_inclusion(LARGE[position], position=position, size=size, path=path, root=root)
    old = position + 1
    path = consistency_proof(KEPT, old=old, size=size)
    assert path == subproof(old, LARGE[:size], whole=True)
    verify_consistency(old=old, old_root=tree_hash(LARGE[:old]), size=size, root=root, path=path)


@pytest.mark.parametrize(("position", "size"), [(-1, 5), (5, 5), (0, 0), (7, 5)])
def test_there_is_no_proof_of_a_leaf_that_is_not_there(position: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such leaf"):
        inclusion_proof(KEPT, position=position, size=size)


@pytest.mark.parametrize(("old", "size"), [(0, 5), (6, 5), (-1, 5), (0, 0)])
def test_there_is_no_proof_from_a_tree_that_was_not(old: int, size: int) -> None:
    with pytest.raises(ValueError, match="no such earlier tree"):
        consistency_proof(KEPT, old=old, size=size)


def test_missing_hashes_are_noticed() -> None:
    kept = Kept(HASHES)
    del kept.rows[0, 17]
    with pytest.raises(NotProved, match="missing"):
        inclusion_proof(kept, position=40, size=LARGEST)
    with pytest.raises(NotProved, match="missing"):
        frontier_of(kept, LARGEST)


# --- what must be refused --------------------------------------------------------------------------------------------


def refuses_inclusion(leaf: bytes, position: int, size: int, path: Sequence[bytes], root: bytes) -> NotProved:
    with pytest.raises(NotProved) as caught:
        verify_inclusion(leaf, position=position, size=size, path=path, root=root)
    return caught.value


def refuses_consistency(old: int, old_root: bytes, size: int, root: bytes, path: Sequence[bytes]) -> NotProved:
    with pytest.raises(NotProved) as caught:
        verify_consistency(old=old, old_root=old_root, size=size, root=root, path=path)
    return caught.value


@pytest.mark.parametrize("size", [1, 2, 3, 5, 7, 8, 13, 16, 33, 64])
def test_a_wrong_inclusion_is_refused(size: int) -> None:
    kept = Kept(HASHES[:size])
    for position in range(size):
        path, root = path_of(position, HASHES[:size]), ROOTS[size]
        refuses_inclusion(flipped(HASHES[position]), position, size, path, root)
        refuses_inclusion(HASHES[position], position, size, path, flipped(root))
        refuses_inclusion(HASHES[position], position, size, [*path, bytes(32)], root)
        refuses_inclusion(HASHES[position], position, size, [root, *path], root)
        refuses_inclusion(HASHES[position], size, size, path, root)
        refuses_inclusion(HASHES[position], -1, size, path, root)
        for other in range(size):
            if other != position:
                refuses_inclusion(HASHES[position], other, size, path, root)
        for at in range(len(path)):
            refuses_inclusion(HASHES[position], position, size, [*path[:at], flipped(path[at]), *path[at + 1 :]], root)
            refuses_inclusion(HASHES[position], position, size, [*path[:at], *path[at + 1 :]], root)
            refuses_inclusion(HASHES[position], position, size, [*path[:at], path[at][:31], *path[at + 1 :]], root)
        assert inclusion_proof(kept, position=position, size=size) == path


def test_a_root_does_not_pose_as_a_leaf() -> None:
    for size in range(2, LARGEST + 1):
        refuses_inclusion(ROOTS[size], 0, size, [], ROOTS[size])
    verify_inclusion(HASHES[0], position=0, size=1, path=[], root=ROOTS[1])
    refuses_inclusion(ROOTS[0], 0, 0, [], ROOTS[0])


def test_a_node_does_not_pose_as_a_leaf() -> None:
    """Its path is right, but for a tree of another shape."""
    node = node_hash(HASHES[0], HASHES[1])
    path = path_of(0, HASHES[:8])[1:]
    refuses_inclusion(node, 0, 8, path, ROOTS[8])


@pytest.mark.parametrize("size", [2, 3, 5, 7, 8, 13, 16, 33, 64])
def test_a_wrong_consistency_is_refused(size: int) -> None:
    root = ROOTS[size]
    for old in range(1, size):
        old_root, path = ROOTS[old], subproof(old, HASHES[:size], whole=True)
        refuses_consistency(old, flipped(old_root), size, root, path)
        refuses_consistency(old, old_root, size, flipped(root), path)
        refuses_consistency(old, old_root, size, root, [*path, bytes(32)])
        refuses_consistency(old, old_root, size, root, [])
        refuses_consistency(old, root, size, root, path)
        refuses_consistency(old, old_root, size, old_root, path)
        refuses_consistency(size, root, old, old_root, path)
        for at in range(len(path)):
            refuses_consistency(old, old_root, size, root, [*path[:at], flipped(path[at]), *path[at + 1 :]])
            refuses_consistency(old, old_root, size, root, [*path[:at], *path[at + 1 :]])


def test_an_empty_tree_shows_nothing() -> None:
    refuses_consistency(0, ROOTS[0], 8, ROOTS[8], [])
    refuses_consistency(0, ROOTS[0], 0, ROOTS[0], [])
    refuses_consistency(0, ROOTS[0], 8, ROOTS[8], [ROOTS[8]])


def test_one_size_has_one_root_and_an_empty_path() -> None:
    verify_consistency(old=8, old_root=ROOTS[8], size=8, root=ROOTS[8], path=[])
    refuses_consistency(8, ROOTS[8], 8, ROOTS[8], [ROOTS[8]])
    error = refuses_consistency(8, ROOTS[8], 8, ROOTS[7], [])
    assert (error.expected, error.found) == (ROOTS[8], ROOTS[7])


def test_a_refusal_shows_both_roots() -> None:
    error = refuses_inclusion(HASHES[1], 0, 2, [HASHES[1]], ROOTS[2])
    assert (error.expected, error.found) == (ROOTS[2], node_hash(HASHES[1], HASHES[1]))
    assert ROOTS[2].hex() in str(error)
    assert error.found.hex() in str(error)


@given(st.integers(2, 64), st.data())
def test_another_leaf_anywhere_needs_another_root(size: int, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, size - 1))
    other = data.draw(st.binary(min_size=32, max_size=32).filter(lambda leaf: leaf != HASHES[position]))
    changed = [*HASHES[:position], other, *HASHES[position + 1 : size]]
    kept = Kept(changed)
    assert kept.frontier.root() != ROOTS[size]
    path = inclusion_proof(kept, position=position, size=size)
    refuses_inclusion(other, position, size, path, ROOTS[size])
    for old in range(position + 1, size):
        proof = consistency_proof(kept, old=old, size=size)
        refuses_consistency(old, ROOTS[old], size, kept.frontier.root(), proof)


@given(st.integers(1, 70), st.integers(-2, 70), st.lists(st.binary(min_size=30, max_size=33), max_size=8))
def test_whatever_comes_is_judged_without_a_crash(size: int, position: int, path: list[bytes]) -> None:
    refuses_inclusion(HASHES[0], position, size, path, bytes(32))
    refuses_consistency(position, HASHES[0], size, bytes(32), path)


def test_two_leaves_that_change_places_change_the_root() -> None:
    for size in range(2, LARGEST + 1):
        swapped = [HASHES[1], HASHES[0], *HASHES[2:size]]
        assert Kept(swapped).frontier.root() != ROOTS[size]
