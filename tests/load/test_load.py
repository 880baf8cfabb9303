"""`manage.py load`: who goes in, who is rejected and why, and what the operator is told."""

from __future__ import annotations

import io
import logging
import os
import stat
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management.base import CommandError
from django.db import OperationalError

from audit.models import Event
from benchmarks.people import people, write_csv
from benchmarks.shapes import columns
from databunker.access.actor import ActorKind, operator
from databunker.errors import Unavailable
from databunker.settings.logs import JsonFormatter
from vault.actions import create_record
from vault.events import RECORD_CREATED, RECORDS_LOADED
from vault.loading import loader as load_module
from vault.models import LoadProgress, Record

from .conftest import Folder, rows_of, stored_people


def test_everybody_goes_in_with_what_was_given(folder: Folder) -> None:
    made = list(people(120, seed=3, shape="wide"))
    file = folder.jsonl("people.jsonl", *made)
    said = folder.load(file, batch=50, tokens=folder.path / "tokens.jsonl")
    stored = stored_people()
    assert {login: profile for login, (_, profile) in stored.items()} == {person["login"]: person for person in made}
    tokens = rows_of(folder.path / "tokens.jsonl")
    assert [row["line"] for row in tokens] == list(range(1, 121))
    assert [row["token"] for row in tokens] == [stored[person["login"]][0] for person in made]
    assert "Created:           120\n" in said.out
    assert "Rejected:            0" in said.out
    assert not Path(f"{file}.rejects.jsonl").exists()


def test_csv_goes_in_too(folder: Folder) -> None:
    made = list(people(30, seed=3, shape="wide"))
    table = io.BytesIO()
    write_csv(iter(made), table, columns("wide"))
    folder.load(folder.write("people.csv", table.getvalue()))
    stored = stored_people()
    assert len(stored) == 30
    for person in made:
        profile = stored[person["login"]][1]
        assert profile["address"] == person["address"]
        assert profile["salary"] == str(person["salary"])


def test_every_person_and_every_batch_has_its_event(folder: Folder) -> None:
    file = folder.jsonl("people.jsonl", *({"login": f"user{n}"} for n in range(25)), {"name": "nobody"})
    folder.load(file, batch=10)
    events = Event.objects.filter(actor_kind=ActorKind.OPERATOR)
    assert events.filter(type=RECORD_CREATED.number).count() == 25
    assert events.filter(type=RECORDS_LOADED.number).count() == 3


def test_bad_records_are_rejected_with_their_reason_and_the_others_go_in(folder: Folder) -> None:
    create_record(operator(), profile={"login": "taken"})
    lines = [
        b'{"login":"ann"}',
        b'{"login":"bob",}',
        b"",
        b'["login"]',
        b'{"login":"ann","x":1}',
        b'{"login":"taken"}',
        b'{"name":"without"}',
        b'{"login":"cat","phone":"none"}',
        b'{"login":"\xff"}',
        b'{"login":"dan","login":"dan"}',
        '{"login":"é̂ve 美香 🎉"}'.encode(),
    ]
    file = folder.write("people.jsonl", b"\n".join(lines))
    said = folder.load(file)
    rejects = folder.rejects(file)
    assert [(line, reason.split(" at byte")[0]) for line, reason, _ in rejects] == [
        (2, "bad JSON"),
        (4, "record must be a JSON object"),
        (5, "duplicate index: login"),
        (6, "duplicate index: login"),
        (7, "failed to create user, all user lookup fields are missing"),
        (8, "failed to create user, phone is not a telephone number"),
        (9, "bad JSON"),
        (10, "JSON has a duplicate key"),
    ]
    for line, _, record in rejects:
        assert record is None if line == 9 else record == lines[line - 1].decode()
    assert rows_of(Path(f"{file}.rejects.jsonl"))[6]["record_base64"] == "eyJsb2dpbiI6Iv8ifQ=="
    assert set(stored_people()) == {"taken", "ann", "é̂ve 美香 🎉"}
    assert "Created:             2\n" in said.out
    assert "Rejected:            8\n" in said.out
    assert "                     2 duplicate index: login\n" in said.out
    assert "                     2 bad JSON\n" in said.out
    assert f"Rejected records: {file}.rejects.jsonl" in said.out


def test_a_line_beyond_the_limit_is_rejected_by_its_number(folder: Folder, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1024
    file = folder.write("people.jsonl", b'{"login":"a"}\n{"login":"' + b"x" * 4096 + b'"}\n{"login":"b"}\n')
    folder.load(file)
    assert folder.rejects(file) == [(2, "record is larger than MAX_BODY_BYTES", None)]
    assert set(stored_people()) == {"a", "b"}


def test_large_records_make_small_batches_that_every_database_takes(folder: Folder) -> None:
    """Forty megabytes, several times what a server of MariaDB or MySQL takes as one statement."""
    file = folder.jsonl("people.jsonl", *({"login": f"user{n}", "text": f"{n:04}" * 200_000} for n in range(50)))
    folder.load(file)
    assert Record.objects.count() == 50
    assert LoadProgress.objects.get().position == 50


def test_an_empty_file_is_loaded_at_once(folder: Folder) -> None:
    said = folder.load(folder.write("people.jsonl", b""))
    assert "Read:                0 records" in said.out
    assert folder.load(folder.write("people.csv", b"login,email\n")).out.startswith("Read:                0")
    assert Record.objects.count() == 0


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("absent.jsonl", None, {}, "can't be read: No such file"),
        ("people.txt", b"", {}, "--format"),
        ("people.csv", b"", {}, "no header"),
        ("people.jsonl", b"\xff\xfe{\x00", {}, "UTF-16"),
        ("people.jsonl", b"", {"name": "x"}, "--name is for standard input"),
        ("people.jsonl", b"", {"batch": 0}, "--batch must be between"),
        ("people.jsonl", b"", {"batch": 10_001}, "--batch must be between"),
    ],
)
def test_unusable_input_is_refused(
    folder: Folder, name: str, content: bytes | None, options: dict[str, Any], message: str
) -> None:
    file = folder.path / name
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CommandError, match=message) as refused:
        folder.load(file, **options)
    assert refused.value.returncode == 2
    assert LoadProgress.objects.count() == 0


