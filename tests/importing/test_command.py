"""The command as operators use it: where the key comes from, what a dry run leaves, what is never shown."""

from __future__ import annotations

import io
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import call_command
from django.core.management.base import CommandError

from gdpr.importing import Tally
from gdpr.importing.display import Bar, Lines
from gdpr.importing.progress import Counts
from tests.support.databases import scratch_database
from tests.support.peer import Peer
from tests.support.raw import Raw
from tests.support.search import Needles, leaks, personal_values
from tests.support.vaults import Vault

from .conftest import Importer
from .test_resume import fill


def rows_in_all_tables() -> dict[str, int]:
    return {model._meta.label: model._default_manager.count() for model in apps.get_models()}


def test_a_dry_run_reads_everything_and_writes_nothing(importer: Importer) -> None:
    fill(importer.peer)
    importer.peer.forgotten()
    stranger = str(uuid.uuid4())
    importer.peer.keys[stranger] = bytes(8)
    importer.peer.session({"n": 1}, token=stranger)
    before = rows_in_all_tables()
    done = importer.run(dry_run=True, batch=2)
    assert rows_in_all_tables() == before
    assert not importer.report.exists()
    assert done.out.endswith("A dry run: nothing was written.\n")
    counts = {table: done.counts(table) for table in ("users", "userapps", "sessions", "audit")}
    importer_out = importer.run()
    real = {table: importer_out.counts(table) for table in counts}
    assert counts["users"] == {"read": 13, "stored": 11, "here": 0, "expired": 0, "refused": 2, "part": 2}
    assert real == counts
    assert "duplicate index: login" in done.out
    assert " sessions: the person is not here" in done.out


def test_a_dry_run_also_refuses_a_wrong_key(importer: Importer) -> None:
    importer.peer.person(login="ann")
    with pytest.raises(CommandError, match="the master key is not that of this Databunker"):
        importer.run(dry_run=True, masterkey="ab" * 24)


def test_a_dry_run_knows_who_is_here_already(importer: Importer) -> None:
    fill(importer.peer)
    importer.run()
    assert importer.run(dry_run=True).counts("users")["here"] == 10


