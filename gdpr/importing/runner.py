"""An import, from its start or from where an earlier one stopped: each batch goes in whole or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audit import trail
from databunker.db.statements import atomically
from vault.actions import Fate
from vault.loading.outputs import OutputFile

from ..events import IMPORT_FINISHED, IMPORT_STARTED
from . import progress
from .entries import Entry, Reading, Stage, Verdict
from .errors import ImportRefused, ImportStopped
from .peer import Column, PeerDatabase, PeerKey, Row, Unreadable
from .plan import APPEND_ONLY, plan
from .progress import Counts, Progress, StageState
from .report import Line, lines_for, refused, written

__all__ = ["Options", "Tally", "run_import"]

_BATCH_BYTES = 8 << 20
_SAMPLES = 50


@dataclass(frozen=True, slots=True)
class Options:
    """`report` is None for the default name, which counts the passes."""

    report: Path | None
    batch: int
    restart: bool
    dry_run: bool


@dataclass(slots=True)
class Tally:
    """What is known of the import so far: of this run and, of what it goes on with, of earlier ones."""

    rows: dict[str, int]
    left_out: dict[str, int]
    passes: int
    counts: dict[str, Counts]
    reasons: Counter[str] = field(default_factory=Counter)
    report: Path | None = None
    complete: bool = False

    @property
    def read(self) -> int:
        return sum(counts.read for counts in self.counts.values())

    @property
    def total(self) -> int:
        return sum(self.rows.values())


def run_import(
    reading: Reading, options: Options, *, tell: Callable[[Tally], None], stopped: Callable[[], bool]
) -> Tally:
    """Take over every table, or in a dry run only read and decrypt it.

    Killed at any moment and run again, it stores everything once: progress is committed with the rows it counts, and
    the report is on disk before it. Run again after its end it goes through the other vault once more and takes what
    is new there; what is here already stays as it is.

    Args:
        tell: called with the tally so far after each batch.
        stopped: asked between batches; true ends the run, to be resumed by the next.

    Raises:
        ImportRefused: nothing was done: the master key is not the other vault's.
        ImportStopped: the batch at hand was not stored; those before it are.
    """
    check_key(reading.peer, reading.key)
    tables = reading.peer.tables()
    stages, left_out = plan(reading, tables)
    tally = Tally({stage.name: tables[stage.table] for stage in stages}, left_out, 1, {})
    if options.dry_run:
        work: _Rehearsing = _Rehearsing(reading, tally)
        _through(stages, work, options, tell=tell, stopped=stopped)
        return tally
    known, resumed = _begun(reading, options, [stage.name for stage in stages])
    tally.passes = known.passes
    tally.counts = {name: stage.counts for name, stage in known.stages.items() if stage.counts.read}
    tally.report = options.report or Path(f"databunker-import-{known.passes}.jsonl")
    with ExitStack() as opened:
        file = opened.enter_context(OutputFile(tally.report, option="--report"))
        if resumed:
            file.require_own(known.tag, known.report_size)
        elif not options.restart:
            file.require_empty()
        file.begin(known.report_size)
        storing = _Storing(reading, tally, known, file)
        trail.record(reading.actor, IMPORT_STARTED, detail={"pass": known.passes, "step": known.step})
        _through(stages, storing, options, tell=tell, stopped=stopped)
        if tally.complete:
            totals = {name: counts.stored for name, counts in tally.counts.items()}
            trail.record(reading.actor, IMPORT_FINISHED, detail={"pass": known.passes, "stored": totals})
    return tally


def check_key(peer: PeerDatabase, key: PeerKey) -> None:
    """
    Raises:
        ImportRefused: nothing that was looked at opens under this key.
    """
    tried = 0
    for table in ("users", "sessions"):
        for row in peer.sample(table, "key", number=_SAMPLES) if table in peer.tables() else []:
            tried += 1
            try:
                key.open_data(row.get("key"), row.get("data"))
            except Unreadable:
                continue
            return
    for table in ("agreements", "audit"):
        for row in peer.sample(table, "who", number=_SAMPLES) if table in peer.tables() else []:
            try:
                if key.open_identity(row["who"]) != row["who"]:
                    return
            except Unreadable:
                tried += 1
    if tried:
        raise ImportRefused(
            f"the master key is not that of this Databunker: none of {tried} records that were tried opens under it"
        )


def _begun(reading: Reading, options: Options, names: Sequence[str]) -> tuple[Progress, bool]:
    """Where to go on from, and whether a run was here before; a new pass where all was done, or where it is asked for.

    A run that was killed in its very first batch has been here: its report may hold what was never committed.
    """
    tenant = reading.actor.tenant
    source = progress.source_of(tenant, reading.key.secret)
    known = progress.find(tenant, source)
    if known is None:
        return progress.begin(tenant, source), False
    done = all(name in known.stages and known.stages[name].done for name in names)
    if not done and not options.restart:
        return known, True
    with atomically():
        progress.advance(tenant, known, known.next_pass(keep=APPEND_ONLY))
    begun = progress.find(tenant, source)
    if begun is None:
        raise ImportStopped("another import of this Databunker is at work")
    return begun, False


def _through(
    stages: Sequence[Stage],
    work: _Rehearsing,
    options: Options,
    *,
    tell: Callable[[Tally], None],
    stopped: Callable[[], bool],
) -> None:
    for stage in stages:
        state = work.state_of(stage)
        if state.done:
            continue
        with closing(work.reading.peer.rows(stage.table, stage.order, after=state.cursor)) as rows:
            for batch, cursor in _batches(rows, stage.order, options.batch):
                if stopped():
                    return
                work.take(stage, batch, cursor)
                tell(work.tally)
        work.end(stage)
    work.tally.complete = True


def _batches(rows: Iterator[Row], order: Sequence[Column], size: int) -> Iterator[tuple[list[Row], list[Any]]]:
    """Rows of equal order values stay together: the next batch begins behind them."""
    batch: list[Row] = []
    cursor: list[Any] = []
    weight = 0
    for row in rows:
        place = [column.missing if row.get(column.name) is None else row[column.name] for column in order]
        if batch and place != cursor and (len(batch) >= size or weight >= _BATCH_BYTES):
            yield batch, cursor
            batch, weight = [], 0
        batch.append(row)
        cursor = place
        weight += sum(len(value) for value in row.values() if isinstance(value, str))
    if batch:
        yield batch, cursor


class _Rehearsing:
    """Reads and decrypts everything and writes nothing."""

    def __init__(self, reading: Reading, tally: Tally) -> None:
        self.reading = reading
        self.tally = tally

    def state_of(self, stage: Stage) -> StageState:  # noqa: ARG002 - there is none
        return StageState()

    def take(self, stage: Stage, batch: Sequence[Row], cursor: list[Any]) -> None:  # noqa: ARG002 - kept nowhere
        entries = stage.read(batch)
        items = [entry.item for entry in entries if entry.item is not None]
        verdicts = _spread(entries, stage.rehearse(items))
        self._count(stage, entries, verdicts)

    def end(self, stage: Stage) -> None:
        self.tally.counts.setdefault(stage.name, Counts())

    def _count(self, stage: Stage, entries: list[Entry[Any]], verdicts: list[Verdict | None]) -> list[Line]:
        before = self.tally.counts.get(stage.name, Counts())
        self.tally.counts[stage.name] = before.plus(_counted(entries, verdicts))
        lines = lines_for(stage.table, before.read + 1, entries, verdicts)
        self.tally.reasons.update(f"{stage.table}: {line.reason}" for line in lines)
        return lines


class _Storing(_Rehearsing):
    """Each batch goes in with the progress and the part of the report that tell of it, or not at all."""

    def __init__(self, reading: Reading, tally: Tally, known: Progress, report: OutputFile) -> None:
        super().__init__(reading, tally)
        self._known = known
        self._report = report

    def state_of(self, stage: Stage) -> StageState:
        return self._known.stages.get(stage.name, StageState())

    def take(self, stage: Stage, batch: Sequence[Row], cursor: list[Any]) -> None:
        state = self.state_of(stage)
        entries = stage.read(batch)
        items = [entry.item for entry in entries if entry.item is not None]
        reached = self._known

        def alongside(verdicts: list[Verdict]) -> None:
            nonlocal reached
            spread = _spread(entries, verdicts)
            lines = lines_for(stage.table, state.counts.read + 1, entries, spread)
            moved = StageState(cursor, done=False, counts=state.counts.plus(_counted(entries, spread)))
            size = self._report.put(self._known.report_size, written(self._known.tag, lines))
            reached = self._known.moved(stage.name, moved, report_size=size)
            progress.advance(self.reading.actor.tenant, self._known, reached)

        verdicts = stage.store(items, alongside)
        self._known = reached
        self._count(stage, entries, _spread(entries, verdicts))

    def end(self, stage: Stage) -> None:
        state = self.state_of(stage)
        done = StageState(state.cursor, done=True, counts=state.counts)
        reached = self._known.moved(stage.name, done, report_size=self._known.report_size)
        with atomically():
            progress.advance(self.reading.actor.tenant, self._known, reached)
        self._known = reached
        super().end(stage)


def _spread(entries: Sequence[Entry[Any]], verdicts: Sequence[Verdict]) -> list[Verdict | None]:
    """The verdicts beside their entries; None where there was no item."""
    coming = iter(verdicts)
    return [None if entry.item is None else next(coming) for entry in entries]


def _counted(entries: Sequence[Entry[Any]], verdicts: Sequence[Verdict | None]) -> Counts:
    found = [verdict for verdict in verdicts if verdict is not None]
    skipped = sum(1 for entry in entries if entry.skipped)
    stored = [verdict for verdict in found if verdict.fate is Fate.STORED]
    present = sum(1 for verdict in found if verdict.fate is Fate.PRESENT)
    noted = sum(
        1
        for entry, verdict in zip(entries, verdicts, strict=True)
        if verdict is not None and not refused(verdict) and (entry.problems or verdict.remarks)
    )
    return Counts(
        read=len(entries),
        stored=len(stored),
        present=present,
        skipped=skipped,
        refused=len(entries) - len(stored) - present - skipped,
        remarks=noted,
    )
