"""Kill processes of the vault and of its database in the middle of writes, again and again.

    python -m tests.drill.kill --rounds 200 --kinds sqlite,postgresql,mysql --seed 7

Whatever was acknowledged must be there afterwards, whatever was not must be there whole or not at all, each change
with its event and each event with its change, and the vault must serve again by itself.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from tests.support.vaults import Server

from .arena import KINDS, Arena, alive, arena, wait_until_it_serves, workers_of
from .ledger import Writers
from .servers import Postgres, missing_programs

__all__ = ["Outcome", "Victim", "drill", "main"]

WRITERS = 10
ROUNDS_A_CHECK = 15
SECONDS = 30


class Outcome(NamedTuple):
    """What so many kills did, and what was wrong afterwards."""

    kind: str
    kills: Counter[str]
    acknowledged: int
    in_doubt: int
    longest_recovery: float
    problems: list[str]


class Victim(NamedTuple):
    """`kill` may leave the server dead, and then starts it anew."""

    name: str
    kill: Callable[[Arena, Server, random.Random], None]


def _worker(place: Arena, server: Server, lot: random.Random) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(lot.choice(workers_of(server)), signal.SIGKILL)


def _master(place: Arena, server: Server, lot: random.Random) -> None:
    """Its workers notice and end; who starts the service again finds the port taken until then."""
    assert server.process is not None
    workers = workers_of(server)
    server.process.kill()
    server.process.wait(SECONDS)
    deadline = time.monotonic() + SECONDS
    while any(map(alive, workers)):
        assert time.monotonic() < deadline, "workers outlive their master"
        time.sleep(0.02)
    server.process = None
    server.start()


def _all(place: Arena, server: Server, lot: random.Random) -> None:
    server.kill()
    server.start()


def _database(place: Arena, server: Server, lot: random.Random) -> None:
    assert place.server is not None
    place.server.kill()
    time.sleep(lot.random() * 0.3)
    place.server.start()


def _backend(place: Arena, server: Server, lot: random.Random) -> None:
    """PostgreSQL then takes down all of its processes and recovers from its log."""
    assert isinstance(place.server, Postgres)
    backends = place.server.backends()
    if backends:
        with contextlib.suppress(ProcessLookupError):
            os.kill(lot.choice(backends), signal.SIGKILL)
    place.server.wait()


_SERVERS_OWN = [Victim("worker", _worker), Victim("master", _master), Victim("master and workers", _all)]
_VICTIMS = {
    "sqlite": _SERVERS_OWN,
    "postgresql": [*_SERVERS_OWN, Victim("database server", _database), Victim("database backend", _backend)],
    "mysql": [*_SERVERS_OWN, Victim("database server", _database)],
}


def drill(kind: str, rounds: int, folder: Path, *, seed: int, say: Callable[[str], None]) -> Outcome:
    """So many rounds on one vault: write, kill somebody at a random moment, recover, go on writing."""
    lot = random.Random(f"{seed} {kind}")
    kills: Counter[str] = Counter()
    longest = 0.0
    problems: list[str] = []
    with arena(kind, folder, SQLITE_BUSY_SECONDS="10") as place, Server(place.vault) as server:
        place.prepare(server, askers=min(2 * rounds, 300))
        victims = _VICTIMS[kind]
        for number in range(1, rounds + 1):
            victim = victims[number % len(victims)]
            clients = [server.client() for _ in range(WRITERS)]
            with Writers(
                clients, place.ledger, name=f"r{number}", round_number=number, waiting=place.askers
            ) as writers:
                writers.wait_for(20)
                time.sleep(lot.random() * 0.3)
                victim.kill(place, server, lot)
                kills[victim.name] += 1
                longest = max(longest, wait_until_it_serves(server))
                writers.wait_for(20)
            if number % ROUNDS_A_CHECK == 0 or number == rounds:
                problems += place.check()
                say(
                    f"{kind}: {number} kills, {place.ledger.acknowledged:,} calls acknowledged, {place.ledger.in_doubt} in "
                    f"doubt, {len(problems)} problems"
                )
            if problems:
                break
    return Outcome(kind, kills, place.ledger.acknowledged, place.ledger.in_doubt, longest, problems)


def report(outcomes: list[Outcome]) -> str:
    lines = ["| database | killed | times | calls acknowledged | in doubt | longest until it served again | problems |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|")
    for outcome in outcomes:
        for number, (name, times) in enumerate(sorted(outcome.kills.items())):
            totals = (f"{outcome.acknowledged:,}", f"{outcome.in_doubt:,}", f"{outcome.longest_recovery:.1f} s")
            shown = totals if number == 0 else ("", "", "")
            problems = str(len(outcome.problems)) if number == 0 else ""
            lines.append(f"| {outcome.kind} | {name} | {times} | {' | '.join(shown)} | {problems} |")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.kill", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="kills in all (default 200)")
    parser.add_argument("--kinds", default=",".join(KINDS), help="databases, separated by commas")
    parser.add_argument("--seed", type=int, default=int(time.time()), help="draws the same moments again")
    options = parser.parse_args(arguments)
    kinds = options.kinds.split(",")
    for kind in kinds:
        if missing := missing_programs(kind):
            parser.error(f"{kind} needs {', '.join(missing)}")
    print(f"seed {options.seed}", flush=True)
    outcomes = []
    for number, kind in enumerate(kinds):
        rounds = options.rounds // len(kinds) + (number < options.rounds % len(kinds))
        with tempfile.TemporaryDirectory(prefix="databunker-drill-") as folder:
            outcomes.append(
                drill(kind, rounds, Path(folder), seed=options.seed, say=lambda text: print(text, flush=True))
            )
    print(report(outcomes))
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    print("\n".join(problems[:20]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
