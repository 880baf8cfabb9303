"""The drills of faults and of overload in short; `make drill-faults` and `make drill-overload` take their time."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import faults, overload, soak
from .servers import missing_programs
from .volumes import can_mount

# Each fault once, on the database that it is hardest for; all of them on all are minutes of `make drill-faults`.
HARDEST = {
    "away": "mysql",
    "frozen": "postgresql",
    "locked": "sqlite",
    "read-only": "postgresql",
    "files-read-only": "sqlite",
    "disk-full": "sqlite",
    "no-names": "postgresql",
    "clock-ahead": "sqlite",
    "clock-behind": "sqlite",
}
CASES = [(fault, HARDEST[fault.name]) for fault in faults.FAULTS]


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "kind"), CASES, ids=[f"{fault.name}-{kind}" for fault, kind in CASES])
def test_with_a_fault_answers_are_right_or_503_and_it_recovers_by_itself(
    fault: faults.Fault, kind: str, tmp_path: Path
) -> None:
    if missing := missing_programs(kind):
        pytest.skip(f"needs {', '.join(missing)}")
    if fault.name == "disk-full" and not can_mount():
        pytest.skip("nothing can be mounted here")
    outcome = faults.drill(fault, kind, tmp_path, seconds=4)
    assert outcome.problems == []
    if not fault.harmless:
        assert outcome.statuses[503], "the fault was felt"


@pytest.mark.slow
def test_ten_times_too_many_calls_are_turned_away_early(tmp_path: Path) -> None:
    """The figures belong to the drill, on a machine that does nothing else; here that it says so and recovers."""
    outcome = overload.drill("sqlite", tmp_path, seconds=4, times=10)
    assert set(outcome.over.statuses) == {200, 503}
    assert set(outcome.after.statuses) == {200}
    assert outcome.memory[1] - outcome.memory[0] < overload.MEGABYTES


@pytest.mark.slow
def test_nothing_fails_while_keys_rotate_and_backups_run(tmp_path: Path) -> None:
    if missing := missing_programs("postgresql"):
        pytest.skip(f"needs {', '.join(missing)}")
    outcome = soak.soak("postgresql", tmp_path, seconds=15, window=1, capacity_seconds=4, unhurried_seconds=2)
    # How fast, and how often, belongs to the drill.
    of_its_own = ("grew", "were served", "never run")
    assert [problem for problem in outcome.problems if not any(words in problem for words in of_its_own)] == []
    assert outcome.jobs["keys rotate"]
