"""Somebody who can write to the database rewrites the trail: `audit verify` says that, and where."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest
from django.db.models import F, Model, QuerySet

from audit import retention, sealing, verification
from audit.models import Event, Head, Leaf, Node, Pruning, Tree
from audit.verification import Kind, Options, Report, chunks
from audit.verification.chunks import Seen
from databunker.ids import event_millis, new_event_id
from tests.support.trail import sealed, written

pytestmark = pytest.mark.usefixtures("vault")

# 600 events in steps of the sealer of 100, 200 and 300: two inner nodes, in chunks of 256 leaves.
STEPS = (100, 200, 300)
OTHER_TENANT = 2


@pytest.fixture(autouse=True)
def _small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 256)
    monkeypatch.setattr(verification.run, "CHUNK", 256)


@pytest.fixture
def events() -> list[uuid.UUID]:
    """The events of the tree, by position. Another tenant has a tree of its own."""
    found = []
    for number in STEPS:
        found += written(number)
        sealed()
    written(10, tenant=OTHER_TENANT)
    sealed()
    return found


def verified(**options: Any) -> Report:
    return verification.verify(Options(**options))


def copied(row: Model, **changes: Any) -> None:
    for name, value in changes.items():
        setattr(row, name, value)
    row.save(force_insert=True)


def test_a_trail_as_it_was_written_is_verified(events: list[uuid.UUID]) -> None:
    report = verified()
    assert report.found.problems == []
    assert (report.found.events, report.found.heads, report.found.waiting) == (610, 4, 0)
    assert report.sizes == {1: 600, OTHER_TENANT: 10}


class Tampering(NamedTuple):
    """What is done, given the events, and what is said of it: kinds, and words of which each must stand in one line."""

    act: Callable[[list[uuid.UUID]], Any]
    kinds: set[Kind]
    names: Callable[[list[uuid.UUID]], list[str]]


def one(event: uuid.UUID) -> QuerySet[Event]:
    return Event.objects.filter(pk=event)


def change(**values: Any) -> Callable[[list[uuid.UUID]], Any]:
    return lambda events: one(events[150]).update(**values)


def swap_macs(events: list[uuid.UUID]) -> None:
    first, second = Event.objects.get(pk=events[20]), Event.objects.get(pk=events[500])
    one(events[20]).update(mac=second.mac)
    one(events[500]).update(mac=first.mac)


def swap_contents(events: list[uuid.UUID]) -> None:
    """Each gets all columns of the other but the id."""
    first, second = (Event.objects.filter(pk=events[at]).values().get() for at in (20, 21))
    for target, source in ((events[20], second), (events[21], first)):
        one(target).update(**{name: value for name, value in source.items() if name != "id"})


def rename_event(events: list[uuid.UUID]) -> None:
    """Re-dated, id and all."""
    row = Event.objects.get(pk=events[150])
    one(events[150]).delete()
    copied(row, pk=new_event_id(row.at - 60_000_000), at=row.at - 60_000_000)


def add_event(events: list[uuid.UUID]) -> None:
    row = Event.objects.get(pk=events[150])
    copied(row, pk=new_event_id(row.at + 1))


def add_event_with_leaf(events: list[uuid.UUID]) -> None:
    row = Event.objects.get(pk=events[150])
    copied(row, pk=uuid.UUID(int=events[-1].int + 1))
    Leaf.objects.create(tenant=1, position=600, event=uuid.UUID(int=events[-1].int + 1), row_hash=bytes(32))


def truncate_events(events: list[uuid.UUID]) -> None:
    Event.objects.filter(pk__in=events[590:]).delete()


def truncate_leaves(events: list[uuid.UUID]) -> None:
    truncate_events(events)
    Leaf.objects.filter(tenant=1, position__gte=590).delete()


def truncate_heads(events: list[uuid.UUID]) -> None:
    """All of the newest step but its leaves."""
    Head.objects.filter(tenant=1, size=600).delete()
    Tree.objects.filter(tenant=1).update(size=300)


def swap_leaves(events: list[uuid.UUID], first: int = 20, second: int = 21) -> None:
    """They change places, each with the event that it is of."""
    Leaf.objects.filter(tenant=1, position=first).update(position=10_000)
    Leaf.objects.filter(tenant=1, position=second).update(position=first)
    Leaf.objects.filter(tenant=1, position=10_000).update(position=second)


def remove_leaf(events: list[uuid.UUID]) -> None:
    Leaf.objects.filter(tenant=1, position=150).delete()


def close_the_gap(events: list[uuid.UUID]) -> None:
    """The event and its leaf are gone, and all behind them move up."""
    one(events[150]).delete()
    Leaf.objects.filter(tenant=1, position=150).delete()
    for position in range(151, 600):
        Leaf.objects.filter(tenant=1, position=position).update(position=F("position") - 1)


def pretend_retention(events: list[uuid.UUID]) -> None:
    """An event is gone, and its leaf says that it was a very old one."""
    one(events[150]).delete()
    Leaf.objects.filter(tenant=1, position=150).update(event=new_event_id(1))


def move_to_other_tenant(events: list[uuid.UUID]) -> None:
    one(events[150]).update(tenant=OTHER_TENANT)


def lend_leaf_to_other_event(events: list[uuid.UUID]) -> None:
    """The leaf of an event that was removed is given to one that has none."""
    one(events[150]).delete()
    (new,) = written(1)
    Leaf.objects.filter(tenant=1, position=150).update(event=new)


def cut_signature(events: list[uuid.UUID]) -> None:
    Head.objects.filter(tenant=1, size=300).update(signatures=b"")


def sign_for_another_tree(events: list[uuid.UUID]) -> None:
    Tree.objects.filter(tenant=1).update(log=uuid.uuid4())


def state_pruning(events: list[uuid.UUID]) -> None:
    """A statement that somebody without the key has made."""
    Pruning.objects.create(tenant=1, before=2**50, at=1, signatures=Head.objects.filter(tenant=1)[0].signatures)
    one(events[5]).delete()


TAMPERING = {
    "another outcome": Tampering(change(outcome=2), {Kind.CHANGED}, lambda e: [f"{e[150]} at position 150"]),
    "another time": Tampering(change(at=1), {Kind.CHANGED}, lambda e: [f"{e[150]} at position 150"]),
    "another type": Tampering(change(type=103), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "another caller": Tampering(change(actor_token=8), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "another person": Tampering(change(subject=bytes(16)), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "another request": Tampering(change(request=uuid.UUID(int=1)), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "no detail": Tampering(change(detail=None), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "another MAC": Tampering(change(mac=bytes(32)), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "another key": Tampering(change(key_id=1), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "an unknown key": Tampering(change(key_id=9999), {Kind.CHANGED}, lambda e: [f"{e[150]}"]),
    "swapped MACs": Tampering(swap_macs, {Kind.CHANGED}, lambda e: ["position 20 ", "position 500 "]),
    "swapped contents": Tampering(swap_contents, {Kind.CHANGED}, lambda e: ["position 20 ", "position 21 "]),
    "re-dated with its id": Tampering(
        rename_event, {Kind.REMOVED, Kind.ADDED}, lambda e: [f"{e[150]} at position 150"]
    ),
    "removed": Tampering(
        lambda e: one(e[150]).delete(), {Kind.REMOVED}, lambda e: [f"{e[150]} at position 150 is gone"]
    ),
    "the last one removed": Tampering(lambda e: one(e[599]).delete(), {Kind.REMOVED}, lambda e: ["position 599 "]),
    "added": Tampering(add_event, {Kind.ADDED}, lambda e: ["was added"]),
    "added with a leaf": Tampering(
        add_event_with_leaf, {Kind.ADDED, Kind.CHANGED}, lambda e: ["from position 600 on", "at position 600 is not"]
    ),
    "truncated": Tampering(truncate_events, {Kind.REMOVED}, lambda e: ["position 590 is gone", "position 599 is gone"]),
    "truncated with leaves": Tampering(truncate_leaves, {Kind.REMOVED}, lambda e: ["positions 590 to 599"]),
    "truncated heads": Tampering(truncate_heads, {Kind.ADDED}, lambda e: ["from position 300 on"]),
    "reordered": Tampering(swap_leaves, {Kind.REORDERED, Kind.TREE}, lambda e: ["positions 20 and 21"]),
    "reordered over steps": Tampering(
        lambda e: swap_leaves(e, 250, 310),
        {Kind.REORDERED, Kind.TREE},
        lambda e: ["positions 250 and 251", "positions 309 and 310"],
    ),
    "a leaf removed": Tampering(remove_leaf, {Kind.REMOVED, Kind.BACKLOG}, lambda e: ["leaf at position 150"]),
    "a leaf changed": Tampering(
        lambda e: Leaf.objects.filter(tenant=1, position=150).update(row_hash=bytes(32)),
        {Kind.CHANGED, Kind.TREE},
        lambda e: ["at position 150 is not the one that was sealed"],
    ),
    "the gap closed": Tampering(
        close_the_gap, {Kind.REMOVED, Kind.TREE}, lambda e: ["positions 0 to 255", "position 599"]
    ),
    "retention pretended": Tampering(
        pretend_retention, {Kind.REMOVED, Kind.REORDERED, Kind.TREE}, lambda e: ["position 150 is gone"]
    ),
    "retention stated": Tampering(state_pruning, {Kind.REMOVED, Kind.HEAD}, lambda e: ["position 5 is gone"]),
    "another tenant": Tampering(move_to_other_tenant, {Kind.CHANGED}, lambda e: [f"{e[150]} at position 150"]),
    "a leaf lent": Tampering(
        lend_leaf_to_other_event, {Kind.CHANGED, Kind.REORDERED, Kind.TREE}, lambda e: ["at position 150"]
    ),
    "an inner node changed": Tampering(
        lambda e: Node.objects.filter(tenant=1, place=0).update(hash=bytes(32)),
        {Kind.TREE},
        lambda e: ["positions 0 to 255"],
    ),
    "an inner node removed": Tampering(
        lambda e: Node.objects.filter(tenant=1, place=1).delete(), {Kind.TREE}, lambda e: ["positions 256 to 511"]
    ),
    "a head changed": Tampering(
        lambda e: Head.objects.filter(tenant=1, size=300).update(root=bytes(32)), {Kind.HEAD}, lambda e: ["size 300"]
    ),
    "a head re-dated": Tampering(
        lambda e: Head.objects.filter(tenant=1, size=300).update(at=1), {Kind.HEAD}, lambda e: ["size 300"]
    ),
    "a signature cut": Tampering(cut_signature, {Kind.HEAD}, lambda e: ["size 300"]),
    "the tree renamed": Tampering(sign_for_another_tree, {Kind.HEAD}, lambda e: ["size 100", "size 300", "size 600"]),
    "the tree's row changed": Tampering(
        lambda e: Tree.objects.filter(tenant=1).update(size=599), {Kind.TREE}, lambda e: ["600"]
    ),
    "the tree's row removed": Tampering(
        lambda e: Tree.objects.filter(tenant=1).delete(), {Kind.TREE}, lambda e: ["row is gone"]
    ),
}


@pytest.mark.parametrize("tampering", TAMPERING.values(), ids=TAMPERING)
def test_it_is_found_and_named(events: list[uuid.UUID], tampering: Tampering) -> None:
    tampering.act(events)
    report = verified(backlog_seconds=-1)
    assert {problem.kind for problem in report.found.problems} == tampering.kinds
    lines = [str(problem) for problem in report.found.problems]
    for words in tampering.names(events):
        assert any(words in line for line in lines), (words, lines)
    assert len({problem.tenant for problem in report.found.problems} - {0}) == 1 or tampering.kinds == {Kind.CHANGED}


def test_what_stands_elsewhere_is_still_verified(events: list[uuid.UUID]) -> None:
    """One damaged leaf, and all other events are looked at; those of the other tenant are whole."""
    Leaf.objects.filter(tenant=1, position=10).update(row_hash=bytes(32))
    one(events[590]).update(outcome=2)
    report = verified()
    named = {problem.position for problem in report.found.problems if problem.kind is Kind.CHANGED}
    assert named == {10, 590}
    assert report.found.events == 610
    assert {problem.tenant for problem in report.found.problems} == {1}


# --- what takes a witness ---------------------------------------------------------------------------------------------


def roll_back(events: list[uuid.UUID]) -> None:
    """All of the last step is gone, everywhere: the database is as it was before."""
    Event.objects.filter(pk__in=events[300:]).delete()
    Leaf.objects.filter(tenant=1, position__gte=300).delete()
    Node.objects.filter(tenant=1, place__gte=1).delete()
    Head.objects.filter(tenant=1, size=600).delete()
    Tree.objects.filter(tenant=1).update(size=300)


@pytest.fixture
def witness(events: list[uuid.UUID]) -> dict[str, list[Seen]]:
    """What somebody else has seen of the tree."""
    origin = f"databunker/{Tree.objects.get(tenant=1).log}"
    return {origin: [Seen(head.size, bytes(head.root)) for head in Head.objects.filter(tenant=1)]}


def test_a_database_that_was_rolled_back_is_whole_in_itself(
    events: list[uuid.UUID], witness: dict[str, list[Seen]]
) -> None:
    roll_back(events)
    assert verified().found.problems == []
    (problem,) = verified(seen=witness).found.problems
    assert problem.kind is Kind.WITNESS
    assert "a head of size 600, the newest here has 300" in problem.text


def test_a_trail_that_was_written_anew_is_not_what_the_witness_has_seen(
    events: list[uuid.UUID], witness: dict[str, list[Seen]]
) -> None:
    roll_back(events)
    written(400)
    sealed()
    assert verified().found.problems == []
    (problem,) = verified(seen=witness).found.problems
    assert problem.kind is Kind.WITNESS
    assert "size 600" in problem.text


def test_a_trail_that_goes_on_is_what_the_witness_has_seen(
    events: list[uuid.UUID], witness: dict[str, list[Seen]]
) -> None:
    written(50)
    sealed()
    assert verified(seen=witness).found.problems == []


def test_a_tree_that_is_gone_is_missed_by_the_witness(events: list[uuid.UUID], witness: dict[str, list[Seen]]) -> None:
    for model in (Event, Leaf, Node, Head, Tree):
        model.objects.all().delete()
    written(700)
    sealed()
    assert verified().found.problems == []
    (problem,) = verified(seen=witness).found.problems
    assert "which is not here" in problem.text


# --- what was deleted in good order -----------------------------------------------------------------------------------


@pytest.fixture
def pruned(events: list[uuid.UUID]) -> int:
    """The 250 oldest are gone by retention."""
    before = event_millis(events[250])
    # Those of the same millisecond stay, too.
    number = sum(1 for event in events if event_millis(event) < before)
    counts = retention.delete_events_before(before * 1000, 1000)
    assert counts == {1: number}
    return number


def test_what_retention_deleted_was_not_stolen(pruned: int) -> None:
    report = verified()
    assert report.found.problems == []
    assert (report.found.pruned, report.found.events) == (pruned, 610 - pruned)


def test_what_was_stolen_is_told_from_what_retention_deleted(pruned: int, events: list[uuid.UUID]) -> None:
    one(events[400]).delete()
    (problem,) = verified().found.problems
    assert (problem.kind, problem.event) == (Kind.REMOVED, events[400])


def test_the_statement_of_retention_is_not_moved_by_sql(pruned: int, events: list[uuid.UUID]) -> None:
    one(events[400]).delete()
    Pruning.objects.update(before=2**50)
    report = verified()
    assert {problem.kind for problem in report.found.problems} == {Kind.HEAD, Kind.REMOVED}
    assert report.found.number == 1 + 1 + pruned


def test_what_has_no_leaf_is_not_deleted_by_retention() -> None:
    (waiting,) = written(1)
    assert retention.delete_events_before(int(time.time() * 1e6) + 10**9, 10) == {}
    assert one(waiting).exists()


# --- parts, and several processes -------------------------------------------------------------------------------------


def test_only_what_is_new_can_be_verified(events: list[uuid.UUID]) -> None:
    one(events[10]).update(outcome=2)
    one(events[520]).update(outcome=2)
    (problem,) = verified(start=512).found.problems
    assert problem.position == 520
    Head.objects.filter(tenant=1).update(at=F("at") - 1000)
    since = verified(since=int(time.time()) - 10)
    assert since.found.events == 600 - 512 + 10
    assert verified(start=10**9).found.events == 600 - 512 + 10


def test_the_heads_prove_what_stands_left_of_a_part(events: list[uuid.UUID]) -> None:
    """Whoever takes something from the beginning and adapts the inner nodes is found out by any part behind it."""
    Node.objects.filter(tenant=1, place=0).update(hash=bytes(32))
    assert {problem.kind for problem in verified(start=512).found.problems} == {Kind.TREE}


def test_a_verification_that_was_stopped_says_how_far_it_came(events: list[uuid.UUID]) -> None:
    calls: list[int] = []

    def stopped() -> bool:
        calls.append(1)
        return len(calls) > 2

    report = verified(stopped=stopped)
    assert report.reached == 512


def test_backlogs_are_told_of(events: list[uuid.UUID]) -> None:
    late = written(5)
    report = verified()
    assert (report.found.problems, report.found.waiting, report.found.oldest_waiting) == ([], 5, late[0])
    (problem,) = verified(backlog_seconds=-1).found.problems
    assert (problem.kind, problem.event) == (Kind.BACKLOG, late[0])
    sealing.seal_everything(tell=lambda _: None)
    assert verified(backlog_seconds=-1).found.problems == []
