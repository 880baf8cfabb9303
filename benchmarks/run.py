"""Measure the vault, and write `docs/performance.md`.

    python -m benchmarks.run                                  everything, about 35 minutes
    python -m benchmarks.run --quick                          a look in three minutes; writes no page
    python -m benchmarks.run --quick --only get_token,create --connections 16

It needs PostgreSQL (BENCH_DATABASE_URL, default postgres://postgres@127.0.0.1:5432/postgres; the user must be
allowed to create databases), wrk and pgbench. Databases and servers are the harness's own, and are gone when it
ends, also by Ctrl-C. It measures what is on the machine: let nothing else run beside it.
"""

from __future__ import annotations

import argparse
import shlex
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from benchmarks import bulk, machine, pgbench
from benchmarks.capture import captured_requests
from benchmarks.database import ScratchDatabase, durability, server_settings
from benchmarks.errors import HarnessError
from benchmarks.measure import Bench, Pace
from benchmarks.profiling import profile_vault
from benchmarks.report import write
from benchmarks.results import Memory, Results
from benchmarks.server import EMPTY, PRODUCT, PROJECT, Server, Vault
from benchmarks.targets import CONNECTIONS, GROWTH_CONNECTIONS, TITLES
from benchmarks.traffic import Traffic, known_people, write_people

__all__ = ["main"]

WORKS = tuple(TITLES)
KEPT = PROJECT / "benchmarks" / "results" / "latest.json"
PARTIAL = KEPT.with_name("partial.json")  # of a run that is not over, or was stopped
FULL_PEOPLE = "10000,100000,1000000"
QUICK_PEOPLE = "2000"
PROFILED_REQUESTS = 1_500
STOPPED_BY = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(sorted({int(part.replace("_", "")) for part in text.split(",")}))


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--people", type=_numbers, help=f"sizes of the vault (default {FULL_PEOPLE})")
    parser.add_argument("--connections", type=_numbers, help="for the smallest vault (default 1,8,16,64)")
    parser.add_argument("--seconds", type=float, help="of each run (default 8)")
    parser.add_argument("--repeat", type=int, help="runs of each figure, of which the median counts (default 3)")
    parser.add_argument("--only", default="", help=f"some of {','.join((*WORKS, 'bulk', 'profile'))}")
    parser.add_argument("--quick", action="store_true", help="a small vault, short runs, once")
    parser.add_argument("--write", type=Path, help="page to write (default docs/performance.md, with --quick none)")
    options = parser.parse_args(arguments)
    quick = options.quick
    options.people = options.people or _numbers(QUICK_PEOPLE if quick else FULL_PEOPLE)
    options.connections = options.connections or ((1, GROWTH_CONNECTIONS) if quick else CONNECTIONS)
    options.seconds = options.seconds or (2 if quick else 8)
    options.repeat = options.repeat or (1 if quick else 3)
    options.only = set(options.only.split(",")) if options.only else {*WORKS, "bulk", "profile"}
    unknown = options.only - {*WORKS, "bulk", "profile"}
    if unknown:
        parser.error(f"unknown work: {', '.join(sorted(unknown))}")
    if not quick and options.write is None and options.only == {*WORKS, "bulk", "profile"}:
        options.write = PROJECT / "docs" / "performance.md"
    return options


def _start(options: argparse.Namespace, command: str, folder: Path) -> Results:
    """Look at machine and database, and print them."""
    machine.check_tools()
    settings = server_settings()
    durability(settings)
    results = Results(
        taken=datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        options=command,
        machine=machine.facts(folder),
        database=settings,
    )
    for name, value in [*results.machine, *results.database]:
        print(f"{name}: {value}")
    works = ", ".join(sorted(options.only))
    print(f"\n{works}; people {options.people}; {options.seconds:g} s a run, {options.repeat} times\n", flush=True)
    return results


def _scripts(folder: Path, results: Results) -> dict[str, Path]:
    """A pgbench script for each kind of work, with the product's own SQL."""
    with ScratchDatabase("capture") as database:
        vault = Vault(database.url, folder)
        vault.manage("init")
        scripts = {}
        captured = captured_requests(vault)
        for work, statements in captured["works"].items():
            try:
                text = pgbench.script(statements, captured["prepared"], fresh=work == "create")
            except HarnessError as error:
                results.problems.append(f"pgbench can't do {work}: {error}")
                continue
            scripts[work] = folder / f"{work}.sql"
            scripts[work].write_text(text, encoding="utf-8")
        return scripts


