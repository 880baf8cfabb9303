"""Bulk loads into a vault that grows: each file on the way, and at each size a sample that can be compared."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks import wrk
from benchmarks.capture import captured_load
from benchmarks.database import ScratchDatabase
from benchmarks.errors import HarnessError
from benchmarks.results import Load, Results
from benchmarks.server import EMPTY, Server, Vault
from benchmarks.targets import GROWTH_CONNECTIONS
from benchmarks.traffic import write_people

__all__ = ["measure"]

SAMPLE, QUICK_SAMPLE = 50_000, 20_000
REPLAYED, QUICK_REPLAYED = 10_000, 3_000
FIRST_REPLAYED = 5_000_000  # people with numbers from here on are only ever replayed
EMPTY_SECONDS = 3
PSQL = ("psql", "-X", "-q", "-o", "/dev/null", "-v", "ON_ERROR_STOP=1", "-f")


def measure(vault: Vault, database: ScratchDatabase, results: Results, *, sizes: Sequence[int], quick: bool) -> None:
    """Fill the vault from size to size, and at each measure how fast it takes the next people."""
    sample = QUICK_SAMPLE if quick else SAMPLE
    loaded = 0
    for size in sizes:
        if size > loaded:
            _keep(results, _load(vault, loaded, size - loaded, sample=False))
            loaded = size
        database.settle()
        empty_rate = _empty_rate(vault)
        found = _load(vault, loaded, sample, sample=True, empty_rate=empty_rate)
        loaded += sample
        _keep(results, found, _sql_rate(vault, database, results, size, QUICK_REPLAYED if quick else REPLAYED))
    results.note_command("bulk load", "python manage.py load $DIR/people.jsonl --tokens $DIR/tokens.jsonl")


def _load(vault: Vault, start: int, number: int, *, sample: bool, empty_rate: float | None = None) -> Load:
    """
    Raises:
        HarnessError: not everyone was loaded.
    """
    people_file, tokens_file = vault.folder / f"people-{start}.jsonl", vault.folder / f"tokens-{start}.jsonl"
    write_people(people_file, number, shape="wide", start=start)
    watched = vault.load(people_file, tokens_file)
    with tokens_file.open("rb") as rows:
        created = sum(1 for _ in rows)
    people_file.unlink()
    if created != number:
        raise HarnessError(f"only {created:,} of {number:,} people were loaded")
    return Load(start, number, watched.seconds, watched.megabytes, sample=sample, empty_rate=empty_rate)


def _keep(results: Results, load: Load, sql_rate: float | None = None) -> None:
    results.loads.append(
        Load(load.people_before, load.records, load.seconds, load.megabytes, load.sample, load.empty_rate, sql_rate)
    )
    beside = f"  SQL alone {sql_rate:,.0f}/s ({load.rate / sql_rate:.2f})" if sql_rate else ""
    print(
        f"  bulk load  {load.records:>9,} records into {load.people_before:>9,}: {load.rate:>7,.0f}/s in "
        f"{load.seconds:.1f} s, {load.megabytes:,.0f} MB{beside}",
        flush=True,
    )


def _empty_rate(vault: Vault) -> float:
    """What the empty view does in the same minute, at as many connections as the other comparisons."""
    file = vault.folder / "empty.tsv"
    file.write_text("GET\t/v1/user\t\n" * GROWTH_CONNECTIONS, encoding="utf-8")
    with Server(vault, EMPTY) as empty:
        command = wrk.command(
            empty.url, file, order="shuffled", connections=GROWTH_CONNECTIONS, seconds=EMPTY_SECONDS,
            token=vault.root_token, seed=1,
        )  # fmt: skip
        wrk.run(command)  # to warm up
        return wrk.run(command).rate


def _sql_rate(vault: Vault, database: ScratchDatabase, results: Results, size: int, number: int) -> float | None:
    """Records a second where psql sends what the product sent for `number` such people, to the same tables.

    It is psql's turn because pgbench can't send the data of a COPY.
    """
    folder = vault.folder / f"replay-{size}"
    folder.mkdir()
    try:
        script = _captured(folder, FIRST_REPLAYED + size, number)
        seconds = _replay(database.url, script)
    except HarnessError as error:
        results.problems.append(f"SQL alone of the bulk load at {size:,} people: {error}")
        return None
    script.unlink()
    results.note_command("the same SQL, here that of a bulk load", " ".join([*PSQL, "$DIR/load.sql", "$DATABASE_URL"]))
    return number / seconds


def _replay(url: str, script: Path) -> float:
    """Seconds that it took.

    Raises:
        HarnessError: a statement failed.
    """
    started = time.monotonic()
    done = subprocess.run([*PSQL, str(script), url], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HarnessError(f"psql failed: {done.stderr.strip()[-500:]}")
    return time.monotonic() - started


def _captured(folder: Path, start: int, number: int) -> Path:
    people_file = folder / "people.jsonl"
    write_people(people_file, number, shape="wide", start=start)
    with ScratchDatabase("load") as database:
        vault = Vault(database.url, folder)
        vault.manage("init")
        return captured_load(vault, people_file)
