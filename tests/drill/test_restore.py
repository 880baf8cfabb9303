"""The drill of docs/disaster.md in short: `make drill-restore` goes through all kinds of databases."""

from __future__ import annotations

from pathlib import Path

import pytest

from .restore import PAIRS, drill
from .servers import missing_programs


@pytest.mark.slow
@pytest.mark.parametrize(("source", "target"), PAIRS[:1])
def test_a_vault_comes_back_without_those_who_were_forgotten(source: str, target: str, tmp_path: Path) -> None:
    if missing := missing_programs(target):
        pytest.skip(f"needs {', '.join(missing)}")
    outcome = drill(source, target, tmp_path, seconds=0.5, say=print)
    assert outcome.problems == []
    assert outcome.people >= 20
    assert outcome.forgotten > 5
    assert int(outcome.again) > 0, "some were in the backup, and are gone"
