"""How long the writing of `manage.py keys reindex` takes on PostgreSQL, without the waits between its steps.

    python -m benchmarks.reindex [--people 100000]

Prints Markdown. Nothing else uses the vault meanwhile; what the machine was busy with before is printed beside it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.database import ScratchDatabase
from benchmarks.errors import HarnessError
from benchmarks.server import Vault
from benchmarks.traffic import write_people

__all__ = ["main"]

_INDEX_KEYS = "SELECT count(*), max(epoch) FROM crypto_key WHERE purpose = 'index'"
# After each of three steps it waits for KEYRING_CACHE_SECONDS, which is left at its default here.
_WAITS = 3 * 30
_BEHIND = "SELECT count(*) FROM vault_record WHERE index_epoch < %d"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    people = parser.parse_args(arguments).people
    busy = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory() as folder, ScratchDatabase("reindex") as database:
            vault = Vault(database.url, Path(folder))
            vault.manage("init")
            file = Path(folder) / "people.jsonl"
            write_people(file, people, shape="wide", start=0)
            vault.load(file, Path(folder) / "tokens.jsonl")
            database.settle()
            started = time.monotonic()
            run = vault.manage("keys", "reindex", "--margin", "0")
            seconds = time.monotonic() - started - _WAITS
            _require_finished(database)
    except HarnessError as error:
        print(f"benchmarks.reindex: {error}", file=sys.stderr)
        return 1
    print(f"{people:,} people, each written twice; load average before: {busy:.2f} on {os.cpu_count()} cores\n")
    print("| Seconds | People a second | Memory, MB |\n|---|---|---|")
    print(f"| {seconds:.1f} | {people / seconds:,.0f} | {run.megabytes:,.0f} |")
    return 0


def _require_finished(database: ScratchDatabase) -> None:
    """
    Raises:
        HarnessError: something is left of the old key.
    """
    keys, epoch = database.execute(_INDEX_KEYS)[0]
    if keys != 1 or database.execute(_BEHIND % epoch)[0][0]:
        raise HarnessError("something is left of the old index key")


if __name__ == "__main__":
    sys.exit(main())
