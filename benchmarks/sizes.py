"""What a vault takes on the disk, for each person and each event: what docs/scaling.md reckons with.

    python -m benchmarks.sizes --loaded 50000 --people 1000000 --partitions

Some are loaded and read by the product; then each of their rows is multiplied, each under keyed hashes of its own. Such
people can't be opened, but take the very space of those who can.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.database import ScratchDatabase
from benchmarks.errors import HarnessError
from benchmarks.server import PROJECT, Vault, run_python
from benchmarks.traffic import write_people

__all__ = ["main"]

PER_TABLE = """
    SELECT root, sum(bytes), sum(of_indexes), sum(rows)::bigint FROM (
        SELECT coalesce(i.inhparent, c.oid)::regclass::text AS root, pg_table_size(c.oid) AS bytes,
               pg_indexes_size(c.oid) AS of_indexes, greatest(c.reltuples, 0) AS rows
        FROM pg_class c LEFT JOIN pg_inherits i ON i.inhrelid = c.oid
        WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
    ) each GROUP BY root HAVING sum(rows) > 1000 ORDER BY 2 DESC
"""


# For each table the columns that tell one copy of a row from the other; keyed hashes are random bytes.
HASH = "uuid_send(gen_random_uuid())"
MULTIPLIED: dict[str, dict[str, str | None]] = {
    "vault_record": {"id": None, "subject": HASH},
    "vault_identity": {"digest": HASH, "subject": HASH},
    # As events come: each later than those before it.
    "audit_event": {
        "id": "(lpad(to_hex((extract(epoch FROM now()) * 1000)::bigint + row_number() OVER ()), 12, '0') || "
        "substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid",
        "subject": HASH,
    },
}


def _multiply(database: ScratchDatabase, table: str, times: int) -> None:
    rows = database.execute("SELECT column_name::text FROM information_schema.columns WHERE table_name = %s", [table])
    columns = [name for (name,) in rows]
    other = MULTIPLIED[table]
    taken = [name for name in columns if other.get(name, name) is not None]
    values = ", ".join(other.get(name) or name for name in taken)
    database.execute(
        f"INSERT INTO {table} ({', '.join(taken)}) SELECT {values} FROM {table}, generate_series(2, {times})"
    )


def _timed(title: str, began: float, rows: int) -> None:
    seconds = time.monotonic() - began
    print(f"{title}: {seconds:.0f} s, {rows / seconds:,.0f}/s", flush=True)


def _show(database: ScratchDatabase) -> None:
    database.settle()
    print("| table | rows | bytes a row | of indexes |\n|---|---:|---:|---:|")
    for table, size, of_indexes, rows in database.execute(PER_TABLE):
        print(f"| `{table}` | {rows:,} | {float(size) / rows:.0f} | {float(of_indexes) / rows:.0f} |")
    print(f"whole database: {database.megabytes():,.0f} MB", flush=True)


def _partition(database: ScratchDatabase) -> None:
    """
    Raises:
        HarnessError: psql says why.
    """
    file = PROJECT / "deploy" / "postgresql" / "partition.sql"
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "--single-transaction", "-f", str(file), database.url]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise HarnessError(done.stderr)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--loaded", type=int, default=50_000, help="of them by the product, and read once")
    parser.add_argument("--partitions", action="store_true", help="then deploy/postgresql/partition.sql")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="databunker-sizes-") as name, ScratchDatabase("sizes") as database:
        folder = Path(name)
        vault = Vault(database.url, folder)
        vault.manage("init")
        write_people(folder / "people.jsonl", options.loaded, shape="wide")
        began = time.monotonic()
        vault.load(folder / "people.jsonl", folder / "tokens.jsonl")
        _timed("load", began, options.loaded)
        began = time.monotonic()
        run_python(
            "-m",
            "benchmarks.pages_data",
            "events",
            "--after",
            "0",
            "--upto",
            str(options.loaded),
            "--each",
            "1",
            vault=vault,
        )
        _timed("events", began, options.loaded)
        began = time.monotonic()
        vault.manage("backup", str(folder / "backup"))
        _timed("backup", began, options.loaded)
        print(f"backup: {(folder / 'backup').stat().st_size / options.loaded:.0f} bytes for each person", flush=True)
        began = time.monotonic()
        for table in MULTIPLIED:
            _multiply(database, table, options.people // options.loaded)
        _timed("multiplied", began, options.people)
        _show(database)
        if options.partitions:
            began = time.monotonic()
            _partition(database)
            _timed("partitions", began, options.people)
            _show(database)
    return 0


if __name__ == "__main__":
    sys.exit(main())
