"""A backup that is taken while everybody writes is of one moment, and nobody waits for it."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from django.db import Error as DatabaseError
from django.db import connections

from audit.models import Event
from databunker.access.actor import operator
from databunker.backup import create_backup
from tests.conftest import Api
from tests.support.backups import emptied, restored, taken
from vault.events import RECORD_CHANGED, RECORD_CREATED
from vault.models import Identity, Record, RecordVersion

WRITERS, BACKUPS = 4, 5


def written_until(stop: threading.Event, api: Api, name: str, done: list[str]) -> None:
    try:
        number = 0
        while not stop.is_set():
            login = f"{name}-{number}"
            token = api.create(login=login, email=f"{login}@example.com")
            assert api.put(f"/v1/user/token/{token}", {"number": number}).status_code == 200
            done.append(login)
            number += 1
    finally:
        connections.close_all()


def test_every_record_in_a_backup_has_its_identities_and_its_events(committed_api: Api) -> None:
    stop = threading.Event()
    done: list[list[str]] = [[] for _ in range(WRITERS)]
    writers = [
        threading.Thread(target=written_until, args=(stop, committed_api, f"w{number}", done[number]))
        for number in range(WRITERS)
    ]
    backups = []
    for writer in writers:
        writer.start()
    try:
        for _ in range(BACKUPS):
            before = sum(map(len, done))
            backups.append((before, taken()))
            deadline = time.monotonic() + 20
            while sum(map(len, done)) < before + 10:
                assert time.monotonic() < deadline, "the writers wait for something"
                time.sleep(0.01)
    finally:
        stop.set()
        for writer in writers:
            writer.join()
    sizes = []
    for before, backup in backups:
        emptied()
        checked = restored(backup).checked
        assert checked.damaged == 0, checked.problems
        people = Record.objects.count()
        assert people >= before, "what was acknowledged before is in it"
        assert Identity.objects.count() == 2 * people
        assert set(Event.objects.filter(type=RECORD_CREATED.number).values_list("subject", flat=True)) == {
            bytes(subject) for subject in Record.objects.values_list("subject", flat=True)
        }
        changed = Record.objects.filter(version=2).count()
        assert Event.objects.filter(type=RECORD_CHANGED.number).count() == RecordVersion.objects.count() == changed
        sizes.append(people)
    assert sizes == sorted(sizes)
    assert sizes[0] < sizes[-1]


def test_a_backup_that_is_taken_slowly_lets_everybody_write(committed_api: Api) -> None:
    token = committed_api.create(login="before")
    backup = create_backup(operator())
    parts = iter(backup)
    began = [next(parts), next(parts)]
    for number in range(20):
        assert committed_api.create(login=f"meanwhile{number}")
    assert committed_api.put(f"/v1/user/token/{token}", {"login": "after"}).status_code == 200
    assert committed_api.delete(f"/v1/user/token/{token}").status_code == 200
    whole = b"".join([*began, *parts])
    emptied()
    restored(whole)
    assert committed_api.get(f"/v1/user/token/{token}").json()["data"] == {"login": "before"}
    assert Record.objects.count() == 1


def test_a_backup_that_is_given_up_ends_its_transaction(committed_api: Api) -> None:
    from databunker.backup import snapshot

    ended: list[Any] = []
    close = snapshot.Snapshot.close
    for number in range(300):
        committed_api.create(login=f"ann{number}")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(snapshot.Snapshot, "close", lambda self: (ended.append(self._connection), close(self)))
        for parts in (0, 1, 3):
            backup = create_backup(operator())
            iterator = iter(backup)
            for _ in range(parts):
                next(iterator)
            backup.close()
            del iterator
    assert {connection.connection for connection in ended} == {None}
    assert len({id(connection) for connection in ended}) == 3


def test_a_closed_backup_is_not_read_on(committed_api: Api) -> None:
    """Nor from another moment, over a new connection."""
    backup = create_backup(operator())
    parts = iter(backup)
    next(parts)
    backup.close()
    with pytest.raises(DatabaseError):
        next(parts)


def test_a_lost_database_ends_a_backup_as_incomplete(committed_api: Api) -> None:
    committed_api.create(login="ann")
    backup = create_backup(operator())
    parts = iter(backup)
    next(parts)
    backup._snapshot._connection.connection.close()
    with pytest.raises(DatabaseError):
        list(parts)
    backup.close()
