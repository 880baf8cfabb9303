"""How long the pages take with 1 million people and 10 million audit events on PostgreSQL.

    python -m benchmarks.pages                                    about 25 minutes
    python -m benchmarks.pages --people 20000 --events 200000     a look in a minute

Makes a vault of its own (BENCH_DATABASE_URL names the server), serves it by gunicorn as the product does, and loads
each page from it, 50 rows where it lists, one after the other. Prints Markdown; `--write` puts it into
docs/performance.md. Ends with 1 where the median of a page is above 200 ms.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.database import ScratchDatabase
from benchmarks.errors import HarnessError
from benchmarks.server import PRODUCT, PROJECT, Server, Vault, run_python
from benchmarks.traffic import write_people

__all__ = ["main"]

LIMIT_MS = 200
PAGE = PROJECT / "docs" / "performance.md"
BEGIN, END = (
    "<!-- pages: written by `python -m benchmarks.pages --write`, do not edit from here -->",
    "<!-- pages: end -->",
)
PARTS = 4

# Title, and address with what the vault's filling has told.
PAGES = {
    "Console: dashboard": "/console/",
    "Console: requests": "/console/requests",
    "Console: one request": "/console/requests/{request}",
    "Console: requests, overdue": "/console/requests?due=overdue",
    "Console: requests, the last page": "/console/requests?page=40",
    "Console: one person": "/console/people/{person}",
    "Console: one person, further data": "/console/people/{person}/data",
    "Console: one person, agreements": "/console/people/{person}/agreements",
    "Console: one person, rights": "/console/people/{person}/rights",
    "Console: one person, newest events": "/console/people/{person}/trail",
    "Console: whose time is over soon": "/console/people/ending",
    "Console: audit trail": "/console/audit",
    "Console: audit trail, far back": "/console/audit?until={half_a_year_ago}",
    "Console: one event": "/console/audit/{event}",
    "Console: legal bases": "/console/bases",
    "Console: one legal basis": "/console/bases/3",
    "Console: a legal basis that everybody agreed to": "/console/bases/{everyones}",
    "Console: before everybody's agreement is revoked": "/console/bases/{everyones}/revoke",
    "Console: processing activities": "/console/activities",
    "Console: accounts": "/console/accounts",
    "Portal: my data": "/my/data",
    "Portal: my consents": "/my/consents",
    "Portal: my requests": "/my/requests",
    "Portal: who has seen it": "/my/accesses",
    "Portal: sign-ins": "/my/sign-ins",
    "Portal: shares": "/my/shares",
    "Portal: what deletion would do": "/my/delete",
}


class Row(NamedTuple):
    """Milliseconds of one page, and its bytes."""

    title: str
    median: float
    slowest: float
    size: int

    @property
    def markdown(self) -> str:
        return f"| {self.title} | {self.median:,.0f} | {self.slowest:,.0f} | {self.size / 1000:,.0f} |"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--events", type=int, default=10_000_000)
    parser.add_argument("--loads", type=int, default=30, help="of each page (default 30)")
    parser.add_argument("--write", action="store_true", help="put the table into docs/performance.md")
    options = parser.parse_args(arguments)
    try:
        with tempfile.TemporaryDirectory() as folder, ScratchDatabase("pages") as database:
            vault = Vault(database.url, Path(folder))
            known = _filled(vault, database, options.people, options.events)
            busy = os.getloadavg()[0]
            with Server(vault, PRODUCT) as server:
                rows = list(_measured(server, known, options.loads))
    except HarnessError as error:
        print(f"benchmarks.pages: {error}", file=sys.stderr)
        return 1
    text = _markdown(options, rows, busy)
    print(text)
    if options.write:
        _write(text)
    slow = [row.title for row in rows if row.median > LIMIT_MS]
    if slow:
        print(f"above {LIMIT_MS} ms: {', '.join(slow)}", file=sys.stderr)
    return 1 if slow else 0


def _filled(vault: Vault, database: ScratchDatabase, people: int, events: int) -> dict[str, Any]:
    vault.manage("init")
    file = vault.folder / "people.jsonl"
    write_people(file, people, shape="small")
    vault.load(file, vault.folder / "tokens.jsonl")
    file.unlink()
    print(f"{people:,} people loaded", flush=True)
    database.settle()
    each = max(1, round(events / people) - 1)  # the load itself left one event a person
    bounds = [people * part // PARTS for part in range(PARTS + 1)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda part: _fill(vault, bounds[part], bounds[part + 1], each), range(PARTS)))
    known = _told(vault, "rest")
    counted = database.execute("SELECT count(*) FROM audit_event")[0][0]
    print(f"{counted:,} events written", flush=True)
    vault.manage("audit", "seal")
    database.settle()
    half_a_year_ago = (datetime.now(UTC) - timedelta(days=180)).date()
    return {**known, **_told(vault, "visitors", known["person"]), "half_a_year_ago": half_a_year_ago}


def _told(vault: Vault, *work: str) -> dict[str, Any]:
    file = vault.folder / "told.json"
    run_python("-m", "benchmarks.pages_data", *work, str(file), vault=vault)
    return dict(json.loads(file.read_text(encoding="utf-8")))


def _fill(vault: Vault, after: int, upto: int, each: int) -> None:
    run_python(
        "-m", "benchmarks.pages_data", "events", "--after", str(after), "--upto", str(upto), "--each", str(each),
        vault=vault,
    )  # fmt: skip


def _measured(server: Server, known: dict[str, Any], loads: int) -> Iterator[Row]:
    """
    Raises:
        HarnessError: a page was refused, or is another one.
    """
    for title, address in PAGES.items():
        path = address.format(**known)
        taken, size = [], 0
        for _ in range(loads + 1):
            began = time.perf_counter()
            status, size = _load(server, path, known)
            taken.append((time.perf_counter() - began) * 1000)
            if status != http.client.OK:
                raise HarnessError(f"{title}: {address} answered {status}")
        yield Row(title, statistics.median(taken[1:]), max(taken[1:]), size)


def _load(server: Server, path: str, known: dict[str, Any]) -> tuple[int, int]:
    names = ("console", "__Secure-console"), ("portal", "__Host-portal")
    cookies = "; ".join(f"{name}={known[pair[0]]}" for pair in names for name in pair)
    headers = {"Host": "localhost", "Cookie": cookies, "Accept": "text/html", "Accept-Language": "en"}
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)) as connection:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, len(answer.read())


def _markdown(options: argparse.Namespace, rows: list[Row], busy: float) -> str:
    setting = (
        f"{options.people:,} people, {options.events:,} events, PostgreSQL on the same {os.cpu_count()} cores; load "
        f"average before {busy:.2f}; {options.loads} loads of each page, one after the other, after a first one. The "
        "person has 100 sessions and shared records, 60 agreements and 10,000 readings; one legal basis has an "
        "agreement of everybody."
    )
    lines = [
        setting,
        "",
        "| Page | Median, ms | Slowest, ms | KB |",
        "|---|---|---|---|",
        *(row.markdown for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _write(text: str) -> None:
    old = PAGE.read_text(encoding="utf-8")
    if BEGIN not in old or END not in old:
        raise SystemExit(f"{PAGE.name} has no place for it: {BEGIN} … {END}")
    before, rest = old.split(BEGIN, 1)
    PAGE.write_text(f"{before}{BEGIN}\n{text}{END}{rest.split(END, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
