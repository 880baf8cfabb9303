"""Every committed event gets one place in its tenant's tree, however late it comes and whoever seals."""

from __future__ import annotations

import itertools
import logging
import time
from typing import Any
from uuid import UUID

import pytest

from audit import sealing, trail, trees
from audit.errors import TreeDamaged
from audit.leaves import leaf_of, row_hash
from audit.merkle import Frontier, leaf_hash
from audit.models import Event, Head, Leaf, Node, Sealer, Tree
from audit.trail import EventRow
from databunker.crypto.errors import CryptoError, IntegrityFailure
from databunker.ids import first_event_id, new_event_id
from tests.support.trail import SOMETHING, sealed, written

pytestmark = pytest.mark.usefixtures("vault")

OTHER_TENANT = 2
NOW = 1_900_000_000


def places(tenant: int = 1) -> list[UUID]:
    """The events of the tree, in its order."""
    rows = list(Leaf.objects.filter(tenant=tenant).order_by("position").values_list("position", "event"))
    assert [position for position, _ in rows] == list(range(len(rows)))
    return [event for _, event in rows]


def root_of(events: list[UUID]) -> bytes:
    """Computed anew, from the events themselves."""
    rows = {row[0]: EventRow._make(row) for row in Event.objects.values_list(*EventRow._fields)}
    frontier = Frontier()
    for event in events:
        frontier.append(leaf_hash(leaf_of(event, row_hash(rows[event]))))
    return frontier.root()


def at(seconds: float) -> UUID:
    return new_event_id(int(seconds * 1_000_000))


def write_at(monkeypatch: pytest.MonkeyPatch, seconds: float) -> UUID:
    """An event with an id of that time, as one has whose transaction ends late or whose host has another clock."""
    with monkeypatch.context() as patched:
        patched.setattr(trail, "unix_micros", lambda: int(seconds * 1_000_000))
        return written(1)[0]


def test_events_get_their_places_in_the_order_of_their_ids() -> None:
    first = written(5)
    assert sealed() == len(places()) == 5
    assert places() == first
    second = written(3)
    assert sealed() == 3
    assert places() == first + second
    assert sealed() == 0
    heads = list(Head.objects.order_by("size").values_list("size", "root"))
    assert heads == [(5, root_of(first)), (8, root_of(first + second))]
    assert Tree.objects.get().size == 8


def test_heads_are_signed_for_their_tree_and_nothing_else() -> None:
    written(3)
    sealed()
    tree, head = trees.tree_of(1), trees.newest_head(1)
    assert tree is not None
    assert head is not None
    head.check(tree)
    with pytest.raises(IntegrityFailure):
        head.check(tree._replace(log=UUID(int=7)))
    changes: list[dict[str, Any]] = [{"size": 4}, {"root": bytes(32)}, {"at": head.at + 1}]
    for change in [*changes, {"signatures": b""}, {"signatures": bytes(68)}, {"signatures": head.signatures[:-1]}]:
        with pytest.raises(CryptoError):
            head._replace(**change).check(tree)


def test_each_tenant_has_a_tree_of_its_own() -> None:
    ours, theirs = written(3), written(4, tenant=OTHER_TENANT)
    more = written(2)
    assert sealed() == 9
    assert (places(), places(OTHER_TENANT)) == (ours + more, theirs)
    assert len({tree.log for tree in trees.all_trees()}) == 2


def test_many_events_are_sealed_in_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 7)
    events = written(40)
    assert sealed() == 40
    assert places() == events
    assert list(Head.objects.order_by("size").values_list("size", flat=True)) == [7, 14, 21, 28, 35, 40]


def test_inner_nodes_are_kept_and_taken_up_again() -> None:
    events = []
    for number in (200, 100, 300):
        events += written(number)
        sealed()
    assert places() == events
    assert Node.objects.count() == 2
    tree, head = trees.tree_of(1), trees.newest_head(1)
    assert tree is not None
    assert head is not None
    assert trees.proved_frontier(tree, head).root() == head.root == root_of(events)


# --- late and early --------------------------------------------------------------------------------------------------


def seal_at(seconds: int) -> int:
    return sealing.seal_due(seconds)


