"""An import that stopped goes on where it was; run again at its end it takes what is new there."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError

from audit.models import Event
from databunker.access.actor import operator
from databunker.crypto.errors import IntegrityFailure
from gdpr.importing import Options, PeerKey, Reading, Tally, open_peer, progress, run_import, runner
from gdpr.models import ImportProgress
from tests.support.damage import flipped
from tests.support.databases import Database
from tests.support.peer import Peer
from tests.support.vaults import Vault, new_vault
from vault.events import EVENT_ADOPTED
from vault.models import AppRecord, Identity, Record, Session

from .conftest import Importer

PEOPLE = 12


def fill(peer: Peer, number: int = PEOPLE, *, name: str = "n", when: int = 1_600_000_000) -> list[str]:
    """People with something in every table; every fourth has a login that is somebody's, every sixth can't be read."""
    tokens = []
    for n in range(number):
        login = f"{name}{n // 4 * 4}" if n % 4 == 3 else f"{name}{n}"
        content = b"broken" if n % 6 == 5 else None
        token = peer.person(login=login, content=content, who=f"{name}{n}")
        tokens.append(token)
        peer.app_data(token, "shop", {"n": n})
        peer.session({"n": n}, token=token)
        peer.event(who=token, record=token, when=when + n, title=f"event {name}{n}")
    return tokens


def state() -> dict[str, Any]:
    """What is in the vault that may depend on how often the import was stopped."""
    return {
        "people": sorted(bytes(subject) for subject in Record.objects.values_list("subject", flat=True)),
        "identities": Identity.objects.count(),
        "apps": AppRecord.objects.count(),
        "sessions": Session.objects.count(),
        "events": Event.objects.filter(type=EVENT_ADOPTED.number).count(),
        "told": sorted(Event.objects.exclude(type__in=(262, 263)).values_list("type", flat=True)),
    }


EXPECTED = {"identities": 8, "apps": 10, "sessions": 10, "events": 12}


def check_all(importer: Importer, report: list[dict[str, Any]]) -> None:
    found = state()
    assert len(found["people"]) == 10
    assert {name: found[name] for name in EXPECTED} == EXPECTED
    assert len(found["told"]) == 10 * 3 + 12
    lines = [(line["table"], line["row"], line["reason"]) for line in report]
    assert len(lines) == len(set(lines))
    assert len({line["load"] for line in report}) == 1
    by_table = {
        table: sum(1 for line in report if line["table"] == table) for table in ("users", "userapps", "sessions")
    }
    assert by_table == {"users": 2 + 2, "userapps": 2, "sessions": 2}


@pytest.fixture
def filled(importer: Importer) -> Importer:
    fill(importer.peer)
    return importer


def part(importer: Importer, *, batches: int) -> Tally:
    """A run that is stopped after so many batches."""
    told: list[int] = []
    with open_peer(importer.peer.url) as peer:
        reading = Reading(operator(), peer, PeerKey.parse(importer.peer.key_text), int(time.time()))
        options = Options(importer.report, 2, restart=False, dry_run=False)
        return run_import(
            reading, options, tell=lambda tally: told.append(tally.read), stopped=lambda: len(told) >= batches
        )


def test_in_one_go(filled: Importer) -> None:
    done = filled.run(batch=5)
    check_all(filled, done.report)
    assert ImportProgress.objects.get().report_size == filled.report.stat().st_size


@pytest.mark.parametrize("batches", [1, 6, 9, 14, 20])
def test_a_stopped_import_goes_on(filled: Importer, batches: int) -> None:
    assert not part(filled, batches=batches).complete
    done = filled.run(batch=3)
    check_all(filled, done.report)
    assert done.counts("users") == {"read": 12, "stored": 10, "here": 0, "expired": 0, "refused": 2, "part": 2}


def test_a_failure_in_the_first_batch_that_reports_is_no_others_report(
    filled: Importer, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = progress.advance

    def failing(*given: Any) -> None:
        if filled.report.exists() and filled.report.stat().st_size:
            raise Power
        real(*given)

    with monkeypatch.context() as broken:
        broken.setattr(progress, "advance", failing)
        with pytest.raises(CommandError, match="unexpected Power"):
            filled.run(batch=100)
    assert filled.report.stat().st_size > 0
    check_all(filled, filled.run().report)


class Power(Exception):
    """It is gone."""


@pytest.mark.parametrize("batches", [0, 1, 5, 8, 13, 19, 23])
def test_a_failure_between_report_and_commit_loses_and_repeats_nothing(
    filled: Importer, batches: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = 0
    real = progress.advance

    def failing(*given: Any) -> None:
        nonlocal calls
        calls += 1
        if calls > batches:
            raise Power
        real(*given)

    with monkeypatch.context() as broken:
        broken.setattr(progress, "advance", failing)
        with pytest.raises(CommandError, match="unexpected Power"):
            filled.run(batch=2)
    check_all(filled, filled.run(batch=2).report)


def test_run_again_it_takes_what_is_new_and_leaves_what_is_here(filled: Importer) -> None:
    filled.run()
    filled.api.put("/v1/user/login/n1", {"changed": True})
    filled.api.delete("/v1/user/login/n2")
    new = fill(filled.peer, 2, name="new", when=1_600_001_000)
    done = filled.run(report=filled.folder / "second.jsonl")
    assert done.counts("users")["stored"] == 2
    assert done.counts("users")["here"] == 10
    assert done.counts("userapps")["stored"] == 2
    assert done.counts("audit") == {"read": 2, "stored": 2, "here": 0, "expired": 0, "refused": 0, "part": 0}
    assert filled.profile("login", "new1") is not None
    changed = filled.profile("login", "n1")
    assert changed is not None
    assert changed["changed"]
    assert filled.profile("login", "n2") is None
    assert len(new) == 2
    assert ImportProgress.objects.count() == 1


def test_nobody_who_was_forgotten_here_comes_back(filled: Importer) -> None:
    filled.run()
    filled.api.delete("/v1/user/login/n0")
    done = filled.run(report=filled.folder / "second.jsonl")
    assert done.counts("users")["stored"] == 0
    assert filled.profile("login", "n0") is None
    assert "the person was forgotten" in done.reasons("userapps")
    assert "the person was forgotten" in done.reasons("sessions")
    assert AppRecord.objects.count() == 9


def test_restart_goes_through_all_again(filled: Importer) -> None:
    part(filled, batches=20)
    done = filled.run(restart=True)
    assert done.counts("users")["here"] == 10
    found = state()
    assert (found["apps"], found["events"]) == (10, 12)


def test_another_report_than_its_own_is_refused(filled: Importer) -> None:
    part(filled, batches=8)
    filled.report.rename(filled.folder / "elsewhere")
    with pytest.raises(CommandError, match="is not the file that the earlier run of this input wrote"):
        filled.run()
    (filled.folder / "elsewhere").rename(filled.report)
    check_all(filled, filled.run().report)


def test_a_file_of_somebody_elses_is_not_overwritten(filled: Importer) -> None:
    filled.report.write_text("mine")
    with pytest.raises(CommandError, match="exists already"):
        filled.run()
    assert filled.report.read_text() == "mine"


def test_the_report_of_an_earlier_pass_is_not_overwritten(filled: Importer) -> None:
    filled.run()
    before = filled.report.read_bytes()
    for message in ("exists already", "is not the file that the earlier run", "is not the file that the earlier run"):
        with pytest.raises(CommandError, match=message):
            filled.run()
    assert filled.report.read_bytes() == before


def test_reports_are_numbered_by_pass(filled: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(filled.folder)
    filled.run(report=None)
    filled.run(report=None)
    assert sorted(path.name for path in filled.folder.glob("*.jsonl")) == [
        "databunker-import-1.jsonl", "databunker-import-2.jsonl",
    ]  # fmt: skip
    assert (filled.folder / "databunker-import-1.jsonl").stat().st_mode & 0o777 == 0o600


def test_of_two_at_once_one_stops_and_nothing_comes_twice(filled: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    part(filled, batches=3)
    real = progress.advance

    def overtaken(tenant: int, known: progress.Progress, reached: progress.Progress) -> None:
        ImportProgress.objects.filter(id=known.row).update(step=known.step + 5)
        real(tenant, known, reached)

    monkeypatch.setattr(progress, "advance", overtaken)
    with pytest.raises(CommandError, match="another import of this Databunker is at work") as caught:
        filled.run()
    assert caught.value.returncode == 1


def test_a_moved_database_is_known_again(filled: Importer, tmp_path: Path) -> None:
    """It is the master key that tells one Databunker from another."""
    part(filled, batches=3)
    other = Peer(Database(f"sqlite:///{tmp_path / 'moved.db'}"), kind="sqlite", master_key=filled.peer.master_key)
    other.person(login="last", token="ffffffff-ffff-4fff-bfff-ffffffffffff")
    filled.run(database_url=other.url)
    assert ImportProgress.objects.count() == 1
    assert filled.profile("login", "last") is not None


@pytest.mark.parametrize("what", ["step", "state", "source"])
def test_the_state_of_the_import_is_sealed(filled: Importer, what: str) -> None:
    """A token stands in it; and who has SQL alone can't send an import back or ahead."""
    part(filled, batches=12)
    row = ImportProgress.objects.get()
    state, first = bytes(row.state), filled.peer.keys
    assert not any(token.encode() in state for token in first)
    if what == "step":
        row.step += 1
    elif what == "state":
        row.state = flipped(state)
    else:
        row.pk, row.source = None, bytes(16)
    row.save()
    if what == "source":
        assert progress.find(1, progress.source_of(1, filled.peer.master_key)) is not None
        with pytest.raises(IntegrityFailure):
            progress.find(1, bytes(16))
        return
    with pytest.raises(CommandError):
        filled.run()


