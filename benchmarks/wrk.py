"""Run wrk with prepared requests, and read what it found."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from benchmarks.errors import HarnessError

__all__ = ["Outcome", "command", "parse", "run", "threads_for"]

REPLAY = Path(__file__).resolve().parent / "lua" / "replay.lua"
TIMEOUT_SECONDS = 10
MAX_THREADS = 2  # wrk shares the machine with the server: more threads would only take from it


@dataclass(frozen=True, slots=True)
class Outcome:
    """`rate` counts good answers only; `errors` are wrong answers plus whatever failed on the socket."""

    rate: float
    p50_ms: float
    p99_ms: float
    requests: int
    errors: int
    error_kinds: str


def threads_for(connections: int) -> int:
    return min(MAX_THREADS, connections)


def command(
    url: str, requests: Path, *, order: str, connections: int, seconds: float, token: str, seed: int
) -> list[str]:
    threads = threads_for(connections)
    return [
        "wrk", "-t", str(threads), "-c", str(connections), "-d", f"{max(1, round(seconds))}s",
        "--timeout", f"{TIMEOUT_SECONDS}s", "-H", f"X-Bunker-Token: {token}", "-s", str(REPLAY), url,
        "--", str(requests), order, str(threads), str(seed),
    ]  # fmt: skip


def run(arguments: list[str]) -> Outcome:
    """
    Raises:
        HarnessError: wrk failed, or the prepared requests ran out.
    """
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise HarnessError(f"wrk failed: {(done.stderr or done.stdout).strip()[-500:]}")
    return parse(done.stdout)


def parse(text: str) -> Outcome:
    """
    Raises:
        HarnessError: there is no outcome in `text`, or the prepared requests ran out.
    """
    lines = [line for line in text.splitlines() if line.startswith("OUTCOME ")]
    if len(lines) != 1:
        raise HarnessError(f"wrk printed no outcome: {text.strip()[-500:]}")
    found = json.loads(lines[0].removeprefix("OUTCOME "))
    if found["ran_out"]:
        raise HarnessError("the prepared requests ran out before the time did: the figure would be too low")
    kinds = {name: found[name] for name in ("connect", "read", "write", "status", "timeout") if found[name]}
    good = found["requests"] - found["status"]
    return Outcome(
        rate=good / (found["microseconds"] / 1e6),
        p50_ms=found["p50"] / 1e3,
        p99_ms=found["p99"] / 1e3,
        requests=found["requests"],
        errors=sum(kinds.values()),
        error_kinds=", ".join(f"{number} {name}" for name, number in kinds.items()),
    )
