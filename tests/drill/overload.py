"""Ten times as many calls as the server can answer: it says so early, and those whom it serves it serves in time.

python -m tests.drill.overload --seconds 10 --times 10
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.vaults import Server

from .arena import arena, memory_of
from .load import Window, finish, merged, start
from .servers import missing_programs

__all__ = ["Outcome", "drill", "fill", "main", "reads"]

PEOPLE = 1000
# At capacity: enough connections to keep every thread busy, and some that wait.
CONNECTIONS = 64
# In overload: nearly all that two workers take.
MANY = 1700
# The load, the server and the database share this machine's cores: ten times as many calls take most of these for being
# sent and refused. So what must remain is a share of the capacity, and a bound on how long anybody waits.
SENT_SHARE, SERVED_SHARE = 0.9, 0.25
SERVED_P99_MS, REFUSED_P99_MS = 300, 200
MEGABYTES = 40


@dataclass
class Outcome:
    """At capacity, under more than that, and right afterwards."""

    capacity: Window
    offered: float
    over: Window
    after: Window
    memory: tuple[float, float]
    problems: list[str] = field(default_factory=list)


def fill(server: Server, people: int = PEOPLE) -> list[str]:
    """People to read; their tokens."""
    with contextlib.closing(server.client()) as client:
        records = [
            {"login": f"p{number}", "email": f"p{number}@example.com", "name": "x" * 200} for number in range(people)
        ]
        answer = client.call("POST", "/v1/users/bulk", {"records": records})
        assert answer.status == 200, answer
        return [row["token"] for row in answer.json()["rows"]]


def reads(path: Path, server: Server, tokens: list[str]) -> Path:
    """A file of requests that each read one person."""
    lines = [
        f"GET /v1/user/token/{token} HTTP/1.1\r\nHost: x\r\nX-Bunker-Token: {server.vault.root_token}\r\n\r\n".encode()
        for token in tokens
    ]
    path.write_text("\n".join(map(repr, lines)), encoding="ascii")
    return path


def drill(kind: str, folder: Path, *, seconds: float, times: float) -> Outcome:
    with arena(kind, folder) as place, Server(place.vault) as server:
        requests = reads(folder / "requests", server, fill(server))

        def load(seconds: float, connections: int, rate: float = 0) -> Window:
            return merged(finish(start(server.port, requests, seconds=seconds, connections=connections, rate=rate)))

        load(2, CONNECTIONS)
        capacity = load(seconds, CONNECTIONS)
        before = memory_of(server.processes())
        rate = capacity.rate(200) * times
        over = load(seconds, MANY, rate)
        memory = before, memory_of(server.processes())
        # Those who are answered in the first second have asked while the others were still there.
        after = merged(finish(start(server.port, requests, seconds=4, connections=CONNECTIONS))[1:])
        events = place.vault.database.value("SELECT count(*) FROM audit_event WHERE type = 101")
        outcome = Outcome(capacity, rate, over, after, memory)
        outcome.problems += list(_problems(outcome))
        told = sum(window.statuses[200] for window in (capacity, over, after))
        if events < told:
            outcome.problems.append(f"{told} reads were answered, and {events} have an event")
        if '"ERROR"' in server.log_text():
            outcome.problems.append("the server logged an error")
    return outcome


def _problems(outcome: Outcome) -> list[str]:
    over, found = outcome.over, []
    if set(over.statuses) - {200, 503}:
        found.append(f"answers that are neither right nor 503: {dict(over.statuses)}")
    if not over.statuses[503]:
        found.append("nobody was turned away")
    if over.broken:
        found.append(f"{over.broken} connections broke off in the middle")
    if over.sent / over.seconds < SENT_SHARE * outcome.offered:
        found.append(f"only {over.sent / over.seconds:,.0f}/s were sent, of {outcome.offered:,.0f}/s")
    if over.rate(200) < SERVED_SHARE * outcome.capacity.rate(200):
        found.append(f"only {over.rate(200):,.0f}/s were served, of {outcome.capacity.rate(200):,.0f}/s")
    for status, most in ((200, SERVED_P99_MS), (503, REFUSED_P99_MS)):
        if over.percentile(status, 0.99) > most:
            found.append(f"p99 of {status} was {over.percentile(status, 0.99):.0f} ms, more than {most} ms")
    if outcome.memory[1] - outcome.memory[0] > MEGABYTES:
        found.append(f"memory grew from {outcome.memory[0]:.0f} to {outcome.memory[1]:.0f} MB")
    if set(outcome.after.statuses) != {200}:
        found.append(f"it has not recovered after a second: {dict(outcome.after.statuses)}")
    return found


def report(outcome: Outcome) -> str:
    lines = [
        "| | sent/s | served/s | p50 ms | p99 ms | turned away/s | p50 ms | p99 ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, window in (
        (f"{CONNECTIONS} connections, as fast as answered", outcome.capacity),
        (f"{MANY} connections, {outcome.offered:,.0f}/s wanted", outcome.over),
        ("a second later", outcome.after),
    ):
        sent = window.sent / window.seconds
        lines.append(
            f"| {name} | {sent:,.0f} | {window.rate(200):,.0f} | {window.percentile(200, 0.5):.0f} | "
            f"{window.percentile(200, 0.99):.0f} | {window.rate(503):,.0f} | {window.percentile(503, 0.5):.0f} | "
            f"{window.percentile(503, 0.99):.0f} |"
        )
    lines.append(f"\nMemory of the server: {outcome.memory[0]:.0f} MB before, {outcome.memory[1]:.0f} MB after.")
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.overload", description=__doc__)
    parser.add_argument("--kind", default="postgresql", help="database (default postgresql)")
    parser.add_argument("--seconds", type=float, default=10, help="of each of the three parts (default 10)")
    parser.add_argument("--times", type=float, default=10, help="how many times its capacity (default 10)")
    options = parser.parse_args(arguments)
    if missing := missing_programs(options.kind):
        parser.error(f"{options.kind} needs {', '.join(missing)}")
    with tempfile.TemporaryDirectory(prefix="databunker-drill-") as folder:
        outcome = drill(options.kind, Path(folder), seconds=options.seconds, times=options.times)
    print(report(outcome))
    print("\n".join(outcome.problems) or "No problem was found.")
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
