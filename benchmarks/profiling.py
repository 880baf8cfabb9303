"""Where the time of a request goes: the product called in one process under cProfile, without server and socket.

    python -m benchmarks.profiling --work get_token --requests 2000 --top 25

makes a vault in a scratch database, fills it with a few people and prints the functions by their own time. The
profiler makes small Python functions look dearer than they are: read shares, not times.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from itertools import count, cycle
from pathlib import Path
from typing import Any

import orjson

from benchmarks.database import ScratchDatabase
from benchmarks.errors import HarnessError
from benchmarks.inprocess import Caller
from benchmarks.people import people
from benchmarks.server import Vault, run_python
from benchmarks.targets import TITLES

__all__ = ["main", "part_of", "profile_vault"]

PEOPLE = 500
MOST_REQUESTS = 20_000
HARNESS = "the harness itself"
FIRST_NEW = 9_000_000
WARM_UP = 50
# The first pattern found in a function's file or name says which part it belongs to.
PARTS = (
    ("psycopg2", "waiting for PostgreSQL (with its driver)"),
    ("sqlparse", "Django: database"),
    ("django/db", "Django: database"),
    ("django/urls", "Django: URLs"),
    ("rest_framework", "Django REST framework"),
    ("django/", "Django: handler, request and response"),
    ("nacl", "libsodium (seal, open)"),
    ("blake2", "keyed hashes"),
    ("hashlib", "keyed hashes"),
    ("phonenumbers", "phonenumbers"),
    ("orjson", "JSON"),
    ("/json/", "JSON"),
    ("databunker/jsontext", "JSON"),
    ("databunker/crypto", "own code: crypto"),
    ("databunker/api", "own code: API"),
    ("databunker/access", "own code: access"),
    ("databunker/db", "own code: statements"),
    ("databunker/", "own code: the rest"),
    ("audit/", "own code: audit"),
    ("vault/", "own code: vault"),
    ("benchmarks/", HARNESS),
)
REST = "Python's own library and built-in functions"

Shares = list[tuple[str, float]]


def part_of(file: str, function: str) -> str:
    """The part of the program that a profiled function belongs to."""
    for pattern, part in PARTS:
        if pattern in file or pattern in function:
            return part
    return REST


def _acts(caller: Caller) -> dict[str, Callable[[], object]]:
    """One request of each kind, another one each time."""
    loaded = list(people(PEOPLE, seed=1, shape="small"))
    tokens = [caller.json("POST", "/v1/user", person)["token"] for person in loaded]
    most_new = people(MOST_REQUESTS, seed=1, shape="small", start=FIRST_NEW)
    new = iter([orjson.dumps(person) for person in most_new])
    token, email, number = cycle(tokens), cycle(person["email"] for person in loaded), count(1)

    def update() -> bytes:
        return caller.call("PUT", f"/v1/user/token/{next(token)}", b'{"job":"position %d"}' % next(number))

    return {
        "get_token": lambda: caller.call("GET", f"/v1/user/token/{next(token)}"),
        "get_email": lambda: caller.call("GET", f"/v1/user/email/{next(email)}"),
        "update": update,
        "create": lambda: caller.call("POST", "/v1/user", next(new)),
    }


def _profiled(act: Callable[[], object], requests: int) -> pstats.Stats:
    for _ in range(WARM_UP):
        act()
    profile = cProfile.Profile()
    profile.enable()
    for _ in range(requests):
        act()
    profile.disable()
    return pstats.Stats(profile)


def _functions(stats: pstats.Stats) -> Iterator[tuple[str, str, float]]:
    """File, function and own seconds."""
    table: dict[tuple[str, int, str], tuple[Any, ...]] = stats.stats  # type: ignore[attr-defined]
    for (file, _, function), (_, _, own, _, _) in table.items():
        yield file, function, own


def _shares(stats: pstats.Stats) -> Shares:
    seconds: defaultdict[str, float] = defaultdict(float)
    for file, function, own in _functions(stats):
        seconds[part_of(file, function)] += own
    seconds.pop(HARNESS, None)
    total = sum(seconds.values())
    return sorted(((part, own / total) for part, own in seconds.items()), key=lambda row: -row[1])


def _inside(works: list[str], requests: int, top: int, out: Path) -> None:
    """In the environment of a vault: profile, print the functions, and write the shares as JSON."""
    acts = _acts(Caller())
    shares = {}
    for work in works:
        stats = _profiled(acts[work], requests)
        shares[work] = _shares(stats)
        if top:
            print(f"\n{TITLES[work]}: {requests} requests, by own time")
            stats.sort_stats("tottime").print_stats(top)
    out.write_bytes(orjson.dumps(shares))


def profile_vault(vault: Vault, *, works: list[str], requests: int) -> dict[str, Shares]:
    """The share of each part in each kind of work, measured in a process of its own.

    Raises:
        HarnessError: the product failed.
    """
    out = vault.folder / "profile.json"
    run_python(
        "-m", "benchmarks.profiling", "--inside", str(out), "--requests", str(requests), "--top", "0",
        *(option for work in works for option in ("--work", work)), vault=vault,
    )  # fmt: skip
    return {work: [(part, share) for part, share in rows] for work, rows in orjson.loads(out.read_bytes()).items()}


def _arguments(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profiling", description="Where the time goes.")
    parser.add_argument("--work", action="append", choices=sorted(TITLES), help="default: all; may be repeated")
    parser.add_argument("--requests", type=int, default=2_000, help="default 2000")
    parser.add_argument("--top", type=int, default=25, help="functions to print (default 25)")
    parser.add_argument("--inside", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


def main(arguments: list[str] | None = None) -> int:
    """Profile as the options say; 1 with a message where that is not possible."""
    options = _arguments(arguments)
    options.requests = min(options.requests, MOST_REQUESTS - WARM_UP)
    works = options.work or list(TITLES)
    if options.inside:
        _inside(works, options.requests, options.top, options.inside)
        return 0
    try:
        with tempfile.TemporaryDirectory(prefix="databunker-profile-") as name, ScratchDatabase("profile") as database:
            vault = Vault(database.url, Path(name))
            vault.manage("init")
            run_python(
                "-m", "benchmarks.profiling", "--inside", str(vault.folder / "profile.json"),
                "--requests", str(options.requests), "--top", str(options.top),
                *(option for work in works for option in ("--work", work)), vault=vault,
            )  # fmt: skip
            print((vault.folder / "command.log").read_text())
    except HarnessError as error:
        print(f"profiling: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
