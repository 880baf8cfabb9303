"""From results to `docs/performance.md` and its plot.

    python -m benchmarks.report benchmarks/results/latest.json docs/performance.md

writes them anew from kept results. What stands outside the two markers of an existing page is left as it is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.plot import Chart, Series, draw
from benchmarks.results import Goal, Load, Results, Work
from benchmarks.targets import BULK_RATE, GROWTH_CONNECTIONS, RATES, TITLES

__all__ = ["BEGIN", "END", "markdown", "merged", "plot", "write"]

BEGIN = "<!-- measured: written by `make bench`, do not edit from here -->"
END = "<!-- measured: end -->"
TITLE = "# Performance\n"
NONE = "–"
# Above the block of commands, for the test that runs what documents show.
NOT_RUN = "<!-- never run: `make bench` has run them, on databases of its own -->"
PROFILE_ROWS = 12


def write(results: Results, page: Path) -> None:
    """Write the page and, beside it, the plot of the same name."""
    image = page.with_suffix(".svg")
    image.write_text(plot(results), encoding="utf-8")
    old = page.read_text(encoding="utf-8") if page.exists() else ""
    page.write_text(merged(old, markdown(results, image.name)), encoding="utf-8")


def merged(old: str, measured: str) -> str:
    """The page with its measured part replaced, or a new page where it has none."""
    block = f"{BEGIN}\n{measured}{END}\n"
    if BEGIN not in old or END not in old:
        return f"{old or TITLE}\n{block}"
    before, rest = old.split(BEGIN, 1)
    return before + block + rest.split(END, 1)[1].removeprefix("\n")


def markdown(results: Results, image: str) -> str:
    """The measured part of the page."""
    sections = [
        _head(results),
        *_problems(results),
        _goals(results),
        f"![Requests a second by connections and by size of the vault]({image})\n",
        *(_work_table(results, work) for work in TITLES),
        _growth(results),
        _bulk(results),
        _memory(results),
        _profiles(results),
        _setup(results),
    ]
    return "\n".join(section for section in sections if section)


def plot(results: Results) -> str:
    sizes = _sizes(results)
    by_connections = [
        Series(
            title,
            [(row.connections, row.rate) for row in _rows(results, work, people=sizes[0] if sizes else 0)],
            [(connections, rate) for (target, connections), rate in RATES.items() if target == work],
        )
        for work, title in TITLES.items()
    ]
    by_size = [
        Series(title, [(row.people, row.rate) for row in _growth_rows(results, work)]) for work, title in TITLES.items()
    ]
    samples = [load for load in results.loads if load.sample]
    bulk = Series(
        "Bulk load",
        [(load.people_before, load.rate) for load in samples],
        [(load.people_before, BULK_RATE) for load in samples],
    )
    first = f"{sizes[0]:,}" if sizes else ""
    return draw(
        "Speed of the vault",
        [
            Chart(f"Requests a second, {first} people (rings: targets)", "connections", by_connections),
            Chart(f"Requests a second at {GROWTH_CONNECTIONS} connections", "people in the vault", by_size),
            Chart("Bulk load, records a second (rings: target)", "people in the vault", [bulk]),
        ],
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Numbers to the right, which is every column but the first."""
    lines = [f"| {' | '.join(head)} |", f"|{'|'.join(['---'] + ['---:'] * (len(head) - 1))}|"]
    lines += [f"| {' | '.join(row)} |" for row in rows]
    return "\n".join(lines) + "\n"