def _measure_requests(
    options: argparse.Namespace, results: Results, people: int, scripts: dict[str, Path], folder: Path
) -> None:
    """Every kind of request on a vault of this size."""
    works = [work for work in WORKS if work in options.only]
    smallest = people == options.people[0]
    connections = options.connections if smallest else (GROWTH_CONNECTIONS,)
    people_file, tokens_file = folder / "people.jsonl", folder / "tokens.jsonl"
    write_people(people_file, people, shape="small")
    with ExitStack() as stack:
        database = stack.enter_context(ScratchDatabase(f"{people}"))
        vault = Vault(database.url, folder)
        vault.manage("init")
        loaded = vault.load(people_file, tokens_file)
        print(f"{people:,} people (600 bytes) loaded in {loaded.seconds:.1f} s", flush=True)
        traffic = Traffic(folder, known_people(people_file, tokens_file, number=people))
        pgbench.copy_tables(database)
        database.settle()
        server = stack.enter_context(Server(vault, PRODUCT))
        empty = stack.enter_context(Server(vault, EMPTY))
        results.note_command("the server", f"python {shlex.join(server.command)}")
        results.note_command(
            "the empty view", f"DJANGO_SETTINGS_MODULE={EMPTY} BUNKER_PORT=3001 python {shlex.join(server.command)}"
        )
        bench = Bench(
            results=results, pace=Pace(options.seconds, options.repeat), people=people, server=server, empty=empty,
            traffic=traffic, scripts=scripts, database_url=database.url, folder=folder,
        )  # fmt: skip
        _, idle = server.memory()
        for work in works:
            bench.measure(work, connections)
        processes, megabytes = server.memory()
        pgbench.drop_tables(database)
        results.memory.append(Memory(people, processes, idle, megabytes, database.megabytes()))
        print(f"  {processes} server processes: {idle:,.0f} MB at the start, {megabytes:,.0f} MB after\n", flush=True)


def _measure_bulk(options: argparse.Namespace, results: Results, folder: Path) -> None:
    """Loads into one vault that grows from size to size."""
    with ScratchDatabase("bulk") as database:
        vault = Vault(database.url, folder)
        vault.manage("init")
        bulk.measure(vault, database, results, sizes=options.people, quick=options.quick)


def _profile(results: Results, folder: Path) -> None:
    with ScratchDatabase("profile") as database:
        vault = Vault(database.url, folder)
        vault.manage("init")
        results.profiles = profile_vault(vault, works=list(WORKS), requests=PROFILED_REQUESTS)


def _everything(options: argparse.Namespace, results: Results, root: Path) -> None:
    """Part by part; one that fails is told of and does not stop the others."""
    scripts: dict[str, Path] = {}

    def part(name: str, act: Callable[[Path], None]) -> None:
        folder = root / name
        folder.mkdir()
        try:
            act(folder)
        except HarnessError as error:
            results.problems.append(f"{name}: {error}")
            print(f"  PROBLEM {name}: {error}", flush=True)
        results.save(PARTIAL)

    if options.only & set(WORKS):
        part("sql", lambda folder: scripts.update(_scripts(folder, results)))
        for people in options.people:
            part(f"people-{people}", partial(_measure_requests, options, results, people, scripts))
    if "bulk" in options.only:
        part("bulk", partial(_measure_bulk, options, results))
    if "profile" in options.only:
        part("profile", partial(_profile, results))


def _stop_politely(signal_number: int, frame: object) -> None:
    """Once: a second Ctrl-C must not disturb the cleaning up."""
    for known in STOPPED_BY:
        signal.signal(known, signal.SIG_IGN)
    raise KeyboardInterrupt


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure as the options say. 0; 1 where a part failed or an answer was wrong; 130 where it was interrupted."""
    options = _arguments(arguments)
    shown = shlex.join(["python", "-m", "benchmarks.run", *(sys.argv[1:] if arguments is None else arguments)])
    for known in STOPPED_BY:
        signal.signal(known, _stop_politely)
    try:
        with tempfile.TemporaryDirectory(prefix="databunker-bench-") as name:
            root = Path(name)
            results = _start(options, shown, root)
            _everything(options, results, root)
    except HarnessError as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nbenchmarks: stopped; servers and databases are gone", file=sys.stderr)
        return 130
    PARTIAL.replace(KEPT)
    print(f"kept in {KEPT.relative_to(PROJECT)}")
    if options.write:
        options.write.parent.mkdir(exist_ok=True)
        write(results, options.write)
        print(f"written: {options.write}")
    for problem in results.problems:
        print(f"PROBLEM {problem}", file=sys.stderr)
    return 1 if results.problems else 0


if __name__ == "__main__":
    sys.exit(main())