def begin_at(monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """A sealer that has been at work for long, with nothing left to do."""
    while sealing.seal_due(seconds) or Sealer.objects.get().cursor is not None:
        Sealer.objects.update(recent=0)
    Sealer.objects.update(recent=seconds, near=seconds, round=seconds, cursor=None)


def test_a_pass_is_made_when_its_time_has_come(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    settings.AUDIT_SEAL_SECONDS = 5
    begin_at(monkeypatch, NOW)
    event = write_at(monkeypatch, NOW + 1)
    assert [seal_at(NOW + later) for later in (0, 4, 5, 6, 10)] == [0, 0, 1, 0, 0]
    assert places() == [event]


@pytest.mark.parametrize(
    ("late", "found_after"),
    [(10, 5), (300, 60), (7200, 3600), (86_400 * 400, 3600), (-3600, 5)],
    ids=["ten seconds", "five minutes", "two hours", "a year", "an hour ahead"],
)
def test_an_event_is_found_however_late_it_comes(
    monkeypatch: pytest.MonkeyPatch, settings: Any, late: int, found_after: int
) -> None:
    begin_at(monkeypatch, NOW)
    early = write_at(monkeypatch, NOW + 4)
    assert seal_at(NOW + 5) == 1
    event = write_at(monkeypatch, NOW + 5 - late)
    settings.AUDIT_SEAL_SECONDS = 30
    clock = itertools.count(NOW + 35, 30)
    while not seal_at(now := next(clock)):
        assert now < NOW + 2 * 3600, "never found"
    assert now - NOW <= found_after + 5 + 30
    assert places() == [early, event]


def test_after_a_pause_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    begin_at(monkeypatch, NOW)
    events = [write_at(monkeypatch, NOW + later) for later in (1, 600, 3000)]
    assert seal_at(NOW + 3001) == 3
    assert places() == events


def test_a_clock_that_jumps_an_hour_ahead_and_back_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    begin_at(monkeypatch, NOW)
    ahead = write_at(monkeypatch, NOW + 3600)
    assert seal_at(NOW + 3601) == 1
    back = write_at(monkeypatch, NOW + 10)
    assert seal_at(NOW + 12) == 1
    assert places() == [ahead, back]


def test_a_backlog_is_taken_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 5)
    begin_at(monkeypatch, NOW)
    events = [write_at(monkeypatch, NOW + number) for number in range(37)]
    taken = []
    while number := sealing.seal_due(NOW + 100, 10):
        taken.append(number)
    assert sum(taken) == 37
    assert max(taken) <= 10 + 5
    assert places() == events


def test_the_marks_decide_nothing(monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    """Somebody has set them to nonsense: it only takes longer."""
    begin_at(monkeypatch, NOW)
    Sealer.objects.update(recent=2**60, near=2**60, round=2**60, cursor=first_event_id(2**45))
    event = write_at(monkeypatch, NOW - 100_000)
    settings.AUDIT_SEAL_SECONDS = 30
    for later in range(0, 8000, 30):
        seal_at(NOW + later)
    assert places() == [event]


# --- what is not sealed ----------------------------------------------------------------------------------------------


def test_a_changed_event_gets_no_place_and_holds_up_no_other(caplog: pytest.LogCaptureFixture) -> None:
    events = written(5)
    Event.objects.filter(pk=events[2]).update(outcome=2)
    with caplog.at_level(logging.ERROR):
        done = sealing.seal_everything(tell=lambda _: None)
    assert (done.number, done.refused) == (4, [events[2]])
    assert places() == events[:2] + events[3:]
    assert [record.event for record in caplog.records] == [events[2]]
    sealing.seal_everything(tell=lambda _: None)
    assert len(caplog.records) == 1, "told once"


def test_an_invented_event_gets_no_place() -> None:
    """A head vouches for its events: nobody without the audit key has one signed."""
    (event,) = written(1)
    row = Event.objects.get(pk=event)
    row.pk = at(time.time())
    row.save(force_insert=True)
    done = sealing.seal_everything(tell=lambda _: None)
    assert (done.number, done.refused) == (1, [row.pk])


def test_thousands_of_invented_events_hold_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sealing, "BATCH", 4)
    for event in written(10):
        Event.objects.filter(pk=event).update(mac=bytes(32))
    late = written(3)
    assert sealing.seal_everything(tell=lambda _: None).number == 3
    assert places() == late


# --- a tree that was written to --------------------------------------------------------------------------------------


def replace_leaf() -> None:
    Leaf.objects.filter(position=1).update(row_hash=bytes(32))


def remove_leaf() -> None:
    Leaf.objects.filter(position=2).delete()


def add_leaf() -> None:
    Leaf.objects.create(tenant=1, position=5, event=UUID(int=5), row_hash=bytes(32))


def replace_head() -> None:
    Head.objects.update(root=bytes(32))


def remove_head() -> None:
    Head.objects.all().delete()


def rename_tree() -> None:
    Tree.objects.update(log=UUID(int=9))


def shrink_tree() -> None:
    Tree.objects.update(size=4)


def remove_tree() -> None:
    Tree.objects.all().delete()


@pytest.mark.parametrize(
    "tamper",
    [replace_leaf, remove_leaf, add_leaf, replace_head, remove_head, rename_tree, shrink_tree, remove_tree],
)
def test_nothing_is_signed_on_top_of_a_tree_that_was_changed(tamper: Any) -> None:
    written(5)
    sealed()
    tamper()
    written(1)
    theirs = written(2, tenant=OTHER_TENANT)
    heads = set(Head.objects.filter(tenant=1).values_list("size", flat=True))
    with pytest.raises(TreeDamaged):
        sealed()
    assert set(Head.objects.filter(tenant=1).values_list("size", flat=True)) == heads
    assert places(OTHER_TENANT) == theirs, "the other tenant's tree grows"


def test_sealing_writes_no_event_and_touches_none() -> None:
    written(3)
    before = list(Event.objects.order_by("id").values_list())
    sealed()
    assert list(Event.objects.order_by("id").values_list()) == before


def test_the_type_used_here_is_no_real_one() -> None:
    from audit import events

    assert events.by_number(SOMETHING.number).code.startswith("unknown")
