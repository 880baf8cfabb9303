"""A mixed load at 70 % of what the vault can do, for long, while all that goes on in a vault goes on.

    python -m tests.drill.soak --minutes 30 --write docs

Meanwhile the scheduler runs, keys are rotated and re-wrapped, the trail is sealed and verified, and backups are taken. No call may
fail; memory, connections and the time that an answer takes must not grow.
"""

from __future__ import annotations

import argparse
import contextlib
import functools
import itertools
import json
import random
import signal
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.machine import facts
from benchmarks.plot import Chart, Series, draw
from databunker.priority import NICENESS
from tests.support.vaults import Server

from .arena import Arena, arena, memory_of
from .load import Window, finish, merged, start
from .overload import fill
from .servers import missing_programs

__all__ = ["Outcome", "main", "soak"]

SHARE = 0.7
CONNECTIONS = 16
# Of a vault that serves at capacity already: what it may grow by between the first quarter and the last. The time to
# answer is that of the minutes in which no command ran beside.
MEMORY_SHARE, MEMORY_MEGABYTES = 0.10, 8
P50_TIMES, P99_TIMES = 1.5, 3.0
# Of the rate that was wanted, how much must have been served.
REACHED = 0.97
# For so long the capacity is measured, without its beginning, and one caller alone.
CAPACITY_SECONDS, BEGINNING_SECONDS, UNHURRIED_SECONDS = 30, 3, 10
MIX = (("read", 70), ("find", 10), ("change", 10), ("session", 5), ("create", 5))
COMMANDS = ("keys rotate", "keys rewrap", "audit seal", "backup", "audit verify")
MARK_BEGIN, MARK_END = "<!-- soak: written by `make soak` -->\n", "<!-- end of soak -->"


@dataclass
class Sample:
    """The server, looked at from outside at one moment."""

    at: float
    megabytes: float
    connections: int
    # How long the same work took beside it, in milliseconds: whether the machine kept its pace.
    pace: float


