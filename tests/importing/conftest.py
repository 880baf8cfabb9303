"""A Databunker beside the vault, and the import from it in this process."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import Api
from tests.support.databases import scratch_database
from tests.support.peer import Peer


@pytest.fixture
def peer(tmp_path: Path) -> Iterator[Peer]:
    folder = tmp_path / "peer"
    folder.mkdir()
    with scratch_database(folder) as database:
        yield Peer(database)


@dataclass
class Done:
    out: str
    err: str
    report: list[dict[str, Any]]

    def counts(self, table: str) -> dict[str, int]:
        """The numbers that the summary gives for one table."""
        (line,) = (line for line in self.out.splitlines() if line.split()[:1] == [table])
        names = ("read", "stored", "here", "expired", "refused", "part")
        return dict(zip(names, (int(n.replace(",", "")) for n in line.split()[1:]), strict=True))

    def reasons(self, table: str) -> list[str]:
        return [line["reason"] for line in self.report if line["table"] == table]


@dataclass
class Importer:
    peer: Peer
    folder: Path
    api: Api

    @property
    def report(self) -> Path:
        return self.folder / "report.jsonl"

    def run(self, **options: Any) -> Done:
        given = {"database_url": self.peer.url, "masterkey": self.peer.key_text, "report": self.report} | options
        out, err = io.StringIO(), io.StringIO()
        call_command("import_databunker", stdout=out, stderr=err, **given)
        file = given["report"]
        lines = [json.loads(line) for line in file.read_bytes().splitlines()] if file and file.exists() else []
        return Done(out.getvalue(), err.getvalue(), lines)

    def profile(self, mode: str, identity: str) -> dict[str, Any] | None:
        """What the API tells of this person, with the token; None where it knows nobody."""
        answer = self.api.get(f"/v1/user/{mode}/{identity}")
        if answer.status_code == 404:
            return None
        assert answer.status_code == 200, answer.content
        found = answer.json()
        return {"token": found["token"], **found["data"]}


@pytest.fixture
def importer(peer: Peer, tmp_path: Path, api: Api) -> Importer:
    return Importer(peer, tmp_path, api)
