"""Take away what the vault stands on, for a while: 503 or right, never wrong, and it recovers by itself.

python -m tests.drill.faults                                   every fault on every database
python -m tests.drill.faults --kinds mysql --only frozen --seconds 30
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tests.support.databases import Database
from tests.support.vaults import Server

from .arena import KINDS, Arena, arena, wait_until_it_serves
from .ledger import Writers
from .preload import HOST, Preload
from .servers import NAME, PrivateServer, missing_programs
from .volumes import Volume, can_mount

__all__ = ["FAULTS", "Fault", "Outcome", "drill", "main"]

WRITERS = 6
# In the vault of the drill: how long it waits for a server that hangs, and for one to connect to.
ANSWER, CONNECT = 2, 2
# On top of these an answer may take so long on a machine that has other things to do.
SLACK = 6


@dataclass
class Stage:
    """What a fault is done to."""

    place: Arena
    server: Server
    preload: Preload
    volume: Volume | None

    @property
    def database_server(self) -> PrivateServer:
        assert self.place.server is not None
        return self.place.server


@contextlib.contextmanager
def _away(stage: Stage) -> Iterator[None]:
    stage.database_server.kill()
    try:
        yield
    finally:
        stage.database_server.start()


def _frozen(stage: Stage) -> contextlib.AbstractContextManager[None]:
    return stage.database_server.frozen()


@contextlib.contextmanager
def _locked(stage: Stage) -> Iterator[None]:
    """Somebody else holds the file for himself."""
    with contextlib.closing(stage.place.vault.database.connect()) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        yield
        holder.execute("ROLLBACK")


@contextlib.contextmanager
def _read_only(stage: Stage) -> Iterator[None]:
    own = stage.database_server.own_database
    if own.kind == "postgresql":
        begin = ["ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"]
        end = ["ALTER SYSTEM RESET default_transaction_read_only", "SELECT pg_reload_conf()"]
    else:
        begin, end = ["SET GLOBAL read_only = ON"], ["SET GLOBAL read_only = OFF"]
    for statement in begin:
        own.rows(statement)
    try:
        yield
    finally:
        for statement in end:
            own.rows(statement)


@contextlib.contextmanager
def _files_read_only(stage: Stage) -> Iterator[None]:
    """The file system, under files that are open."""
    stage.preload.set(read_only=True)
    try:
        yield
    finally:
        stage.preload.set()


@contextlib.contextmanager
def _disk_full(stage: Stage) -> Iterator[None]:
    assert stage.volume is not None
    with stage.volume.full():
        yield
    if stage.place.server is not None and stage.database_server.process is not None:
        if stage.database_server.process.poll() is not None:
            stage.database_server.start()  # it gave up; its service manager starts it again
        stage.database_server.wait()


@contextlib.contextmanager
def _no_names(stage: Stage) -> Iterator[None]:
    """No name resolves, and every connection has to be opened anew."""
    stage.preload.set(names_fail=True)
    own = stage.database_server.own_database
    if own.kind == "postgresql":
        own.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{NAME}'")
    else:
        for (process,) in own.rows(f"SELECT id FROM information_schema.processlist WHERE db = '{NAME}'"):
            own.rows(f"KILL {process}")
    try:
        yield
    finally:
        stage.preload.set()


@contextlib.contextmanager
def _clock_ahead(stage: Stage) -> Iterator[None]:
    stage.preload.set(clock=3600)
    try:
        yield
    finally:
        stage.preload.set()


@contextlib.contextmanager
def _clock_behind(stage: Stage) -> Iterator[None]:
    stage.preload.set(clock=-3600)
    try:
        yield
    finally:
        stage.preload.set()


class Fault(NamedTuple):
    """`harmless`: calls go on being answered well meanwhile. `seconds` is how long it lasts where nobody says."""

    name: str
    apply: Callable[[Stage], contextlib.AbstractContextManager[None]]
    kinds: tuple[str, ...]
    harmless: bool = False
    seconds: float = 8


SERVERS = ("postgresql", "mysql")
FAULTS = [
    Fault("away", _away, SERVERS, seconds=35),  # past all that a process keeps for half a minute
    Fault("frozen", _frozen, SERVERS),
    Fault("locked", _locked, ("sqlite",)),
    Fault("read-only", _read_only, SERVERS),
    Fault("files-read-only", _files_read_only, ("sqlite",)),
    Fault("disk-full", _disk_full, KINDS),
    Fault("no-names", _no_names, SERVERS),
    Fault("clock-ahead", _clock_ahead, KINDS, harmless=True),
    Fault("clock-behind", _clock_behind, KINDS, harmless=True),
]


@dataclass
class Outcome:
    """What callers got while the fault lasted, and afterwards."""

    fault: str
    kind: str
    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    slowest: float = 0.0
    recovered: float = 0.0
    acknowledged: int = 0
    problems: list[str] = field(default_factory=list)


class _Prober(threading.Thread):
    """Asks for somebody again and again, and measures how long an answer takes."""

    def __init__(self, server: Server, outcome: Outcome) -> None:
        super().__init__()
        self._client = server.client()
        self._client.seconds = 60
        self._outcome = outcome
        self._over = threading.Event()

    def run(self) -> None:
        while not self._over.is_set():
            began = time.monotonic()
            try:
                status = self._client.call("GET", "/v1/user/login/nobody").status
            except Exception as error:
                self._outcome.problems.append(f"no answer: {type(error).__name__}")
                status = 0
            self._outcome.statuses[status] += 1
            self._outcome.slowest = max(self._outcome.slowest, time.monotonic() - began)
            self._over.wait(0.05)
        self._client.close()

    def stop(self) -> None:
        self._over.set()
        self.join()


@contextlib.contextmanager
def _staged(fault: Fault, kind: str, folder: Path) -> Iterator[Stage]:
    with contextlib.ExitStack() as stack:
        own = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="databunker-drill-")))
        own.chmod(0o711)
        preload = Preload(own)
        needs_volume = fault.apply is _disk_full
        volume = stack.enter_context(Volume(own / "volume", kind)) if needs_volume else None
        settings = {
            "DATABASE_ANSWER_SECONDS": str(ANSWER),
            "DATABASE_CONNECT_SECONDS": str(CONNECT),
            "SQLITE_BUSY_SECONDS": str(ANSWER),
            "MAX_SESSION_RETENTION": "10d",
            **preload.settings,
        }
        home = volume.path if volume else None
        place = stack.enter_context(arena(kind, folder, home=home, **settings))
        if place.server is not None:
            _as_seen_by_name(place)
        server = stack.enter_context(Server(place.vault))
        place.prepare(server, askers=20)
        yield Stage(place, server, preload, volume)


def _as_seen_by_name(place: Arena) -> None:
    """The vault knows its database by a name; and on MariaDB it is no administrator, who may write in spite of all."""
    assert place.server is not None
    url = place.vault.database.url
    if place.kind == "mysql":
        own = place.server.own_database
        own.rows("CREATE USER vault@127.0.0.1")
        own.rows(f"GRANT ALL ON {NAME}.* TO vault@127.0.0.1")
        url = url.replace("//root@", "//vault@")
    place.vault.settings["DATABASE_URL"] = Database(url.replace("@127.0.0.1:", f"@{HOST}:")).url


def drill(fault: Fault, kind: str, folder: Path, *, seconds: float) -> Outcome:
    """The fault for so many seconds, under writers; then a look at everything."""
    outcome = Outcome(fault.name, kind, seconds)
    with _staged(fault, kind, folder) as stage:
        place, server = stage.place, stage.server
        clients = [server.client() for _ in range(WRITERS)]
        with Writers(clients, place.ledger, name="w", round_number=1, waiting=place.askers) as writers:
            writers.wait_for(30)
            pids = set(server.processes())
            with fault.apply(stage):
                prober = _Prober(server, outcome)
                prober.start()
                time.sleep(seconds)
            # What was asked while it lasted is answered in time, too.
            prober.stop()
            outcome.recovered = wait_until_it_serves(server)
            writers.wait_for(30)
            if set(server.processes()) != pids:
                outcome.problems.append("a process of the server ended")
        outcome.acknowledged = place.ledger.acknowledged
        outcome.problems += place.check()
    right = {404} if fault.harmless else {404, 503}
    if set(outcome.statuses) - right:
        outcome.problems.append(f"answers that are neither right nor 503: {outcome.statuses}")
    if outcome.slowest > ANSWER + 2 * CONNECT + SLACK:
        outcome.problems.append(f"an answer took {outcome.slowest:.1f} s")
    return outcome


def report(outcomes: list[Outcome]) -> str:
    lines = ["| fault | database | for | 404 (right) | 503 | slowest answer | served again after | problems |"]
    lines.append("|---|---|---:|---:|---:|---:|---:|---:|")
    lines += [
        f"| {one.fault} | {one.kind} | {one.seconds:g} s | {one.statuses[404]} | {one.statuses[503]} | "
        f"{one.slowest:.1f} s | {one.recovered:.1f} s | {len(one.problems)} |"
        for one in outcomes
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.faults", description=__doc__)
    parser.add_argument("--kinds", default=",".join(KINDS), help="databases, separated by commas")
    parser.add_argument("--only", default="", help=f"some of {','.join(fault.name for fault in FAULTS)}")
    parser.add_argument("--seconds", type=float, help="how long each lasts (default 8; away 35)")
    options = parser.parse_args(arguments)
    only = options.only.split(",") if options.only else [fault.name for fault in FAULTS]
    outcomes = []
    for kind in options.kinds.split(","):
        if missing := missing_programs(kind):
            parser.error(f"{kind} needs {', '.join(missing)}")
        for fault in FAULTS:
            if kind not in fault.kinds or fault.name not in only:
                continue
            if fault.apply is _disk_full and not can_mount():
                print(f"{fault.name} on {kind}: left out, nothing can be mounted here")
                continue
            with tempfile.TemporaryDirectory(prefix="databunker-drill-") as folder:
                outcome = drill(fault, kind, Path(folder), seconds=options.seconds or fault.seconds)
            outcomes.append(outcome)
            print(f"{fault.name} on {kind}: {dict(outcome.statuses)}, {len(outcome.problems)} problems", flush=True)
            for problem in outcome.problems[:5]:
                print(problem[:2000], flush=True)
    print(report(outcomes))
    return 1 if any(outcome.problems for outcome in outcomes) else 0


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
