"""Two vaults behind nginx, over a cluster of databases whose machines die one after the other under writers.

    python -m tests.drill.cluster --kinds postgresql,galera --rounds 3

PostgreSQL: the primary is killed, the standby, which has each commit that was acknowledged, is promoted, pgbouncer is
led to it, and the dead one comes back as its standby. MariaDB: one node of three is killed and comes back, in turn.
Nothing that was acknowledged may be lost, nothing half done; see `tests.drill.ledger`.
"""

from __future__ import annotations

import argparse
import contextlib
import shutil
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.clients import Client
from tests.support.databases import Database
from tests.support.vaults import Server, Vault

from .arena import Arena
from .cluster_servers import Balancer, Galera, Node, Pgbouncer, Proxy, Standby, missing_for_cluster
from .ledger import Ledger, Person, Writers
from .servers import NAME

__all__ = ["Outcome", "drill", "main"]

WRITERS = 8
TOLD = {"NOTIFICATION_URL": "http://127.0.0.1:9/", "NOTIFICATION_SECRET": "x" * 32, "OUTGOING_ALLOW_PRIVATE": "true"}


@dataclass
class Outcome:
    """What so many deaths did, and what was wrong afterwards. Seconds from the kill to the next acknowledged call."""

    kind: str
    kills: int = 0
    acknowledged: int = 0
    in_doubt: int = 0
    before: float = 0.0
    pauses: list[float] = field(default_factory=list)
    rejoined: list[float] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)


class _Cluster(ABC):
    """Databases, and the ways to them: one for each vault."""

    ways: list[Database]
    direct: Database

    @abstractmethod
    def kill_one(self) -> None:
        """And do what an operator (or what stands for one, such as Patroni) does then."""

    @abstractmethod
    def bring_back(self) -> None:
        """The machine that died takes part again."""

    @abstractmethod
    def stop(self) -> None:
        """End whatever runs of it."""


class _Replicated(_Cluster):
    def __init__(self, folder: Path) -> None:
        self._folder, self._number = folder, 0
        self._primary = Node(folder / "node0")
        self._primary.make()
        self._primary.start()
        self._primary.own_database.rows(f"CREATE DATABASE {NAME}")
        self._standby = self._follow()
        self._bouncers = [Pgbouncer(folder / f"bouncer{number}", self._primary) for number in range(2)]
        for bouncer in self._bouncers:
            bouncer.start(user="postgres")
        self.ways = [bouncer.database for bouncer in self._bouncers]
        self.direct = self._primary.database

    def _follow(self) -> Standby:
        self._number += 1
        standby = Standby(self._folder / f"node{self._number}", self._primary)
        standby.begin()
        self._primary.wants_standby("standby")
        return standby

    def kill_one(self) -> None:
        self._primary.kill()
        self._standby.promote()
        self._primary = self._standby
        self.direct = self._primary.database
        for bouncer in self._bouncers:
            bouncer.lead_to(self._primary)

    def bring_back(self) -> None:
        """Made anew from the new primary: what only the dead one had, nobody was told of."""
        shutil.rmtree(self._folder / f"node{self._number - 1}", ignore_errors=True)
        self._standby = self._follow()

    def stop(self) -> None:
        for one in self._bouncers:
            one.stop()
        self._standby.kill()
        self._primary.kill()


class _Multiple(_Cluster):
    def __init__(self, folder: Path) -> None:
        self._nodes = [Galera(folder / f"node{number}", number) for number in range(3)]
        for node in self._nodes:
            node.others = [other for other in self._nodes if other is not node]
            node.make()
            node.first = node is self._nodes[0]
            node.start()
            node.first = False
        self._nodes[0].own_database.rows(f"CREATE DATABASE {NAME}")
        self._balancers = [
            Balancer(folder / f"balancer{number}", self._nodes[number:] + self._nodes[:number]) for number in range(2)
        ]
        for balancer in self._balancers:
            balancer.start()
        self.ways = [balancer.database for balancer in self._balancers]
        self.direct = self._nodes[0].database
        self._turn = 0

    def kill_one(self) -> None:
        node = self._nodes[self._turn % 3]
        node.kill()
        self.direct = self._nodes[(self._turn + 1) % 3].database
        for balancer in self._balancers:
            balancer.reload()

    def bring_back(self) -> None:
        node = self._nodes[self._turn % 3]
        process = node
        process.start()
        assert node.members() == 3
        for balancer in self._balancers:
            balancer.reload()
        self._turn += 1

    def stop(self) -> None:
        for balancer in self._balancers:
            balancer.stop()
        for node in self._nodes:
            node.kill()


