"""Loads in this process, and real `manage.py` processes on a database of their own that can be killed."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson
import pytest
from django.core.management import call_command

from benchmarks.people import people
from databunker.access.models import DEFAULT_TENANT
from tests.support.vaults import new_vault
from vault import storage

PROJECT = Path(__file__).resolve().parent.parent.parent
SECONDS = 60


def stored_people() -> dict[str, tuple[str, dict[str, Any]]]:
    """Token and profile of every person, by login; fails where two share one."""
    records = storage.page(DEFAULT_TENANT, offset=0, limit=100_000)
    found = {record.profile()["login"]: (str(record.token), record.profile()) for record in records}
    assert len(found) == len(records)
    return found


def rows_of(path: Path) -> list[dict[str, Any]]:
    """A file of JSON Lines that ends with a whole line."""
    text = path.read_bytes()
    assert text.endswith(b"\n")
    return [json.loads(line) for line in text.splitlines()]


@dataclass
class Loaded:
    out: str
    err: str


@dataclass
class Folder:
    """A folder with inputs, and `manage.py load` on them in this process."""

    path: Path

    def write(self, name: str, content: bytes) -> Path:
        file = self.path / name
        file.write_bytes(content)
        return file

    def jsonl(self, name: str, *records: Any) -> Path:
        return self.write(name, b"".join(orjson.dumps(record) + b"\n" for record in records))

    def load(self, file: Path, **options: Any) -> Loaded:
        out, err = io.StringIO(), io.StringIO()
        call_command("load", str(file), stdout=out, stderr=err, **options)
        return Loaded(out.getvalue(), err.getvalue())

    def rejects(self, file: Path) -> list[tuple[int, str, str | None]]:
        """Line, reason and record of each."""
        path = Path(f"{file}.rejects.jsonl")
        return [(row["line"], row["reason"], row["record"]) for row in rows_of(path)] if path.exists() else []


@pytest.fixture
def folder(committed_vault: None, tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@dataclass
class Vault:
    """A vault of its own, as an operator has it: reached by `manage.py` alone."""

    url: str
    folder: Path
    master_key: str
    environment: dict[str, str] = field(init=False)

    def __post_init__(self) -> None:
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "databunker.settings",
            "DATABUNKER_ENV_FILE": "",
            "DATABUNKER_MASTERKEY": self.master_key,
            "DATABASE_URL": self.url,
            "PYTHONPATH": str(PROJECT),
        }

    def start(self, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL} | options
        command = [sys.executable, str(PROJECT / "manage.py"), *arguments]
        return subprocess.Popen(command, cwd=self.folder, env=self.environment, **streams)

    def manage(self, *arguments: str, stdin: bytes | None = None) -> tuple[int, str, str]:
        """Exit code, standard output, standard error."""
        given = {} if stdin is None else {"stdin": subprocess.PIPE}
        process = self.start(*arguments, **given)
        out, err = process.communicate(stdin, timeout=SECONDS)
        return process.returncode, out.decode(), err.decode()

    def state(self) -> dict[str, Any]:
        """What is in the database: people (login and token), events by type, and the counts of load events."""
        done = subprocess.run(
            [sys.executable, "-c", _STATE],
            cwd=PROJECT,
            env=self.environment,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
        assert done.returncode == 0, done.stderr.decode()
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    def people_file(self, name: str, number: int, *, seed: int = 1) -> Path:
        path = self.folder / name
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in people(number, seed=seed, shape="small")))
        return path


_STATE = """
import django, json
django.setup()
from collections import Counter
from audit import trail
from audit.models import Event
from databunker.crypto import store
from databunker.access.models import DEFAULT_TENANT
from tests.support.vaults import new_vault
from vault import storage
from vault.events import RECORDS_LOADED
records = storage.page(DEFAULT_TENANT, offset=0, limit=100_000)
sums = Counter()
for event in Event.objects.filter(type=RECORDS_LOADED.number):
    sums.update(json.loads(store.current_keyring().open_detail(event.detail, trail.detail_place(event.id, event.tenant))))
print(json.dumps({
    "people": [[record.profile()["login"], str(record.token)] for record in records],
    "events": Counter(Event.objects.values_list("type", flat=True)),
    "loaded": sums,
}))
"""


@pytest.fixture
def own_vault(tmp_path: Path) -> Iterator[Vault]:
    """A vault as `manage.py init` leaves it; its database is dropped afterwards."""
    with new_vault(tmp_path) as made:
        yield Vault(made.database.url, tmp_path, made.master_key)
