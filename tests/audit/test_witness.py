"""Heads outside of the database: posted, appended, and held against a database that was rolled back."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from audit import proofs, verifier, witness
from audit.checks import check_witness_url
from audit.models import Event, Head, Leaf, Tree
from audit.witness import RolledBack, WitnessError
from databunker.notify import delivery
from databunker.notify.models import Job
from gdpr import maintenance
from tests.support.receivers import Receiver
from tests.support.trail import sealed, written

pytestmark = pytest.mark.usefixtures("vault")


@pytest.fixture(autouse=True)
def file(tmp_path: Path, settings: Any) -> Path:
    settings.AUDIT_WITNESS_FILE = str(tmp_path / "heads.jsonl")
    return tmp_path / "heads.jsonl"


def heads_in(file: Path) -> list[int]:
    keys = verifier.Keys(proofs.public_keys(tenant=1))
    notes = [json.loads(line)["note"] for line in file.read_bytes().splitlines()]
    return [verifier.open_checkpoint(note, keys).size for note in notes]


def grow(*numbers: int) -> None:
    for number in numbers:
        written(number)
        sealed()


def roll_back(size: int) -> None:
    Event.objects.filter(id__in=Leaf.objects.filter(position__gte=size).values_list("event", flat=True)).delete()
    Leaf.objects.filter(position__gte=size).delete()
    Head.objects.filter(size__gt=size).delete()
    Tree.objects.update(size=size)


def verify(file: Path) -> str:
    out = io.StringIO()
    call_command("audit", "verify", "--processes", "1", "--witness", str(file), stdout=out, stderr=io.StringIO())
    return out.getvalue()


def test_each_head_is_in_the_file_once(file: Path) -> None:
    grow(3, 4)
    assert witness.flush() == 2
    assert witness.flush() == 0
    grow(5)
    assert witness.flush() == 1
    assert heads_in(file) == [3, 7, 12]
    assert file.stat().st_mode & 0o777 == 0o600
    assert "12 events verified" in verify(file)


def test_a_writer_that_died_in_a_line_is_gone_on_from(file: Path, tmp_path: Path, settings: Any) -> None:
    grow(3, 4)
    witness.flush()
    whole = file.read_bytes()
    for cut in (1, 50, len(whole) - 1):
        other = tmp_path / f"{cut}.jsonl"
        other.write_bytes(whole[:cut])
        settings.AUDIT_WITNESS_FILE = str(other)
        witness.flush()
        assert other.read_bytes() == whole


def test_a_file_that_was_lost_is_made_anew(file: Path) -> None:
    grow(3, 4)
    witness.flush()
    file.unlink()
    assert witness.flush() == 2
    assert heads_in(file) == [3, 7]


def test_nobody_elses_file_is_touched(file: Path) -> None:
    grow(1)
    for text in (b"my letters\n", b'{"other":1}\n', b"x"):
        file.write_bytes(text)
        with pytest.raises(WitnessError, match="something else"):
            witness.flush()
        assert file.read_bytes() == text


def test_a_file_that_cannot_be_written_is_said(settings: Any) -> None:
    settings.AUDIT_WITNESS_FILE = "/proc/nothing/here"
    with pytest.raises(WitnessError, match="can't be written"):
        witness.flush()


@pytest.mark.parametrize("size", [3, 7])
def test_a_rollback_is_noticed_and_the_file_kept(file: Path, size: int) -> None:
    grow(3, 4, 5)
    witness.flush()
    kept = file.read_bytes()
    roll_back(size)
    with pytest.raises(RolledBack, match="size 12"):
        witness.flush()
    grow(9)
    with pytest.raises(RolledBack):
        witness.flush()
    assert file.read_bytes() == kept
    with pytest.raises(CommandError) as caught:
        verify(file)
    assert caught.value.returncode == 1


def test_a_vault_that_began_anew_is_noticed(file: Path) -> None:
    grow(3)
    witness.flush()
    for model in (Event, Leaf, Head, Tree):
        model.objects.all().delete()
    grow(3)
    with pytest.raises(RolledBack, match="not in this database"):
        witness.flush()


def test_verify_wants_heads_that_this_vault_has_signed(file: Path, tmp_path: Path) -> None:
    grow(3)
    witness.flush()
    other = tmp_path / "other.jsonl"
    other.write_bytes(file.read_bytes().replace(b"\\n3\\n", b"\\n4\\n"))
    with pytest.raises(CommandError, match="hold"):
        verify(other)
    with pytest.raises(CommandError, match="can't be read") as caught:
        verify(tmp_path / "nothing")
    assert caught.value.returncode == 2


def test_maintenance_writes_the_file_where_one_is_set(settings: Any, file: Path) -> None:
    grow(3)
    assert "audit: witness file" in {task.name for task in maintenance.tasks(prompt=True)}
    maintenance.run([task for task in maintenance.tasks() if task.name == "audit: witness file"], seconds=5)
    assert heads_in(file) == [3]
    settings.AUDIT_WITNESS_FILE = ""
    assert "audit: witness file" not in {task.name for task in maintenance.tasks()}
    assert witness.flush() == 0


# --- posted ----------------------------------------------------------------------------------------------------------


def test_each_head_is_posted_signed(settings: Any) -> None:
    settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.1"]
    settings.NOTIFICATION_SECRET = "s" * 40
    with Receiver() as receiver:
        settings.AUDIT_WITNESS_URL = receiver.url()
        grow(3)
        assert delivery.deliver_due(only=[witness.KIND]) == 1
        (received,) = receiver.received
        assert received.headers["x-databunker-signature"].startswith("t=")
        body = received.json()
        keys = verifier.Keys(proofs.public_keys(tenant=1))
        assert verifier.open_checkpoint(body["note"], keys).size == body["size"] == 3
    assert not Job.objects.exists()


def test_while_the_receiver_is_away_only_the_newest_waits(settings: Any) -> None:
    settings.AUDIT_WITNESS_URL = "https://witness.example.com/"
    grow(3, 4, 5)
    assert Job.objects.filter(kind=witness.KIND).count() == 1
    settings.AUDIT_WITNESS_URL = ""
    grow(6)
    assert Job.objects.count() == 1


def test_an_address_that_cannot_be_used_is_shown_at_start(settings: Any) -> None:
    assert check_witness_url() == []
    settings.AUDIT_WITNESS_URL = "ftp://x"
    assert [problem.id for problem in check_witness_url()] == ["audit.E001"]
    settings.AUDIT_WITNESS_URL, settings.NOTIFICATION_SECRET = "https://witness.example.com/", "short"
    assert [problem.id for problem in check_witness_url()] == ["audit.E002"]