def _ratio(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _rate(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _ms(value: float) -> str:
    return f"{value:.1f}"


def _target(goals: Sequence[Goal]) -> tuple[str, str]:
    """What was wanted, and whether each of it was met."""
    if not goals:
        return NONE, NONE
    missed = [goal for goal in goals if not goal.met]
    verdict = "yes" if not missed else "no: " + ", ".join(goal.found for goal in missed)
    return "; ".join(goal.wanted for goal in goals), verdict


def _sizes(results: Results) -> list[int]:
    return sorted({row.people for row in results.works})


def _rows(results: Results, work: str, *, people: int) -> list[Work]:
    found = [row for row in results.works if row.work == work and row.people == people]
    return sorted(found, key=lambda row: row.connections)


def _growth_rows(results: Results, work: str) -> list[Work]:
    found = [row for row in results.works if row.work == work and row.connections == GROWTH_CONNECTIONS]
    return sorted(found, key=lambda row: row.people)


def _head(results: Results) -> str:
    return (
        f"Measured {results.taken} with `{results.options}` on the machine [below](#machine-and-commands): "
        "PostgreSQL with default durability, the audit trail on, gunicorn as `deploy/gunicorn.conf.py` runs it, "
        "and wrk on the same machine, so that server, database and load share its cores.\n\n"
        "*Empty view* is a Django view that answers 15 bytes, in gunicorn's own thread worker (a process a core, "
        "8 threads each); *pgbench* sends the product's own SQL to copies of its tables at as many connections. "
        "Both were measured within the same minute as the figure beside them; the ratio is the product's rate over "
        "theirs.\n"
    )


def _problems(results: Results) -> list[str]:
    if not results.problems:
        return []
    return ["**Not everything went well:**\n\n" + "".join(f"- {problem}\n" for problem in results.problems)]


def _goals(results: Results) -> str:
    goals: list[tuple[str, Goal]] = []
    for row in results.works:
        if row.people == min(_sizes(results)):
            goals += [(f"{TITLES[row.work]} at {row.connections}", goal) for goal in row.goals()]
    for load in results.loads:
        if load.sample:
            name = f"Bulk load with {load.people_before:,} people"
            goals += [(name, goal) for goal in load.goals(_smallest_sample(results))]
    if not goals:
        return ""
    met = sum(goal.met for _, goal in goals)
    rows = [(name, goal.wanted, goal.found, "yes" if goal.met else "**no**") for name, goal in goals]
    return f"## Targets\n\n{met} of {len(goals)} are met.\n\n" + _table(("what", "target", "measured", "met"), rows)


def _work_table(results: Results, work: str) -> str:
    sizes = _sizes(results)
    rows = _rows(results, work, people=sizes[0]) if sizes else []
    if not rows:
        return ""
    head = ("connections", "requests/s", "p50 ms", "p99 ms", "errors", "empty view/s", "ratio", "pgbench/s", "ratio",
            "target", "met")  # fmt: skip
    body = [(f"{row.connections}", *_figures(row), *_target(row.goals())) for row in rows]
    repetitions = max(row.repetitions for row in rows)
    spread = max((row.fastest_rate - row.slowest_rate) / row.rate for row in rows)
    note = f"\nMedians of {repetitions} runs each, which lay at most {spread:.0%} apart.\n" if repetitions > 1 else ""
    return f"## {TITLES[work]}\n\nIn a vault of {sizes[0]:,} people.\n\n" + _table(head, body) + note


def _figures(row: Work) -> tuple[str, ...]:
    return (
        _rate(row.rate), _ms(row.p50_ms), _ms(row.p99_ms), f"{row.errors:,}",
        _rate(row.empty_rate), _ratio(row.to_empty), _rate(row.sql_rate), _ratio(row.to_sql),
    )  # fmt: skip


def _growth(results: Results) -> str:
    if len(_sizes(results)) < 2:
        return ""
    rows = [
        (title, f"{row.people:,}", *_figures(row), f"{row.rate / _growth_rows(results, work)[0].rate:.0%}")
        for work, title in TITLES.items()
        for row in _growth_rows(results, work)
    ]
    head = ("work", "people", "requests/s", "p50 ms", "p99 ms", "errors", "empty view/s", "ratio", "pgbench/s", "ratio",
            "of the smallest")  # fmt: skip
    return f"## Growth, at {GROWTH_CONNECTIONS} connections\n\n" + _table(head, rows)


def _smallest_sample(results: Results) -> Load | None:
    return min((load for load in results.loads if load.sample), key=lambda load: load.people_before, default=None)


def _bulk(results: Results) -> str:
    if not results.loads:
        return ""
    smallest = _smallest_sample(results)
    rows = []
    for load in results.loads:
        to_empty = load.rate / load.empty_rate if load.empty_rate else None
        to_sql = load.rate / load.sql_rate if load.sql_rate else None
        target = _target(load.goals(smallest)) if load.sample else (NONE, NONE)
        rows.append(
            (f"{load.people_before:,}", f"{load.records:,}", f"{load.seconds:.1f}", _rate(load.rate),
             f"{load.megabytes:,.0f}", _rate(load.empty_rate), _ratio(to_empty), _rate(load.sql_rate), _ratio(to_sql),
             *target)
        )  # fmt: skip
    head = ("people before", "records", "seconds", "records/s", "memory MB", "empty view/s", "ratio", "SQL alone/s",
            "ratio", "target", "met")  # fmt: skip
    return (
        "## Bulk load\n\nRecords of 40 fields and 2 KB, by `manage.py load`, from the start of the command to its end. "
        "*SQL alone*: psql sends the very statements that the product makes of such records, over one connection, to "
        "the same tables (pgbench can't send the data of a COPY).\n\n" + _table(head, rows)
    )


def _memory(results: Results) -> str:
    if not results.memory:
        return ""
    rows = [
        (f"{row.people:,}", f"{row.processes}", f"{row.megabytes_idle:,.0f}", f"{row.megabytes:,.0f}",
         f"{row.database_megabytes:,.0f}")
        for row in results.memory
    ]  # fmt: skip
    head = ("people", "processes", "MB at the start", "MB after the run", "database MB")
    return (
        "## Memory\n\nAll processes of the server together (proportional set size), and the database with its audit "
        "trail on disk after the run, without the copies for pgbench.\n\n" + _table(head, rows)
    )


def _profiles(results: Results) -> str:
    if not results.profiles:
        return ""
    works = list(results.profiles)
    parts: dict[str, dict[str, float]] = {}
    for work, shares in results.profiles.items():
        for part, share in shares:
            parts.setdefault(part, {})[work] = share
    ordered = sorted(parts, key=lambda part: -sum(parts[part].values()))[:PROFILE_ROWS]
    rows = [(part, *(f"{parts[part].get(work, 0):.0%}" for work in works)) for part in ordered]
    return (
        "## Where the time goes\n\nShares of the time of one request inside the process, by cProfile, without server "
        "and socket (`python -m benchmarks.profiling` prints the functions). The profiler makes small Python functions "
        "look dearer than they are.\n\n" + _table(("part", *(TITLES[work] for work in works)), rows)
    )


def _setup(results: Results) -> str:
    machine = _table(("machine", "value"), results.machine).replace("---:", "---")
    database = _table(("PostgreSQL setting", "value"), results.database).replace("---:", "---")
    commands = "".join(f"# {what}\n{command}\n\n" for what, command in results.commands)
    return f"## Machine and commands\n\n{machine}\n{database}\n{NOT_RUN}\n```sh\n{commands.strip()}\n```\n"


def main(arguments: Sequence[str]) -> int:
    """Render kept results."""
    if len(arguments) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    write(Results.read(Path(arguments[0])), Path(arguments[1]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