_KINDS: dict[str, type[_Cluster]] = {"postgresql": _Replicated, "galera": _Multiple}


@contextlib.contextmanager
def _stage(kind: str, folder: Path) -> Iterator[tuple[_Cluster, Vault, int]]:
    """The cluster, the vault as an operator reaches it directly, and the port of the proxy before both vaults."""
    with contextlib.ExitStack() as stack:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="databunker-cluster-")))
        own.chmod(0o755)
        cluster = _KINDS[kind](own)
        stack.callback(cluster.stop)
        work = folder / kind
        work.mkdir(parents=True)
        vault = Vault(cluster.direct, work, settings=TOLD | {"SECRET_KEY": "s" * 64, "TRUSTED_PROXIES": "1"})
        vault.init()
        settings = {"DATABASE_PREPARED_STATEMENTS": "false", "DATABASE_CONNECT_SECONDS": "2", "BUNKER_WORKERS": "1"}
        servers = [stack.enter_context(Server(vault, DATABASE_URL=way.url, **settings)) for way in cluster.ways]
        proxy = Proxy(own / "proxy", [server.port for server in servers])
        proxy.start()
        stack.callback(proxy.stop)
        yield cluster, vault, proxy.port


def drill(kind: str, rounds: int, folder: Path, *, say: Callable[[str], None]) -> Outcome:
    outcome = Outcome(kind)
    with _stage(kind, folder) as (cluster, vault, port):
        place = Arena(vault, None)
        place.ledger = Ledger()
        with contextlib.closing(Client(port, vault.root_token)) as caller:
            answer = caller.call("POST", "/v1/lbasis/drill", {"shortdesc": "drill", "basistype": "consent"})
            assert answer.status == 200, answer
        nobody: list[Person] = []
        for number in range(1, rounds + 1):
            clients = [Client(port, vault.root_token, seconds=60) for _ in range(WRITERS)]
            with Writers(clients, place.ledger, name=f"r{number}", round_number=number, waiting=nobody) as writers:
                began, start = time.monotonic(), place.ledger.acknowledged
                writers.wait_for(200, seconds=120)
                outcome.before += (place.ledger.acknowledged - start) / (time.monotonic() - began) / rounds
                began = time.monotonic()
                cluster.kill_one()
                outcome.kills += 1
                writers.wait_for(1, seconds=120)
                outcome.pauses.append(time.monotonic() - began)
                writers.wait_for(100, seconds=120)
                began = time.monotonic()
                cluster.bring_back()
                outcome.rejoined.append(time.monotonic() - began)
                writers.wait_for(100, seconds=120)
            vault.database = cluster.direct
            outcome.problems += place.check()
            outcome.acknowledged, outcome.in_doubt = place.ledger.acknowledged, place.ledger.in_doubt
            say(f"{kind}: {number} killed, {outcome.acknowledged:,} acknowledged, {outcome.in_doubt} in doubt")
            if outcome.problems:
                break
    return outcome


def report(outcomes: list[Outcome]) -> str:
    lines = [
        "| cluster | killed | calls acknowledged | of them lost | in doubt | served again after | took part again after |"
    ]
    lines.append("|---|---:|---:|---:|---:|---:|---:|")
    for one in outcomes:
        lost = str(len(one.problems)) if one.problems else "0"
        lines.append(
            f"| {one.kind} | {one.kills} | {one.acknowledged:,} | {lost} | {one.in_doubt} | "
            f"{max(one.pauses):.1f} s at most | {max(one.rejoined):.1f} s at most |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.cluster", description=__doc__)
    parser.add_argument("--kinds", default=",".join(_KINDS), help="clusters, separated by commas")
    parser.add_argument("--rounds", type=int, default=3, help="machines killed of each (default 3)")
    options = parser.parse_args(arguments)
    outcomes = []
    for kind in options.kinds.split(","):
        if missing := missing_for_cluster(kind):
            parser.error(f"{kind} needs {', '.join(missing)}")
        with tempfile.TemporaryDirectory(prefix="databunker-drill-") as folder:
            outcomes.append(drill(kind, options.rounds, Path(folder), say=lambda text: print(text, flush=True)))
    print(report(outcomes))
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    print("\n".join(problems[:20]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