@dataclass
class Outcome:
    capacity: Window
    rate: float
    windows: list[Window]
    samples: list[Sample]
    jobs: dict[str, int]
    # One caller that has the server to itself, before all of it and afterwards: nobody queues before it.
    unhurried: tuple[Window, Window]
    # When commands ran, in seconds from the beginning. They work through all that the vault has, on the same cores, and
    # it has more and more.
    busy: list[tuple[float, float]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def parts(self) -> list[list[tuple[Window, bool]]]:
        """The windows by quarters, each with whether no command ran in it."""
        ends = itertools.accumulate(window.seconds for window in self.windows)
        told = [
            (window, not any(began < end and ended > end - window.seconds for began, ended in self.busy))
            for window, end in zip(self.windows, ends, strict=True)
        ]
        return [told[len(told) * number // 4 : len(told) * (number + 1) // 4] for number in range(4)]


def _requests(path: Path, server: Server, tokens: Sequence[str], number: int) -> Path:
    lot = random.Random(1)
    head = f"Host: x\r\nX-Bunker-Token: {server.vault.root_token}\r\n"
    kinds = lot.choices([kind for kind, _ in MIX], [weight for _, weight in MIX], k=number)

    def request(method: str, target: str, body: object = None) -> bytes:
        data = b"" if body is None else json.dumps(body).encode()
        more = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n" if data else ""
        return f"{method} {target} HTTP/1.1\r\n{head}{more}\r\n".encode() + data

    def lines() -> Iterator[bytes]:
        for count, kind in enumerate(kinds):
            at = lot.randrange(len(tokens))
            if kind == "read":
                yield request("GET", f"/v1/user/token/{tokens[at]}")
            elif kind == "find":
                yield request("GET", f"/v1/user/email/p{at}@example.com")
            elif kind == "change":
                yield request("PUT", f"/v1/user/token/{tokens[at]}", {"n": lot.randrange(10**9)})
            elif kind == "session":
                session = uuid.UUID(int=lot.getrandbits(128), version=4)
                yield request("POST", f"/v1/session/{session}", {"token": tokens[at], "n": count})
            else:
                # Without an identity that must be unique: the same request comes again in the next round.
                yield request("POST", "/v1/user", {"visit": "v", "n": count})

    path.write_text("\n".join(map(repr, lines())), encoding="ascii")
    return path


class _Keeper(threading.Thread):
    """The commands that run beside the server, over and over."""

    def __init__(self, place: Arena, seconds: float) -> None:
        super().__init__()
        self._place = place
        self._pause = max(seconds / 24, 2.0)
        self._over = threading.Event()
        self.began = time.monotonic()
        self.done: dict[str, int] = {}
        self.busy: list[tuple[float, float]] = []
        self.problems: list[str] = []

    def run(self) -> None:
        backup = str(self._place.vault.folder / "soak.backup")
        for name in itertools.cycle(COMMANDS):
            if self._over.wait(self._pause):
                return
            began = time.monotonic()
            arguments = [*name.split(), *([backup] if name == "backup" else [])]
            process = self._place.vault.start_manage(*arguments, own_session=True)
            _weigh(process.pid)
            out, err = process.communicate()
            self.busy.append((began - self.began, time.monotonic() - self.began))
            self.done[name] = self.done.get(name, 0) + 1
            if process.returncode:
                self.problems.append(f"{name}: {out[-500:]}{err[-500:]}")

    def stop(self) -> None:
        self._over.set()
        self.join()


def _weigh(pid: int) -> None:
    """Give the session of a process the share of the processor that a unit of deploy/systemd has (CPUWeight).

    The server has a session of its own, and among sessions the kernel shares as it does among units: the priority that
    a command gives itself counts within its own only, see sched(7).
    """
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(NICENESS), encoding="ascii")


def soak(
    kind: str,
    folder: Path,
    *,
    seconds: float,
    window: float,
    capacity_seconds: int = CAPACITY_SECONDS,
    unhurried_seconds: int = UNHURRIED_SECONDS,
) -> Outcome:
    with (
        arena(kind, folder, IDENTITY_FIELDS="visit:text:shared", NOTIFICATION_URL="") as place,
        Server(place.vault) as server,
    ):
        requests = _requests(folder / "requests", server, fill(server), 20_000)
        tried_seconds = BEGINNING_SECONDS + capacity_seconds
        tried = start(server.port, requests, seconds=tried_seconds, connections=CONNECTIONS, window=1)
        capacity = merged(finish(tried)[BEGINNING_SECONDS:])
        rate = SHARE * sum(map(capacity.rate, capacity.statuses))

        def unhurried() -> Window:
            return merged(finish(start(server.port, requests, seconds=unhurried_seconds, connections=1)))

        before = unhurried()
        scheduler = place.vault.start_manage("scheduler", MAINTENANCE_SECONDS="10")
        keeper = _Keeper(place, seconds)
        load = start(server.port, requests, seconds=seconds, connections=CONNECTIONS * 4, rate=rate, window=window)
        keeper.start()
        samples = []
        began = keeper.began
        while load.process.poll() is None and time.monotonic() - began < seconds:
            samples.append(_sample(place, server, time.monotonic() - began))
            time.sleep(min(window, 5))
        windows = finish(load)
        keeper.stop()
        scheduler.send_signal(signal.SIGTERM)
        scheduler.communicate(timeout=60)
        outcome = Outcome(
            capacity,
            rate,
            windows[:-1] or windows,
            samples,
            keeper.done,
            (before, unhurried()),
            keeper.busy,
            keeper.problems,
        )
        if scheduler.returncode:
            outcome.problems.append(f"the scheduler ended with {scheduler.returncode}")
        if '"ERROR"' in server.log_text():
            outcome.problems.append("the server logged an error")
        for command in (["verify"], ["audit", "verify"]):
            checked = place.vault.start_manage(*command)
            out, err = checked.communicate()
            if checked.returncode:
                outcome.problems.append(f"{' '.join(command)}: {out[-1000:]}{err[-1000:]}")
    outcome.problems += _growth(outcome)
    return outcome


def _sample(place: Arena, server: Server, at: float) -> Sample:
    connections = 0
    if place.kind == "postgresql":
        connections = place.vault.database.value(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        )
    elif place.kind == "mysql":
        connections = place.vault.database.value(
            "SELECT count(*) FROM information_schema.processlist WHERE db = database()"
        )
    return Sample(at, memory_of(server.processes()), connections, _pace())


def _pace() -> float:
    """Milliseconds that looking up 10,000 numbers far apart takes, at best of five: memory is what others slow down."""
    table, order = _far_apart()
    times = []
    for _ in range(5):
        began = time.perf_counter()
        sum(map(table.__getitem__, order))
        times.append((time.perf_counter() - began) * 1000)
    return min(times)


@functools.cache
def _far_apart() -> tuple[list[int], list[int]]:
    table = list(range(1_000_000))
    return table, random.Random(1).sample(table, 10_000)


def _growth(outcome: Outcome) -> Iterator[str]:
    """What was not as well in the last quarter as in the first, of which the beginning doesn't count."""
    total = merged(outcome.windows)
    if set(total.statuses) != {200}:
        ends = itertools.accumulate(window.seconds for window in outcome.windows)
        when = [
            f"{end / 60:.1f}" for window, end in zip(outcome.windows, ends, strict=True) if set(window.statuses) - {200}
        ]
        yield f"answers other than 200: {dict(total.statuses)}, in the windows that ended after {', '.join(when)} minutes"
    if total.broken:
        yield f"{total.broken} connections broke off"
    if total.rate(200) < REACHED * outcome.rate:
        yield f"only {total.rate(200):,.0f}/s were served, of {outcome.rate:,.0f}/s"
    if idle := [name for name in COMMANDS if not outcome.jobs.get(name)]:
        yield f"never run: {', '.join(idle)}"
    yield from _slower(outcome)
    quarter = max(len(outcome.samples) // 4, 1)
    if len(outcome.samples) >= 4:
        memory = [statistics.median(one.megabytes for one in part) for part in _quarters(outcome.samples, quarter)]
        if memory[1] > memory[0] * (1 + MEMORY_SHARE) + MEMORY_MEGABYTES:
            yield f"memory grew from {memory[0]:.0f} to {memory[1]:.0f} MB"
        used = [max(one.connections for one in part) for part in _quarters(outcome.samples, quarter)]
        # The commands have connections of their own, now and then.
        if used[1] > used[0] + 4:
            yield f"connections to the database grew from {used[0]} to {used[1]}"


def _slower(outcome: Outcome) -> Iterator[str]:
    parts = outcome.parts()
    first, last = merged(_alone(parts[0])), merged(_alone(parts[-1]))
    for share, most in ((0.5, P50_TIMES), (0.99, P99_TIMES)):
        before, after = first.percentile(200, share), last.percentile(200, share)
        if after > before * most:
            yield f"p{share * 100:g} grew from {before:.1f} to {after:.1f} ms"
    before, after = (window.percentile(200, 0.5) for window in outcome.unhurried)
    if after > before * P50_TIMES:
        yield f"p50 of one caller alone grew from {before:.1f} to {after:.1f} ms"


def _alone(part: list[tuple[Window, bool]]) -> list[Window]:
    """Those in which no command ran beside; where one always did, all."""
    return [window for window, alone in part if alone] or [window for window, _ in part]


def _soonest(windows: list[Window]) -> Window:
    """The one that answered soonest: what grows is slow in every window, a machine that others use too only in some."""
    return min(windows, key=lambda window: window.percentile(200, 0.5))


def _quarters(samples: list[Sample], quarter: int) -> tuple[list[Sample], list[Sample]]:
    """The second and the last: in the first one the server still warms up."""
    return samples[quarter : 2 * quarter] or samples[:quarter], samples[-quarter:]


def report(outcome: Outcome) -> str:
    total = merged(outcome.windows)
    lines = [
        f"Capacity {sum(map(outcome.capacity.rate, outcome.capacity.statuses)):,.0f}/s at {CONNECTIONS} connections; then "
        f"{outcome.rate:,.0f}/s for {total.seconds / 60:.1f} minutes: {sum(total.statuses.values()):,} calls, "
        f"{sum(times for status, times in total.statuses.items() if status != 200)} of them failed. Meanwhile: "
        + ", ".join(f"{name} {times} times" for name, times in sorted(outcome.jobs.items()))
        + ", and the scheduler. One caller alone was answered in "
        + " ms before and ".join(f"{window.percentile(200, 0.5):.2f}" for window in outcome.unhurried)
        + " ms afterwards (p50).",
        "",
        "| part | calls/s | p50 ms | p99 ms | no command beside: p50 ms | p99 ms | best window of these: p50 ms | p99 ms | memory MB | connections to the database | the same work: ms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for number, windows in enumerate(outcome.parts()):
        samples = outcome.samples[len(outcome.samples) * number // 4 : len(outcome.samples) * (number + 1) // 4]
        part, alone = merged([window for window, _ in windows]), merged(_alone(windows))
        best = _soonest(_alone(windows))
        megabytes = statistics.median(one.megabytes for one in samples) if samples else 0
        connections = max((one.connections for one in samples), default=0)
        pace = statistics.median(one.pace for one in samples) if samples else 0
        lines.append(
            f"| {number + 1}. quarter | {part.rate(200):,.0f} | {part.percentile(200, 0.5):.1f} | "
            f"{part.percentile(200, 0.99):.1f} | {alone.percentile(200, 0.5):.1f} | {alone.percentile(200, 0.99):.1f} | "
            f"{best.percentile(200, 0.5):.1f} | {best.percentile(200, 0.99):.1f} | "
            f"{megabytes:.0f} | {connections} | {pace:.2f} |"
        )
    found = "\n".join(f"- {problem}" for problem in outcome.problems)
    lines += ["", f"Problems:\n\n{found}" if found else "No problem was found: no call failed, and nothing grew."]
    return "\n".join(lines)


def chart(outcome: Outcome) -> str:
    ends = list(itertools.accumulate(window.seconds for window in outcome.windows))
    times = [
        Series(
            name, [(end / 60, window.percentile(200, share)) for end, window in zip(ends, outcome.windows, strict=True)]
        )
        for name, share in (("p50", 0.5), ("p99", 0.99))
    ]
    memory = Series("memory", [(one.at / 60, one.megabytes) for one in outcome.samples])
    return draw(
        "Soak",
        [
            Chart("Time to answer, in milliseconds", "minutes", times, linear=True),
            Chart("Memory of the server, in megabytes", "minutes", [memory], linear=True),
        ],
    )


def write(outcome: Outcome, folder: Path, command: str, machine: str) -> None:
    """Into docs/faults.md between its marks, and docs/soak.svg beside it."""
    page = folder / "faults.md"
    text = page.read_text(encoding="utf-8")
    before, _, rest = text.partition(MARK_BEGIN)
    _, _, after = rest.partition(MARK_END)
    measured = (
        f"`{command}` on PostgreSQL, on {machine}.\n\n{report(outcome)}\n\n![Time to answer, and memory](soak.svg)\n"
    )
    page.write_text(f"{before}{MARK_BEGIN}{measured}{MARK_END}{after}", encoding="utf-8")
    (folder / "soak.svg").write_text(chart(outcome), encoding="utf-8")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.drill.soak", description=__doc__)
    parser.add_argument("--kind", default="postgresql", help="database (default postgresql)")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--write", type=Path, help="folder of faults.md, to write the outcome into")
    options = parser.parse_args(arguments)
    if missing := missing_programs(options.kind):
        parser.error(f"{options.kind} needs {', '.join(missing)}")
    window = min(max(options.minutes * 60 / 120, 1.0), 15.0)
    with tempfile.TemporaryDirectory(prefix="databunker-drill-") as folder:
        machine = "; ".join(f"{name} {value}" for name, value in facts(Path(folder))[:3])
        outcome = soak(options.kind, Path(folder), seconds=options.minutes * 60, window=window)
    print(report(outcome))
    if options.write:
        with contextlib.suppress(FileNotFoundError):
            write(outcome, options.write, f"make soak MINUTES={options.minutes:g}", machine)
    return 1 if outcome.problems else 0


if __name__ == "__main__":
    sys.exit(main())
