"""Whoever is forgotten stands in the journal, in the database and outside of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from databunker import startup
from databunker.access.actor import operator
from databunker.access.models import TokenKind
from databunker.crypto import store
from databunker.erasure import journal, outside
from databunker.erasure.errors import JournalError
from databunker.erasure.models import Erasure, Journal
from databunker.erasure.pushing import KIND
from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job
from gdpr import maintenance
from tests.api.helpers import subject_of
from tests.conftest import Api, make_vault, new_token
from tests.support.backups import emptied
from tests.support.receivers import Receiver
from vault import actions

from .conftest import read, stored

Forgotten = Callable[..., list[str]]


def test_a_forgetting_is_in_the_file_before_it_is_answered(file: Path, forgotten: Forgotten) -> None:
    tokens = forgotten("ann", "bob")
    found = read(file)
    assert found == stored()
    assert [entry.sequence for entry in found] == [1, 2]
    assert [entry.subject for entry in found] == [subject_of(token) for token in tokens]
    assert [(entry.tenant, entry.generation) for entry in found] == [(1, 2)] * 2
    text = file.read_bytes()
    assert file.stat().st_mode & 0o777 == 0o600
    for word in (b"ann", b"bob", *(token.encode() for token in tokens)):
        assert word not in text
    assert list(journal.check_chain()) == []


def test_a_person_is_entered_once(file: Path, committed_api: Api, forgotten: Forgotten) -> None:
    (token,) = forgotten("ann")
    assert committed_api.delete(f"/v1/user/token/{token}").status_code == 200
    assert [entry.sequence for entry in read(file)] == [1]


def test_what_is_undone_was_never_entered(file: Path, committed_api: Api, forgotten: Forgotten) -> None:
    token = committed_api.create(login="ann")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        actions.forget_person(operator(), mode="token", identity=token)
        raise ZeroDivisionError
    assert stored() == []
    assert not file.exists()
    forgotten("bob")
    assert [entry.sequence for entry in read(file)] == [1]


def test_without_a_file_the_table_still_has_it(forgotten: Forgotten) -> None:
    forgotten("ann")
    assert [entry.sequence for entry in stored()] == [1]
    assert outside.flush() == 0
    assert outside.file_state() is None


@pytest.mark.parametrize("keep", [0, 1, 100])
def test_a_line_that_a_crash_has_cut_is_written_again(file: Path, forgotten: Forgotten, keep: int) -> None:
    forgotten("ann", "bob")
    whole = file.read_bytes()
    last = whole.rstrip(b"\n").rfind(b"\n") + 1
    file.write_bytes(whole[: last + keep])
    assert outside.file_state() == (1, 1)
    assert file.read_bytes() == whole[: last + keep], "looking changes nothing"
    assert outside.flush() == 1
    assert file.read_bytes() == whole


@pytest.mark.parametrize("keep", [0, 1, 30])
def test_a_file_of_which_only_the_beginning_is_left_is_made_anew(file: Path, forgotten: Forgotten, keep: int) -> None:
    forgotten("ann", "bob")
    whole = file.read_bytes()
    file.write_bytes(whole[:keep])
    assert outside.flush() == 2
    assert file.read_bytes() == whole


def test_a_file_that_was_lost_is_made_anew_by_maintenance(file: Path, forgotten: Forgotten) -> None:
    forgotten("ann", "bob", "cat")
    whole = file.read_bytes()
    file.unlink()
    assert outside.file_state() == (0, 3)
    (task,) = [task for task in maintenance.tasks() if task.name == "erasure journal"]
    (outcome,) = maintenance.run([task], seconds=10)
    assert (outcome.done, outcome.failure) == (3, "")
    assert file.read_bytes() == whole
    assert outside.file_state() == (3, 0)


def test_many_entries_are_written_in_pages(file: Path, vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_PAGE", 7)
    monkeypatch.setattr(outside, "_LINES_A_WRITE", 5)
    for number in range(50):
        journal.append(tenant=1, subject=number.to_bytes(16, "big"), generation=2)
    assert outside.flush() == 50
    assert read(file) == stored()
    assert outside.flush() == 0


def test_a_file_that_can_not_be_written_stops_no_forgetting_and_is_told_of(
    file: Path, committed_api: Api, forgotten: Forgotten, caplog: pytest.LogCaptureFixture
) -> None:
    file.mkdir()
    (token,) = forgotten("ann")
    assert committed_api.get(f"/v1/user/token/{token}").json()["data"] == {}
    (told,) = [record for record in caplog.records if record.name == "databunker.erasure"]
    assert told.getMessage() == "the erasure journal could not be written"
    assert str(file) not in caplog.text
    new_token(TokenKind.ROOT)
    with pytest.raises(startup.NotReady, match="ERASURE_JOURNAL_FILE can't be written: Is a directory"):
        startup.verify()


@pytest.mark.parametrize("content", [b"a secret without an end", b"root:x:0:0\n", b'{"a":1}\n', b'{"a":1}\n{"seq'])
def test_a_file_of_somebody_else_s_is_left_alone(file: Path, forgotten: Forgotten, content: bytes) -> None:
    file.write_bytes(content)
    forgotten("ann")
    with pytest.raises(JournalError):
        outside.flush()
    assert file.read_bytes() == content


def test_the_journal_of_another_vault_is_left_alone(file: Path, forgotten: Forgotten) -> None:
    forgotten("ann")
    before = file.read_bytes()
    emptied()
    make_vault()
    with pytest.raises(JournalError, match="another vault's"):
        outside.flush()
    assert file.read_bytes() == before


# --- an older database ------------------------------------------------------------------------------------------------


def test_a_database_that_is_older_than_the_journal_does_not_start(file: Path, forgotten: Forgotten) -> None:
    """Whatever took it back: a copy of the disk, a dump of the database server, a replica that was behind."""
    new_token(TokenKind.ROOT)
    forgotten("ann", "bob")
    startup.verify()
    Erasure.objects.filter(sequence=2).delete()
    Journal.objects.update(sequence=1, mac=stored()[0].mac)
    before = file.read_bytes()
    with pytest.raises(startup.NotReady, match="goes on to number 2, this database to 1 only"):
        startup.verify()
    assert file.read_bytes() == before


def test_a_database_with_another_past_does_not_start(file: Path, forgotten: Forgotten) -> None:
    new_token(TokenKind.ROOT)
    forgotten("ann", "bob")
    Erasure.objects.filter(sequence=2).delete()
    Journal.objects.update(sequence=1, mac=stored()[0].mac)
    file.rename(file.with_suffix(".old"))
    forgotten("cat")
    file.with_suffix(".old").rename(file)
    with pytest.raises(startup.NotReady, match="erasure 2 of the journal is not known to this database"):
        startup.verify()


@pytest.mark.parametrize(
    ("tamper", "told"),
    [
        (lambda: Erasure.objects.filter(sequence=2).update(at=1), "erasure 2 was changed"),
        (lambda: Erasure.objects.filter(sequence=2).update(subject=bytes(16)), "erasure 2 was changed"),
        (lambda: Erasure.objects.filter(sequence=2).delete(), "erasures 2 to 2 are missing"),
        (lambda: Erasure.objects.filter(sequence=3).delete(), "should end with erasure 3, and ends with 2"),
        (lambda: Journal.objects.update(sequence=2), "should end with erasure 2, and ends with 3"),
        (lambda: Journal.objects.update(mac=bytes(32)), "should end with erasure 3"),
    ],
)
def test_a_journal_that_was_changed_in_the_database_does_not_hold(
    file: Path, forgotten: Forgotten, tamper: Callable[[], Any], told: str
) -> None:
    forgotten("ann", "bob", "cat")
    assert list(journal.check_chain()) == []
    tamper()
    assert told in " ".join(journal.check_chain())


# --- by HTTP -----------------------------------------------------------------------------------------------------------


def test_each_forgetting_is_posted_as_the_file_has_it(committed_api: Api, settings: Any, file: Path) -> None:
    with Receiver() as receiver:
        settings.ERASURE_JOURNAL_URL = receiver.url()
        settings.NOTIFICATION_SECRET = "x" * 32
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.1"]
        token = committed_api.create(login="ann")
        committed_api.delete(f"/v1/user/token/{token}")
        (job,) = Job.objects.all()
        assert (job.kind, job.subject) == (KIND, None)
        receiver.statuses = [500]
        assert deliver_due() == 0
        Job.objects.update(next_attempt=0)
        assert deliver_due() == 1
    lines = [received.body for received in receiver.received]
    assert lines == [file.read_bytes().splitlines(keepends=True)[1]] * 2
    assert receiver.received[0].headers["x-databunker-signature"].startswith("t=")


def test_the_keyring_of_any_age_proves_a_journal(file: Path, forgotten: Forgotten) -> None:
    """Its key is never rotated: a backup's keyring may be older than what it proves."""
    from databunker.crypto.models import WrappedKey

    forgotten("ann")
    master = store.configured_master_key()
    assert master is not None
    from databunker.crypto.keyring import Key, Purpose

    for number, purpose in enumerate((Purpose.DATA, Purpose.AUDIT, Purpose.SIGNING), start=100):
        key = Key(number, purpose, bytes(32))
        WrappedKey.objects.create(id=number, purpose=purpose.value, wrapped=master.wrap(key), created=1)
    store.forget_cached()
    assert len(read(file)) == 1