def test_a_lost_connection_stops_the_import(filled: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    import sqlite3

    from gdpr.importing.peer import database

    def broken(_: Any) -> Any:
        raise sqlite3.OperationalError("disk I/O error: secret-value")

    kinds = {name: kind._replace(stream=broken) for name, kind in database._KINDS.items()}
    monkeypatch.setattr(database, "_KINDS", kinds)
    with pytest.raises(CommandError, match="can't be read any further") as caught:
        filled.run()
    assert "secret-value" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_rows_of_one_key_stay_in_one_batch() -> None:
    rows = [{"k": value, "n": n} for n, value in enumerate("aabbbcddddd")]
    order = [runner.Column("k", "")]
    found = [("".join(row["k"] for row in batch), cursor) for batch, cursor in runner._batches(iter(rows), order, 2)]
    assert found == [("aa", ["a"]), ("bbb", ["b"]), ("cddddd", ["d"])]


# --- real processes --------------------------------------------------------------------------------------------------


@pytest.fixture
def own_vault(tmp_path: Path) -> Iterator[Vault]:
    folder = tmp_path / "own"
    folder.mkdir()
    with new_vault(folder) as made:
        yield made


def killed(process: subprocess.Popen[str], *, after: float) -> bool:
    time.sleep(after)
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_killed_at_any_moment_it_takes_each_row_once(own_vault: Vault, peer: Peer) -> None:
    fill(peer, 240)
    command = ("import_databunker", "--database-url", peer.url, "--batch", "4")
    dice, kills, taken = random.Random(1), 0, "SELECT count(*) FROM audit_event WHERE type = 260"
    for _ in range(6):
        process = own_vault.start_manage(*command, DATABUNKER_IMPORT_MASTERKEY=peer.key_text)
        before = own_vault.database.value(taken)
        while process.poll() is None and own_vault.database.value(taken) == before:
            time.sleep(0.01)
        kills += killed(process, after=0.1 * dice.random())
    done = own_vault.manage(*command, DATABUNKER_IMPORT_MASTERKEY=peer.key_text)
    assert done.code == 0, done.err
    counts = own_vault.database.counts()
    assert (counts["vault_record"], counts["vault_app_record"], counts["vault_session"]) == (200, 200, 200)
    assert own_vault.database.value(taken) == 240
    lines = (own_vault.folder / "databunker-import-1.jsonl").read_bytes().splitlines()
    assert len(lines) == len(set(lines)) == 40 * 3 + 40
    assert kills >= 1


@pytest.mark.slow
def test_interrupted_it_ends_after_the_batch_and_can_be_resumed(own_vault: Vault, peer: Peer) -> None:
    fill(peer, 600)
    command = ("import_databunker", "--database-url", peer.url, "--batch", "1")
    process = own_vault.start_manage(*command, DATABUNKER_IMPORT_MASTERKEY=peer.key_text)
    deadline = time.monotonic() + 20
    while not own_vault.database.value("SELECT count(*) FROM vault_record") and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 128 + signal.SIGTERM, err
    assert "Run the same command again" in err
    assert 0 < own_vault.database.value("SELECT count(*) FROM vault_record") < 500
    done = own_vault.manage(*command[:-1], "200", DATABUNKER_IMPORT_MASTERKEY=peer.key_text)
    assert done.code == 0, done.err
    assert own_vault.database.value("SELECT count(*) FROM vault_record") == 500
