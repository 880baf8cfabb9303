"""The figures of one run, as they are kept in a file and shown in a report."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from benchmarks.targets import BULK_KEPT, BULK_RATE, EMPTY_SHARE, P99_MS, RATES

__all__ = ["Goal", "Load", "Memory", "Results", "Work"]


@dataclass(frozen=True, slots=True)
class Goal:
    """One target: what is measured, what was wanted, what came out."""

    wanted: str
    found: str
    met: bool


@dataclass(frozen=True, slots=True)
class Work:
    """One kind of request at one number of connections in a vault of so many people.

    Figures are medians over the repetitions, errors their sum. `empty_rate` and `sql_rate` come from the same
    minutes: the empty view, and pgbench with the same SQL at as many connections.
    """

    work: str
    people: int
    connections: int
    rate: float
    p50_ms: float
    p99_ms: float
    requests: int
    errors: int
    repetitions: int
    slowest_rate: float
    fastest_rate: float
    empty_rate: float | None
    sql_rate: float | None

    @property
    def to_empty(self) -> float | None:
        return self.rate / self.empty_rate if self.empty_rate else None

    @property
    def to_sql(self) -> float | None:
        return self.rate / self.sql_rate if self.sql_rate else None

    def goals(self) -> list[Goal]:
        goals = []
        rate = RATES.get((self.work, self.connections))
        if rate:
            goals.append(Goal(f"{rate:,}/s", f"{self.rate:,.0f}/s", self.rate >= rate))
        p99 = P99_MS.get((self.work, self.connections))
        if p99:
            goals.append(Goal(f"p99 under {p99} ms", f"{self.p99_ms:.1f} ms", self.p99_ms < p99))
        share = EMPTY_SHARE.get(self.work)
        if share and self.to_empty is not None:
            goals.append(Goal(f"{share} of the empty view", f"{self.to_empty:.2f}", self.to_empty >= share))
        return goals


@dataclass(frozen=True, slots=True)
class Load:
    """One file loaded by `manage.py load`; `people_before` says how full the vault was."""

    people_before: int
    records: int
    seconds: float
    megabytes: float
    sample: bool
    empty_rate: float | None = None
    sql_rate: float | None = None

    @property
    def rate(self) -> float:
        return self.records / self.seconds

    def goals(self, smallest: Load | None) -> list[Goal]:
        """`smallest` is the sample from the smallest vault, where this one is compared with it."""
        goals = [Goal(f"{BULK_RATE:,}/s", f"{self.rate:,.0f}/s", self.rate >= BULK_RATE)]
        if smallest is not None and smallest is not self:
            share = self.rate / smallest.rate
            wanted = f"{BULK_KEPT:.0%} of that at {smallest.people_before:,} people"
            goals.append(Goal(wanted, f"{share:.0%}", share >= BULK_KEPT))
        return goals


@dataclass(frozen=True, slots=True)
class Memory:
    """All processes of the server together, after the requests of a size were done."""

    people: int
    processes: int
    megabytes_idle: float
    megabytes: float
    database_megabytes: float


@dataclass
class Results:
    """Everything that a run found. `problems` are errors of any part; they are shown first."""

    taken: str
    options: str
    machine: list[tuple[str, str]]
    database: list[tuple[str, str]]
    commands: list[tuple[str, str]] = field(default_factory=list)
    works: list[Work] = field(default_factory=list)
    loads: list[Load] = field(default_factory=list)
    memory: list[Memory] = field(default_factory=list)
    profiles: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    def note_command(self, what: str, command: str) -> None:
        """Keep the latest command of each kind, and print the first."""
        noted = dict(self.commands)
        if what not in noted:
            print(f"  # {what}\n  $ {command}", flush=True)
        self.commands = list({**noted, what: command}.items())

    def save(self, file: Path) -> None:
        file.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def read(cls, file: Path) -> Results:
        found: dict[str, Any] = orjson.loads(file.read_bytes())
        return cls(
            taken=found["taken"],
            options=found["options"],
            machine=_pairs(found["machine"]),
            database=_pairs(found["database"]),
            commands=_pairs(found["commands"]),
            works=[Work(**row) for row in found["works"]],
            loads=[Load(**row) for row in found["loads"]],
            memory=[Memory(**row) for row in found["memory"]],
            profiles={work: [(where, share) for where, share in rows] for work, rows in found["profiles"].items()},
            problems=found["problems"],
        )


def _pairs(rows: list[list[str]]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in rows]