def test_the_key_comes_from_a_file_or_the_environment(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    importer.peer.person(login="ann")
    file = importer.folder / "key"
    file.write_text(f"{importer.peer.key_text.upper()}\n")
    done = importer.run(masterkey=None, masterkey_file=file)
    assert done.err == ""
    monkeypatch.setenv("DATABUNKER_IMPORT_MASTERKEY", importer.peer.key_text)
    monkeypatch.setenv("DATABUNKER_IMPORT_DATABASE_URL", importer.peer.url)
    again = importer.run(masterkey=None, database_url=None, report=importer.folder / "second.jsonl")
    assert again.counts("users")["here"] == 1


def test_a_key_on_the_command_line_is_warned_of(importer: Importer) -> None:
    done = importer.run()
    assert "--masterkey shows the key to other users of this host" in done.err
    assert importer.peer.key_text not in done.err + done.out


@pytest.mark.parametrize("key", ["", "0123", "zz" * 24, "ab" * 32, "ab" * 23 + "a"])
def test_what_is_no_master_key_is_refused_and_not_repeated(importer: Importer, key: str) -> None:
    with pytest.raises(CommandError) as caught:
        importer.run(masterkey=key)
    assert caught.value.returncode == 2
    assert not key or key not in str(caught.value)


def test_one_source_of_the_key_is_enough(importer: Importer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABUNKER_IMPORT_MASTERKEY", importer.peer.key_text)
    with pytest.raises(CommandError, match="give Databunker's master key once"):
        importer.run()


def test_a_key_file_that_is_not_there_is_refused(importer: Importer) -> None:
    with pytest.raises(CommandError, match="--masterkey-file can't be read"):
        importer.run(masterkey=None, masterkey_file=importer.folder / "none")


@pytest.mark.parametrize(
    "url",
    [
        "", "nonsense", "oracle://user:secret-word@host/db", "sqlite:////nowhere/at/all.db",
        "postgres://user:secret-word@127.0.0.1:1/db", "mysql://user:secret-word@127.0.0.1:1/db",
    ],
)  # fmt: skip
def test_a_database_that_can_not_be_reached_is_refused_without_its_password(importer: Importer, url: str) -> None:
    with pytest.raises(CommandError) as caught:
        importer.run(database_url=url)
    assert caught.value.returncode == 2
    assert "secret-word" not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_vault_is_no_databunker(importer: Importer, tmp_path: Path) -> None:
    import sqlite3

    sqlite3.connect(tmp_path / "other.db").execute("CREATE TABLE people (token TEXT)")
    with pytest.raises(CommandError, match="there is no Databunker in this database"):
        importer.run(database_url=f"sqlite:///{tmp_path / 'other.db'}")


@pytest.mark.parametrize("batch", [0, 5_001])
def test_batches_have_a_size(importer: Importer, batch: int) -> None:
    with pytest.raises(CommandError, match="--batch must be between"):
        importer.run(batch=batch)


def test_without_a_vault_nothing_is_read(peer: Peer, db: None) -> None:
    with pytest.raises(CommandError) as caught:
        call_command("import_databunker", database_url=peer.url, masterkey=peer.key_text, stderr=io.StringIO())
    assert caught.value.returncode == 1


def test_progress_is_shown_in_a_terminal_and_now_and_then_in_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    tally = Tally({"users": 1000, "audit": 500}, {}, 1, {"users": Counts(read=900, stored=900)})
    written: list[str] = []
    lines = Lines(written.append)
    lines.show(tally)
    assert written == []
    monkeypatch.setattr(Lines, "EVERY_SECONDS", 0.0)
    lines.show(tally)
    assert written == ["900 of 1,500 rows, in users"]
    with Bar() as bar:
        bar.show(tally)
        (task,) = bar._progress.tasks
        assert (task.total, task.completed) == (1500, 900)


# --- nothing in clear ------------------------------------------------------------------------------------------------


@pytest.fixture
def own_vault(tmp_path: Path) -> Iterator[Vault]:
    folder = tmp_path / "own"
    folder.mkdir()
    with scratch_database(folder) as database:
        yield Vault(database, folder)


@pytest.mark.slow
def test_nothing_of_anybody_is_in_clear_here_or_in_what_is_told(own_vault: Vault, peer: Peer, tmp_path: Path) -> None:
    """Rows, files, the log of writes, the report and the output: no value, no token, no key of the other vault."""
    values: list[str] = [peer.key_text, peer.master_key.hex()]
    tokens = []
    with Raw(own_vault.database) as raw:
        own_vault.init()
        known = [data for _, data in raw.sources()]
        for n in range(30):
            profile = {"login": f"login-{uuid.uuid4().hex}", "email": f"{uuid.uuid4().hex}@example.com", "name": f"Łukasz {n} {uuid.uuid4().hex}"}  # fmt: skip
            token = peer.person(**profile)
            private = {"note": f"private {uuid.uuid4().hex}"}
            peer.app_data(token, "shop", private)
            session = peer.session(private, token=token)
            share = peer.share(token, partner=f"partner {uuid.uuid4().hex}")
            peer.event(
                who=profile["email"], record=token, mode="email", msg=f"message {uuid.uuid4().hex}",
                before=peer.sealed_for(token, private), after=peer.sealed_for(token, profile),
            )  # fmt: skip
            tokens.append(token)
            values += [*personal_values(profile), *personal_values(private), session, share]
        peer.person(login="damaged", content=b"damaged content")
        unknown = f"{uuid.uuid4().hex}@example.com"
        peer.event(who=unknown, record=unknown, mode="email")
        values += [unknown, "damaged content"]
        done = own_vault.manage(
            "import_databunker", "--database-url", peer.url, "--batch", "7", DATABUNKER_IMPORT_MASTERKEY=peer.key_text
        )
        assert done.code == 0, done.err
        assert own_vault.database.counts()["vault_record"] == 30
        needles = Needles([*values, *tokens, *(uuid.UUID(token).bytes for token in tokens)], known=known)
        assert len(needles.left_out) == 0
        # PostgreSQL's log of writes is of the whole server, where the other vault is written to as well.
        sources = [(name, data) for name, data in raw.sources() if name != "log of writes"]
        assert {name: found for name, data in sources if (found := leaks(needles, data))} == {}
    told = Needles(values)
    assert leaks(told, (done.out + done.err).encode()) == []
    assert leaks(told, (own_vault.folder / "databunker-import-1.jsonl").read_bytes()) == []