def test_a_folder_or_a_pipe_is_no_input(folder: Folder) -> None:
    os.mkfifo(folder.path / "pipe.jsonl")
    (folder.path / "folder.jsonl").mkdir()
    for name in ("pipe.jsonl", "folder.jsonl"):
        with pytest.raises(CommandError, match=r"can't be read|not a plain file"):
            folder.load(folder.path / name)


def test_the_format_may_be_named(folder: Folder) -> None:
    folder.load(folder.write("people.txt", b"login\nann\n"), format="csv")
    folder.load(folder.write("people.dat", b'{"login":"bob"}\n'), format="jsonl")
    assert set(stored_people()) == {"ann", "bob"}


def test_files_are_for_their_owner_alone(folder: Folder) -> None:
    file = folder.jsonl("people.jsonl", {"login": "a"}, {})
    tokens = folder.write("tokens.jsonl", b"")
    tokens.chmod(0o666)
    old = os.umask(0)
    try:
        folder.load(file, tokens=tokens)
    finally:
        os.umask(old)
    for path in (tokens, Path(f"{file}.rejects.jsonl")):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("option", ["tokens", "rejects"])
def test_a_file_that_is_not_the_loads_own_is_never_overwritten(folder: Folder, option: str) -> None:
    file = folder.jsonl("people.jsonl", {"login": "a"}, {})
    other = folder.write("other", b"something dear\n")
    with pytest.raises(CommandError, match="exists already") as refused:
        folder.load(file, **{option: other})
    assert refused.value.returncode == 2
    assert other.read_bytes() == b"something dear\n"
    assert Record.objects.count() == 0
    folder.load(file, **{option: other}, restart=True)
    assert b"dear" not in other.read_bytes()
    assert rows_of(other)[0]["line"] == (1 if option == "tokens" else 2)


def test_input_and_outputs_are_three_files(folder: Folder) -> None:
    file = folder.jsonl("people.jsonl", {"login": "a"})
    content = file.read_bytes()
    for options, message in (
        ({"tokens": file}, "other files than the input"),
        ({"rejects": file}, "other files than the input"),
        ({"tokens": folder.path / "x", "rejects": folder.path / "x"}, "must be two files"),
    ):
        with pytest.raises(CommandError, match=message):
            folder.load(file, restart=True, **options)
    assert file.read_bytes() == content


def test_outputs_are_no_links_and_no_devices(folder: Folder) -> None:
    file = folder.jsonl("people.jsonl", {"login": "a"})
    (folder.path / "link").symlink_to(folder.path / "target")
    for path, message in ((folder.path / "link", "symbolic link"), (Path("/dev/null"), "not a plain file")):
        with pytest.raises(CommandError, match=message):
            folder.load(file, tokens=path)
    with pytest.raises(CommandError, match="can't be written"):
        folder.load(file, tokens=folder.path / "no" / "such" / "folder")
    assert not (folder.path / "target").exists()


def test_nothing_of_a_record_is_ever_printed_or_logged(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    secret = "Sphinx-of-black-quartz"
    lines = [
        orjson.dumps({"login": secret}),
        orjson.dumps({"login": secret}),
        b'{"login":"%s' % secret.encode(),
        orjson.dumps({"phone": secret}),
        orjson.dumps({secret: secret}),
        orjson.dumps([secret]),
    ]
    file = folder.write("people.jsonl", b"\n".join(lines))
    said = folder.load(file)
    assert "Rejected:            5" in said.out

    def broken(*_: Any, **__: Any) -> Any:
        raise ValueError(secret)

    monkeypatch.setattr(load_module, "store_batch", broken)
    with caplog.at_level(logging.DEBUG), pytest.raises(CommandError) as failed:
        folder.load(folder.jsonl("more.jsonl", {"login": secret + "2"}))
    assert str(failed.value) == "unexpected ValueError; the log says where"
    printed = capfd.readouterr()
    logged = [JsonFormatter().format(record) for record in caplog.records]
    assert any("ValueError" in line for line in logged)
    for text in (said.out, said.err, str(failed.value), printed.out, printed.err, *logged):
        assert secret not in text


@pytest.mark.parametrize("error", [OperationalError("server went away"), Unavailable()])
def test_a_database_that_fails_stops_the_load_with_how_to_resume(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    file = folder.jsonl("people.jsonl", *({"login": f"user{n}"} for n in range(30)))
    stored = load_module.store_batch
    calls = []

    def failing(*given: Any, **options: Any) -> Any:
        calls.append(1)
        if len(calls) == 2:
            raise error
        return stored(*given, **options)

    with monkeypatch.context() as patched:
        patched.setattr(load_module, "store_batch", failing)
        with pytest.raises(CommandError, match="again to go on") as stopped:
            folder.load(file, batch=10)
    assert stopped.value.returncode == 1
    assert Record.objects.count() == 10
    folder.load(file, batch=10)
    assert len(stored_people()) == 30
