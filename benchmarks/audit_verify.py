"""How long it takes to seal and to verify a large audit trail, and in how much memory.

    python -m benchmarks.audit_verify --events 10000000

Makes a PostgreSQL database of its own (BENCH_DATABASE_URL names the server), fills it with events as reads leave them,
with MACs of the vault's key, and times `manage.py audit seal`, `verify` and `export` as an operator runs them.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import secrets
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.database import ScratchDatabase

ROWS_A_COPY = 5_000
MANAGE = Path(__file__).resolve().parent.parent / "manage.py"


def fill(number: int) -> None:
    """In a process of its own: so many events, half of them with a sealed detail."""
    import django

    django.setup()
    from audit import trail
    from audit.events import EventType
    from databunker.access.actor import Actor, ActorKind
    from databunker.crypto.record_key import RecordKey
    from databunker.db.statements import atomically, insert_many

    read = EventType(101, "record.read", "read the record")
    actor = Actor(ActorKind.ADMIN, token_id=1)
    person = RecordKey.fresh(tenant=1, subject=os.urandom(16))
    detail = {"mode": "email", "identity": "somebody@example.com"}
    for start in range(0, number, ROWS_A_COPY):
        rows = [
            trail.build(
                actor, read, subject=person.subject, sealer=person, detail=detail if at % 2 else None
            )
            for at in range(start, min(start + ROWS_A_COPY, number))
        ]  # fmt: skip
        with atomically():
            insert_many(trail.insert(*rows))


class Run(NamedTuple):
    seconds: float
    cpu_seconds: float
    megabytes: float
    said: str


def manage(*arguments: str) -> Run:
    """A command as an operator runs it. Its processor time is without the database's; `megabytes` is the most that any
    one of its processes held.
    """
    began = time.monotonic()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen([sys.executable, str(MANAGE), *arguments], stdout=out, stderr=subprocess.STDOUT)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        said = out.read().decode().strip()
    if process.returncode:
        raise SystemExit(f"{' '.join(arguments)} ended with {process.returncode}: {said}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, said)


def show(what: str, run: Run, events: int) -> None:
    rate = f"{events / run.seconds:10,.0f} events/s"
    print(
        f"{what:<28} {run.seconds:8.1f} s {rate} {run.cpu_seconds:8.1f} s of CPU {run.megabytes:6.0f} MB   {run.said}",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    options = parser.parse_args()
    os.environ["DJANGO_SETTINGS_MODULE"] = "databunker.settings"
    os.environ["DATABUNKER_ENV_FILE"] = ""
    os.environ["DATABUNKER_MASTERKEY"] = secrets.token_hex(32)
    with ScratchDatabase("audit") as database, tempfile.TemporaryDirectory() as folder:
        os.environ["DATABASE_URL"] = database.url
        manage("init")
        print(f"load average {os.getloadavg()[0]:.2f}, {os.cpu_count()} cores, {options.events:,} events", flush=True)
        began = time.monotonic()
        context = multiprocessing.get_context("fork")
        writers = [
            context.Process(target=fill, args=(options.events // options.processes,)) for _ in range(options.processes)
        ]
        for writer in writers:
            writer.start()
        for writer in writers:
            writer.join()
        print(f"{'written':<28} {time.monotonic() - began:8.1f} s", flush=True)
        database.settle()
        show("audit seal", manage("audit", "seal"), options.events)
        database.settle()
        print(f"{'database':<28} {database.megabytes():8.0f} MB", flush=True)
        for processes in sorted({1, options.processes}):
            run = manage("audit", "verify", "--processes", str(processes))
            show(f"audit verify, {processes} processes", run, options.events)
        show("audit export", manage("audit", "export", str(Path(folder) / "trail.jsonl")), options.events)
        key = manage("audit", "public-key").said
        exported = manage("audit", "verify-export", "--public-key", key, str(Path(folder) / "trail.jsonl"))
        show("audit verify-export", exported, options.events)


if __name__ == "__main__":
    main()
