"""The drill in short: some kills of everything that can be killed. `make drill` does two hundred."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.vaults import Server

from .arena import KINDS, arena
from .kill import drill
from .ledger import Writers
from .servers import missing_programs


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_whatever_is_killed_nothing_acknowledged_is_lost_and_nothing_is_half_done(kind: str, tmp_path: Path) -> None:
    if missing := missing_programs(kind):
        pytest.skip(f"needs {', '.join(missing)}")
    outcome = drill(kind, 5, tmp_path, seed=1, say=print)
    assert outcome.problems == []
    assert sum(outcome.kills.values()) == 5
    assert outcome.acknowledged > 200


@pytest.mark.slow
def test_the_check_finds_what_is_missing_and_what_is_too_much(tmp_path: Path) -> None:
    """Or a drill that finds nothing would say nothing."""
    with arena("sqlite", tmp_path) as place, Server(place.vault) as server:
        place.prepare(server, askers=4)
        with Writers([server.client()], place.ledger, name="w", round_number=1, waiting=place.askers) as writers:
            writers.wait_for(40)
        assert place.check() == []
        for number, damage in enumerate(DAMAGE, 1):
            place.vault.database.rows(damage)
            assert place.check()[0].count("\n   not ") == number, damage


# Of different people; what is left of each is whole.
DAMAGE = (
    "DELETE FROM audit_event WHERE id = (SELECT max(id) FROM audit_event WHERE type = 100)",
    "DELETE FROM notify_job WHERE id = (SELECT min(id) FROM notify_job WHERE topic = 'profilenew')",
)
