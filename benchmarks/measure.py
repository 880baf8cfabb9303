"""One figure at a time: the empty view, the product and pgbench right after each other, again and again."""

from __future__ import annotations

import shlex
import statistics
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from benchmarks import pgbench, wrk
from benchmarks.errors import HarnessError
from benchmarks.results import Results, Work
from benchmarks.server import PROJECT, Server
from benchmarks.traffic import ORDERS, Traffic

__all__ = ["Bench", "Pace"]

# The product changes less in a second than the empty view answers; this bounds how many requests to prepare.
MOST_OF_EMPTY = 0.7
DEFAULT_EMPTY_RATE = 10_000.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Pace:
    """How long and how often. The yardsticks are steadier than the product and need less time."""

    seconds: float
    repetitions: int

    @property
    def warm_up(self) -> float:
        return max(1.0, self.seconds / 5)

    @property
    def yardstick(self) -> float:
        return max(1.0, self.seconds * 0.4)


@dataclass
class _Runs:
    product: list[wrk.Outcome] = field(default_factory=list)
    empty: list[float] = field(default_factory=list)
    sql: list[float] = field(default_factory=list)


@dataclass(kw_only=True)
class Bench:
    """The servers and the traffic of one vault; each figure goes into `results` and onto the screen."""

    results: Results
    pace: Pace
    people: int
    server: Server
    empty: Server
    traffic: Traffic
    scripts: dict[str, Path]
    database_url: str
    folder: Path
    _run_number: int = 0

    def measure(self, work: str, connections: tuple[int, ...]) -> None:
        """All repetitions of one kind of work, going through the numbers of connections in turn each time."""
        try:
            self.traffic.check(work, self.server)
        except HarnessError as error:
            self._problem(f"{work} with {self.people:,} people was not measured", error)
            return
        runs = {number: _Runs() for number in connections}
        for _ in range(self.pace.repetitions):
            for number, found in runs.items():
                self._once(work, number, found)
        for number, found in runs.items():
            if found.product:
                self.results.works.append(self._summary(work, number, found))

    def _once(self, work: str, connections: int, found: _Runs) -> None:
        self._run_number += 1
        where = f"{work} at {connections} with {self.people:,} people"
        empty = self._try(f"empty view beside {where}", lambda: self._wrk_empty(connections))
        product = self._try(where, lambda: self._wrk_product(work, connections, empty))
        sql = self._try(f"pgbench beside {where}", lambda: self._pgbench(work, connections))
        if empty:
            found.empty.append(empty.rate)
            if empty.errors:
                self._problem(f"empty view beside {where}", empty.error_kinds)
        if product:
            found.product.append(product)
            if product.errors:
                self._problem(where, product.error_kinds)
        if sql:
            found.sql.append(sql.rate)
        self._show(work, connections, product, empty, sql)

    def _try(self, what: str, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except HarnessError as error:
            self._problem(what, error)
            return None

    def _problem(self, what: str, why: object) -> None:
        self.results.problems.append(f"{what}: {why}")
        print(f"  PROBLEM {what}: {why}", flush=True)

    def _wrk(self, server: Server, file: Path, order: str, connections: int, seconds: float) -> wrk.Outcome:
        command = wrk.command(
            server.url, file, order=order, connections=connections, seconds=seconds, seed=self._run_number,
            token=server.vault.root_token,
        )  # fmt: skip
        kind = "the product" if server is self.server else "the empty view"
        if seconds >= self.pace.yardstick:
            self.results.note_command(f"requests to {kind}", self._shown(command))
        return wrk.run(command)

    def _wrk_empty(self, connections: int) -> wrk.Outcome:
        file = self.traffic.requests("get_token", at_most=0)
        self._wrk(self.empty, file, "shuffled", connections, 1)
        return self._wrk(self.empty, file, "shuffled", connections, self.pace.yardstick)

    def _wrk_product(self, work: str, connections: int, empty: wrk.Outcome | None) -> wrk.Outcome:
        limit = MOST_OF_EMPTY * (empty.rate if empty else DEFAULT_EMPTY_RATE)
        self._wrk_fresh(work, connections, self.pace.warm_up, limit)
        return self._wrk_fresh(work, connections, self.pace.seconds, limit)

    def _wrk_fresh(self, work: str, connections: int, seconds: float, limit: float) -> wrk.Outcome:
        """With requests that were not sent before, where sending them twice would be another kind of work."""
        file = self.traffic.requests(work, at_most=round(limit * (seconds + 1)))
        try:
            return self._wrk(self.server, file, ORDERS[work], connections, seconds)
        finally:
            self.traffic.discard(file)

    def _pgbench(self, work: str, connections: int) -> pgbench.Outcome | None:
        if work not in self.scripts:
            return None
        command = pgbench.command(
            self.database_url, self.scripts[work], connections=connections, seconds=self.pace.yardstick,
            people=self.people, run_number=self._run_number,
        )  # fmt: skip
        self.results.note_command(f"the same SQL, here that of {work}", self._shown(command))
        return pgbench.run(command)

    def _shown(self, command: list[str]) -> str:
        """The command without what is this run's alone: folders, token and database."""
        text = shlex.join(command)
        for value, name in (
            (str(self.folder.parent), "$DIR"),
            (f"{PROJECT}/", ""),
            (self.server.vault.root_token, "$TOKEN"),
            (self.database_url, "$DATABASE_URL"),
        ):
            text = text.replace(value, name)
        return text

    def _summary(self, work: str, connections: int, found: _Runs) -> Work:
        rates = [outcome.rate for outcome in found.product]
        return Work(
            work=work,
            people=self.people,
            connections=connections,
            rate=statistics.median(rates),
            p50_ms=statistics.median(outcome.p50_ms for outcome in found.product),
            p99_ms=statistics.median(outcome.p99_ms for outcome in found.product),
            requests=sum(outcome.requests for outcome in found.product),
            errors=sum(outcome.errors for outcome in found.product),
            repetitions=len(found.product),
            slowest_rate=min(rates),
            fastest_rate=max(rates),
            empty_rate=statistics.median(found.empty) if found.empty else None,
            sql_rate=statistics.median(found.sql) if found.sql else None,
        )

    def _show(
        self, work: str, connections: int, product: wrk.Outcome | None, empty: wrk.Outcome | None,
        sql: pgbench.Outcome | None,
    ) -> None:  # fmt: skip
        cells = [f"  {work:<10} {connections:>3} connections"]
        if product:
            cells.append(
                f"{product.rate:>7,.0f}/s  p50 {product.p50_ms:>6.1f} ms  p99 {product.p99_ms:>6.1f} ms  "
                f"errors {product.errors}"
            )
        if empty:
            cells.append(f"empty {empty.rate:>6,.0f}/s" + (f" ({product.rate / empty.rate:.2f})" if product else ""))
        if sql:
            cells.append(f"pgbench {sql.rate:>6,.0f}/s" + (f" ({product.rate / sql.rate:.2f})" if product else ""))
        print("  ".join(cells), flush=True)
