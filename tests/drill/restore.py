"""Lose the database of a vault in use, and come back from a backup and the erasure journal, on another kind of database.

    python -m tests.drill.restore --pairs sqlite:postgresql,postgresql:mysql,mysql:sqlite --seconds 5

What was acknowledged before the backup began must be there, nobody who was forgotten may be, whenever that was, receipts
that were handed out must hold, and the restored vault must prove itself.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.clients import Client
from tests.support.databases import Database
from tests.support.vaults import PROJECT, Server, Vault

from .arena import KINDS, arena
from .servers import Mariadb, Postgres, missing_programs

__all__ = ["PAIRS", "Outcome", "drill", "main"]

PAIRS = (("sqlite", "postgresql"), ("postgresql", "mysql"), ("mysql", "sqlite"))
# The drill asks for every receipt, from one address.
LIMITS = {"RECEIPTS_PER_ADDRESS": "999999/1h", "ANONYMOUS_CALLS_PER_ADDRESS": "999999/60s"}
WRITERS = 4
SECONDS = 60


@dataclass
class Person:
    """What was acknowledged of somebody: the newest value, and the receipt once forgotten."""

    token: str
    login: str
    number: int = 0
    receipt: str = ""


@dataclass
class Traffic:
    """Writers that create people, change them and have some forgotten, and remember what was acknowledged."""

    clients: list[Client]
    people: list[Person] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._write, args=(client, f"w{number}"))
            for number, client in enumerate(self.clients)
        ]

    def __enter__(self) -> Traffic:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(SECONDS)
        for client in self.clients:
            client.close()

    def wait_for(self, more: int) -> None:
        wanted, deadline = len(self.people) + more, time.monotonic() + SECONDS
        while len(self.people) < wanted and not self.wrong:
            assert time.monotonic() < deadline, "the writers wait for something"
            time.sleep(0.01)

    def _write(self, client: Client, name: str) -> None:
        mine: list[Person] = []
        try:
            while not self._stop.is_set():
                login = f"{name}-{len(mine)}"
                person = Person(client.create(login=login, email=f"{login}@example.com", n=0), login)
                mine.append(person)
                self._change(client, person)
                self.people.append(person)
                # Old ones are forgotten too, so that the backup has some who are forgotten later.
                if len(mine) % 4 == 0:
                    self._forget(client, mine[len(mine) // 2])
                self._change(client, mine[len(mine) // 3])
        except Exception as error:
            self.wrong.append(repr(error))

    def _change(self, client: Client, person: Person) -> None:
        if not person.receipt:
            answer = client.call("PUT", f"/v1/user/token/{person.token}", {"n": person.number + 1})
            assert answer.status == 200, answer
            person.number += 1

    def _forget(self, client: Client, person: Person) -> None:
        answer = client.call("DELETE", f"/v1/user/token/{person.token}")
        assert answer.status == 200, answer
        person.receipt = answer.json()["receipt"]


class Outcome(NamedTuple):
    """From which database to which, how many people were acknowledged before the backup, and what went wrong."""

    pair: str
    people: int
    forgotten: int
    again: str
    seconds: float
    problems: list[str]


@contextlib.contextmanager
def empty_database(kind: str, folder: Path) -> Iterator[Database]:
    if kind == "sqlite":
        yield Database(f"sqlite:///{folder / 'restored.sqlite3'}")
        return
    with (
        tempfile.TemporaryDirectory(prefix="databunker-drill-") as own,
        {"postgresql": Postgres, "mysql": Mariadb}[kind](Path(own) / "server") as server,
    ):
        yield server.database


def drill(source: str, target: str, folder: Path, *, seconds: float, say: Callable[[str], None]) -> Outcome:
    outside = folder / "outside"
    outside.mkdir()
    backup, journal = outside / "vault.backup", outside / "erasures.jsonl"
    with arena(source, folder, ERASURE_JOURNAL_FILE=str(journal)) as place:
        with Server(place.vault) as server, Traffic([server.client() for _ in range(WRITERS)]) as traffic:
            time.sleep(seconds)
            traffic.wait_for(20)
            before = {person.token: person.number for person in list(traffic.people) if not person.receipt}
            _done(place.vault, "backup", str(backup))
            time.sleep(seconds)
            traffic.wait_for(20)
        problems = list(traffic.wrong)
        receipts, public_key = _receipts(place.vault, traffic)
        if place.server is not None:
            place.server.kill()
            shutil.rmtree(place.server.data)
        else:
            for path in place.vault.folder.glob("vault.sqlite3*"):
                path.unlink()
        master_key, settings, root_token = place.vault.master_key, place.vault.settings, place.vault.root_token
    say(f"{source} is gone: {len(traffic.people):,} people, {len(receipts):,} of them forgotten")
    with empty_database(target, folder) as database:
        began = time.monotonic()
        vault = Vault(database, folder, master_key=master_key, settings=dict(settings), root_token=root_token)
        told = _restored(vault, backup, journal, problems)
        took = time.monotonic() - began
        problems += _looked_at(vault, traffic, before, receipts, public_key)
    again = told.rpartition("read, ")[2].partition(" people")[0]
    return Outcome(f"{source} to {target}", len(before), len(receipts), again, took, problems)


def _done(vault: Vault, *arguments: str, **settings: str) -> str:
    done = vault.manage(*arguments, **settings)
    assert done.code == 0, done.err
    return done.out


def _receipts(vault: Vault, traffic: Traffic) -> tuple[dict[str, Any], str]:
    """Those of everybody who was forgotten, as the people were given them before the disaster."""
    _done(vault, "audit", "seal")
    with Server(vault, **LIMITS) as server, contextlib.closing(server.client("")) as anybody:
        documents = {
            person.token: anybody.call("GET", f"/v1/receipt/{person.receipt}").json()["receipt"]
            for person in traffic.people
            if person.receipt
        }
    return documents, _done(vault, "audit", "public-key").strip()


def _restored(vault: Vault, backup: Path, journal: Path, problems: list[str]) -> str:
    """By the steps of docs/disaster.md; before the journal is replayed nothing may serve."""
    kept = vault.settings.pop("ERASURE_JOURNAL_FILE")
    _done(vault, "migrate")
    _done(vault, "restore", "--hold-outbox", str(backup))
    for command in ("scheduler", "maintenance"):
        refused = vault.manage(command)
        if not refused.code or "forgotten since" not in refused.err:
            problems.append(f"{command} works on a vault whose journal was not replayed: {refused}")
    told = _done(vault, "erasures", "replay", str(journal))
    vault.settings["ERASURE_JOURNAL_FILE"] = kept
    return told


def _looked_at(
    vault: Vault, traffic: Traffic, before: dict[str, int], receipts: dict[str, Any], public_key: str
) -> Iterator[str]:
    with Server(vault, **LIMITS) as server, contextlib.closing(server.client()) as caller:
        for person in traffic.people:
            answer = caller.call("GET", f"/v1/user/token/{person.token}")
            data = answer.json().get("data", {})
            if person.receipt:
                if data:
                    yield f"{person.login} was forgotten, and is back"
                if caller.call("GET", f"/v1/user/login/{person.login}").status != 404:
                    yield f"{person.login} was forgotten, and is found by login"
            elif person.token in before and data.get("n", -1) < before[person.token]:
                yield f"{person.login} was acknowledged before the backup, and is {answer.status} {data.get('n')}"
        yield from _proved(vault, caller, receipts, public_key)
    for command in (("verify",), ("audit", "verify"), ("erasures", "status")):
        done = vault.manage(*command)
        if done.code:
            yield f"{' '.join(command)}: {done.out}{done.err}"


def _proved(vault: Vault, caller: Client, receipts: dict[str, Any], public_key: str) -> Iterator[str]:
    """Receipts of before hold without any vault; the restored vault makes new ones of the same people."""
    _done(vault, "audit", "seal")
    for number, (token, document) in enumerate(receipts.items()):
        if number < 3:
            path = vault.folder / "receipt.json"
            path.write_text(json.dumps(document))
            checked = _anywhere("audit", "verify-receipt", str(path), "--public-key", public_key, "--token", token)
            if checked.returncode:
                yield f"a receipt does not hold: {checked.stderr}"
        answer = caller.call("GET", f"/v1/receipt/{document['receipt']}")
        # Who came and went after the backup is unknown to the restored vault.
        if answer.status == 200 and answer.json()["receipt"]["person"] != document["person"]:
            yield "a receipt has become somebody else's"
        elif answer.status not in (200, 404):
            yield f"a receipt: {answer.status}"


def _anywhere(*arguments: str) -> subprocess.CompletedProcess[str]:
    """On a machine that knows no vault: no database, no master key, no settings."""
    return subprocess.run(
        [sys.executable, str(PROJECT / "manage.py"), *arguments],
        cwd="/", env={"PATH": "/usr/bin:/bin", "DATABUNKER_ENV_FILE": "", "DATABASE_URL": "postgres://nobody@127.0.0.1:1/x"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip


def report(outcomes: list[Outcome]) -> str:
    lines = [
        "| from | to | acknowledged before the backup | forgotten in all | forgotten again | back after | problems |",
        "|---|---|---:|---:|---:|---:|---:|",
    ]
    for outcome in outcomes:
        source, _, target = outcome.pair.partition(" to ")
        lines.append(
            f"| {source} | {target} | {outcome.people:,} | {outcome.forgotten:,} | {outcome.again} | "
            f"{outcome.seconds:.1f} s | {len(outcome.problems)} |"
        )
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.restore", description=__doc__)
    parser.add_argument("--pairs", default=",".join(":".join(pair) for pair in PAIRS), help="from:to, by commas")
    parser.add_argument("--seconds", type=float, default=5, help="of traffic before the backup, and after it")
    options = parser.parse_args(arguments)
    pairs = [pair.split(":") for pair in options.pairs.split(",")]
    for kind in {kind for pair in pairs for kind in pair}:
        if kind not in KINDS:
            parser.error(f"{kind} is none of {', '.join(KINDS)}")
        if missing := missing_programs(kind):
            parser.error(f"{kind} needs {', '.join(missing)}")
    outcomes = []
    for source, target in pairs:
        with tempfile.TemporaryDirectory(prefix="databunker-drill-") as folder:
            outcomes.append(
                drill(source, target, Path(folder), seconds=options.seconds, say=lambda text: print(text, flush=True))
            )
    print(report(outcomes))
    problems = [problem for outcome in outcomes for problem in outcome.problems]
    print("\n".join(problems[:20]))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
