"""How long `manage.py keys rewrap` takes on PostgreSQL: by one process, and by two that share the work.

    python -m benchmarks.rewrap [--people 100000]

Prints Markdown. Nothing else uses the vault meanwhile; what the machine was busy with before is printed beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks.database import ScratchDatabase
from benchmarks.errors import HarnessError
from benchmarks.processes import Watched
from benchmarks.server import Vault
from benchmarks.traffic import write_people

__all__ = ["main"]

# As if every process had read the keyring since: without it each run begins with a wait of KEYRING_CACHE_SECONDS.
_LONG_AGO = "UPDATE crypto_key SET created = created - 3600 WHERE purpose = 'data'"
_UNDER_OLDER = (
    "SELECT count(*) FROM vault_record WHERE key_id <> (SELECT max(id) FROM crypto_key WHERE purpose = 'data')"
)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    people = parser.parse_args(arguments).people
    busy = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory() as folder, ScratchDatabase("rewrap") as database:
            vault = _filled(database, Path(folder), people)
            print(f"{people:,} people; load average before: {busy:.2f} on {os.cpu_count()} cores\n")
            print("| Processes | Seconds | Records a second | Memory of each, MB |\n|---|---|---|---|")
            for processes in (1, 2):
                print(_measured(vault, database, people, processes), flush=True)
    except HarnessError as error:
        print(f"benchmarks.rewrap: {error}", file=sys.stderr)
        return 1
    return 0


def _filled(database: ScratchDatabase, folder: Path, people: int) -> Vault:
    vault = Vault(database.url, folder)
    vault.manage("init")
    file = folder / "people.jsonl"
    write_people(file, people, shape="wide", start=0)
    vault.load(file, folder / "tokens.jsonl")
    return vault


def _measured(vault: Vault, database: ScratchDatabase, people: int, processes: int) -> str:
    """One row of the table. The start of the processes is in the time.

    Raises:
        HarnessError: some records are not under the new key.
    """
    vault.manage("keys", "rotate")
    database.execute(_LONG_AGO)
    database.settle()
    started = time.monotonic()
    with ThreadPoolExecutor(processes) as pool:
        runs: list[Watched] = list(pool.map(lambda _: vault.manage("keys", "rewrap"), range(processes)))
    seconds = time.monotonic() - started
    left = database.execute(_UNDER_OLDER)[0][0]
    if left:
        raise HarnessError(f"{left:,} records are still under an older key")
    memory = max(run.megabytes for run in runs)
    return f"| {processes} | {seconds:.1f} | {people / seconds:,.0f} | {memory:,.0f} |"


if __name__ == "__main__":
    sys.exit(main())
