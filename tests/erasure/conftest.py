"""What the tests of the erasure journal share: a vault that keeps one outside, and looks into it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from databunker.erasure import entries, journal
from databunker.erasure.entries import Entry
from tests.conftest import Api


@pytest.fixture
def file(tmp_path: Path, settings: Any) -> Path:
    """Where the journal is kept."""
    path = tmp_path / "erasures.jsonl"
    settings.ERASURE_JOURNAL_FILE = str(path)
    return path


@pytest.fixture
def forgotten(committed_api: Api) -> Callable[..., list[str]]:
    """Create these people and have them forgotten; their tokens."""

    def act(*logins: str) -> list[str]:
        tokens = [committed_api.create(login=login, email=f"{login}@example.com") for login in logins]
        for token in tokens:
            assert committed_api.delete(f"/v1/user/token/{token}").status_code == 200
        return tokens

    return act


def read(path: Path) -> list[Entry]:
    return list(entries.read_lines(path.read_bytes().splitlines(keepends=True)))


def stored() -> list[Entry]:
    return list(journal.entries_after(0))
