"""How long `manage.py verify` takes on PostgreSQL as a vault grows: with twice the people, twice the time.

    python -m benchmarks.verify [--people 100000] [--reads 20]

So many reads stand in the audit trail for each person. Prints Markdown. Nothing else uses the vault meanwhile; what
the machine was busy with before is printed beside it.
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
from benchmarks.server import Vault, run_python
from benchmarks.traffic import write_people

__all__ = ["main"]

_STEPS = 4


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--reads", type=int, default=20)
    options = parser.parse_args(arguments)
    people = options.people
    busy = os.getloadavg()[0]
    try:
        with tempfile.TemporaryDirectory() as folder, ScratchDatabase("verify") as database:
            vault = Vault(database.url, Path(folder))
            vault.manage("init")
            print(f"Load average before: {busy:.2f} on {os.cpu_count()} cores\n")
            print("| People | Seconds | People a second | Memory, MB |\n|---:|---:|---:|---:|")
            for step in range(_STEPS):
                start, end = people * step // _STEPS, people * (step + 1) // _STEPS
                _add(vault, Path(folder), start=start, end=end)
                _read(vault, (end - start) * options.reads)
                database.settle()
                print(_measured(vault, end), flush=True)
    except HarnessError as error:
        print(f"benchmarks.verify: {error}", file=sys.stderr)
        return 1
    return 0


def _add(vault: Vault, folder: Path, *, start: int, end: int) -> None:
    file = folder / f"people-{start}.jsonl"
    write_people(file, end - start, shape="wide", start=start)
    vault.load(file, folder / f"tokens-{start}.jsonl")


def _read(vault: Vault, times: int) -> None:
    run_python("-c", f"from benchmarks.audit_verify import fill\nfill({times})", vault=vault)


def _measured(vault: Vault, people: int) -> str:
    """One row of the table. The start of the process is in the time."""
    started = time.monotonic()
    run = vault.manage("verify")
    seconds = time.monotonic() - started
    return f"| {people:,} | {seconds:.1f} | {people / seconds:,.0f} | {run.megabytes:,.0f} |"


if __name__ == "__main__":
    sys.exit(main())
