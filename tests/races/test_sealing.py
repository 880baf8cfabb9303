"""Sealing beside writers with open transactions, beside other sealers, and killed in the middle."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from audit import sealing, trail, trees, verification
from audit.models import Event, Head, Leaf, Node, Sealer, Tree
from audit.trail import EventRow
from audit.verification import Options
from databunker.access.actor import Actor, ActorKind
from databunker.db.statements import execute
from tests.support.databases import KIND
from tests.support.trail import SOMETHING, sealed, written
from tests.support.vaults import Vault, new_vault

from .conftest import racing

ACTOR = Actor(ActorKind.ADMIN, token_id=7)
SERVERS_ONLY = pytest.mark.skipif(KIND == "sqlite", reason="SQLite has one writer at a time")


def in_tree() -> list[UUID]:
    return list(Leaf.objects.order_by("position").values_list("event", flat=True))


@contextmanager
def open_transaction(row: EventRow) -> Iterator[threading.Event]:
    """Another connection has inserted the event and commits only when the block says so, or at its end."""
    inserted, commit, committed = threading.Event(), threading.Event(), threading.Event()

    def write() -> None:
        try:
            with transaction.atomic():
                execute(*trail.insert(row).statement())
                inserted.set()
                assert commit.wait(20)
        finally:
            committed.set()
            connections.close_all()

    thread = threading.Thread(target=write)
    thread.start()
    assert inserted.wait(20)
    try:
        yield commit
    finally:
        commit.set()
        thread.join(20)
        assert committed.is_set()


@SERVERS_ONLY
def test_an_event_whose_transaction_ends_late_is_sealed_behind_later_ones(committed_vault: None) -> None:
    late = trail.build(ACTOR, SOMETHING)
    with open_transaction(late):
        later = written(3)
        assert sealed() == 3, "nobody waits for the open transaction"
        assert in_tree() == later
    assert late.id < later[0]
    assert sealing.seal_due(int(time.time()) + 10) == 1
    assert in_tree() == [*later, late.id]
    assert verification.verify(Options()).found.problems == []


@SERVERS_ONLY
def test_an_event_that_was_rolled_back_has_no_place(committed_vault: None) -> None:
    connection.close()
    row = trail.build(ACTOR, SOMETHING)
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        execute(*trail.insert(row).statement())
        threading.Thread(target=lambda: (sealed(), connections.close_all())).start()
        raise ZeroDivisionError
    assert sealed() == 0
    assert not Leaf.objects.exists()


@SERVERS_ONLY
def test_nobody_who_writes_events_waits_for_a_sealer(committed_vault: None) -> None:
    """A sealer has appended, and its transaction is still open; events go on being written meanwhile."""
    written(5)
    with transaction.atomic():
        assert sealed() == 5
        done = racing(lambda _: len(written(20)), range(4))
        assert done == [20] * 4
    assert sealed() == 80
    assert verification.verify(Options()).found.problems == []


def test_many_sealers_seal_each_event_once(committed_vault: None) -> None:
    for _ in range(5):
        written(60)
        numbers = racing(lambda _: sealed(), range(6))
        assert sum(numbers) == 60
    events = in_tree()
    assert len(events) == len(set(events)) == 300
    assert verification.verify(Options()).found.problems == []


def test_sealers_beside_writers_leave_nothing_out(committed_vault: None) -> None:
    stop = threading.Event()

    def write(_: int) -> int:
        number = 0
        while number < 80:
            number += len(written(4))
        return number

    def seal() -> None:
        try:
            while not stop.is_set():
                sealing.seal_everything(tell=lambda _: None)
        finally:
            connections.close_all()

    sealers = [threading.Thread(target=seal) for _ in range(2)]
    for sealer in sealers:
        sealer.start()
    try:
        total = sum(racing(write, range(4)))
    finally:
        stop.set()
        for sealer in sealers:
            sealer.join(30)
    sealed()
    assert Leaf.objects.count() == Event.objects.count() == total
    report = verification.verify(Options())
    assert report.found.problems == []
    assert report.found.events == total


# --- killed ----------------------------------------------------------------------------------------------------------

_WRITE = """
from audit import sealing
from tests.support.trail import written
from databunker.db.statements import atomically
with atomically():
    written(1500)
"""
# Small steps, so that many of them are begun in a short time.
_SEAL = """
import django
django.setup()
from audit import sealing
sealing.BATCH = 40
sealing.seal_everything(tell=lambda _: None)
"""


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path) as made:
        yield made


@pytest.mark.slow
def test_a_sealer_that_is_killed_leaves_nothing_half(vault: Vault) -> None:
    vault.script(_WRITE)
    kills = 0
    while kills < 30:
        process = subprocess.Popen([sys.executable, "-c", _SEAL], cwd=vault.folder, env=vault.environment())
        # Django's start takes about half a second; then each moment may be the last.
        time.sleep(0.5 + int.from_bytes(os.urandom(1), "big") / 512)
        process.send_signal(signal.SIGKILL)
        if process.wait(20) == 0:
            break
        kills += 1
        size, leaves, newest = (
            vault.database.value(f"SELECT coalesce(max({column}), 0) FROM {table}")
            for column, table in (("size", "audit_tree"), ("position + 1", "audit_leaf"), ("size", "audit_head"))
        )
        assert size == leaves == newest
        assert vault.database.value("SELECT count(*) FROM audit_leaf") == leaves
    assert vault.manage("audit", "seal").code == 0
    done = vault.manage("audit", "verify")
    assert done.code == 0, done.out
    assert vault.database.value("SELECT count(*) FROM audit_event") == vault.database.value(
        "SELECT count(*) FROM audit_leaf"
    )


@pytest.mark.slow
def test_several_processes_verify_as_one_does(vault: Vault) -> None:
    vault.script(_WRITE)
    assert vault.manage("audit", "seal").code == 0
    done = vault.manage("audit", "verify", "--processes", "3")
    assert done.code == 0, done.out + done.err
    assert "events verified" in done.out
    event = vault.database.value("SELECT event FROM audit_leaf WHERE position = 700")
    vault.database.rows(
        "UPDATE audit_event SET outcome = 2 WHERE id = (SELECT event FROM audit_leaf WHERE position = 700)"
    )
    done = vault.manage("audit", "verify", "--processes", "3")
    assert done.code == 1
    assert f"changed: event {UUID(str(event))} at position 700" in done.out


# --- what a step does, one statement after the other ------------------------------------------------------------------


def test_a_step_that_fails_anywhere_leaves_nothing(committed_vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    written(300)
    insert_many, calls = sealing.insert_many, []

    def fails_at(number: int) -> None:
        def insert(rows: object) -> None:
            calls.append(rows)
            if len(calls) == number:
                raise ZeroDivisionError
            insert_many(rows)  # type: ignore[arg-type]

        calls.clear()
        monkeypatch.setattr(sealing, "insert_many", insert)

    for number in (1, 2, 3):
        fails_at(number)
        with pytest.raises(ZeroDivisionError):
            sealing.seal_everything(tell=lambda _: None)
        assert (Tree.objects.get().size, Leaf.objects.count(), Node.objects.count(), Head.objects.count()) == (
            0,
            0,
            0,
            0,
        )
    monkeypatch.setattr(sealing, "insert_many", insert_many)
    assert sealed() == 300
    assert trees.newest_head(1) is not None
    assert not Sealer.objects.exists()
