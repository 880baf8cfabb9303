"""The drill of clusters in short: a machine of each dies under writers. `make drill-cluster` kills three."""

from __future__ import annotations

from pathlib import Path

import pytest

from .cluster import drill
from .cluster_servers import missing_for_cluster


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["postgresql", "galera"])
def test_a_machine_dies_and_nothing_acknowledged_is_lost(kind: str, tmp_path: Path) -> None:
    if missing := missing_for_cluster(kind):
        pytest.skip(f"needs {', '.join(missing)}")
    outcome = drill(kind, 1, tmp_path, say=print)
    assert outcome.problems == []
    assert (outcome.kills, len(outcome.pauses), len(outcome.rejoined)) == (1, 1, 1)
    assert outcome.acknowledged > 300
