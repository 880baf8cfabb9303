"""Load an input: each batch goes in with the progress and the files that tell of it, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from django.conf import settings

from databunker.access.actor import Actor

from ..actions import Candidate, Rejected, Result, prepare_batch, store_batch
from . import progress
from .errors import LoadRefused
from .files import Files, open_files
from .formats import FORMATS, Entry
from .lines import LineReader
from .pipeline import Prepared, Preparer
from .progress import Progress
from .source import Source

__all__ = ["Options", "Tally", "load"]

# Reasons that differ in the position that they name are one reason.
_POSITION = " at byte "


@dataclass(frozen=True, slots=True)
class Options:
    rejects: Path
    tokens: Path | None
    batch: int
    restart: bool


@dataclass(slots=True)
class Tally:
    """What this run did so far. Earlier runs dealt with the `skipped` records; a next one may go on if `recorded`."""

    skipped: int
    bytes_skipped: int
    recorded: bool
    has_rejects: bool = False
    created: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    bytes_read: int = 0
    complete: bool = False

    @property
    def read(self) -> int:
        return self.created + self.rejected


def load(
    actor: Actor, source: Source, options: Options, *, tell: Callable[[Tally], None], stopped: Callable[[], bool]
) -> Tally:
    """Create a person for each record of `source`, from where an earlier run stopped.

    Killed at any moment and run again, it creates each person once, and each line of the files stands there once:
    progress is committed with the people it counts, and the files are on disk before it.

    Args:
        tell: called with the tally so far after each batch.
        stopped: asked between batches; true ends the run, to be resumed by the next.

    Raises:
        LoadRefused: nothing was done, as the input or the files are not as they must be.
        LoadStopped: a batch could not be stored; those before it are.
        AccessDenied: the actor may not create people.
    """
    known = _known_progress(actor, source, options)
    lines = LineReader(source.stream, limit=settings.MAX_BODY_BYTES)
    format_ = FORMATS[source.format](lines, limit=settings.MAX_BODY_BYTES)
    entries = format_.entries()
    _skip(entries, known.position if known else 0)
    tally = Tally(
        skipped=known.position if known else 0,
        bytes_skipped=lines.bytes_read,
        recorded=source.reference is not None,
        has_rejects=known is not None and known.rejects_size > 0,
    )
    first = next(entries, None)
    if first is None:
        tally.complete = True
        return tally
    preparer = Preparer(
        actor, _checked(chain([first], entries), source), format_,
        size=options.batch, bytes_read=lambda: lines.bytes_read,
    )  # fmt: skip
    with open_files(options.rejects, options.tokens) as files:
        files.check_apart(source)
        loading = _Loading(actor, _begun(actor, source, options, known, files), files, tally, format_.candidate)
        with preparer:
            for prepared in preparer.batches(stopped=stopped):
                loading.store(prepared)
                tell(tally)
        tally.complete = preparer.finished
    return tally


def _known_progress(actor: Actor, source: Source, options: Options) -> Progress | None:
    if source.reference is None or options.restart:
        return None
    return progress.find(actor.tenant, source.reference)


def _skip(entries: Iterator[Entry], number: int) -> None:
    skipped = sum(1 for _ in islice(entries, number))
    if skipped < number:
        raise LoadRefused(
            f"the earlier run of this input read {number:,} records and there are only {skipped:,}: this is another "
            "input. Give it another --name, or start over with --restart"
        )


def _checked(entries: Iterator[Entry], source: Source) -> Iterator[Entry]:
    """The entries and, after the last, the proof that the input is still the one whose hash was taken."""
    yield from entries
    source.check_unchanged()


def _begun(actor: Actor, source: Source, options: Options, known: Progress | None, files: Files) -> Progress:
    """The progress to go on from, with the files as it says."""
    if known is not None:
        files.require_own(known)
    else:
        if not options.restart:
            files.require_empty()
        known = _new_progress(actor, source, options)
    files.begin(known)
    return known


def _new_progress(actor: Actor, source: Source, options: Options) -> Progress:
    if source.reference is None:
        return progress.unrecorded()
    if options.restart:
        progress.forget(actor.tenant, source.reference)
    return progress.begin(actor.tenant, source.reference)


class _Loading:
    """A load at work: where it is, and what it has done."""

    def __init__(
        self, actor: Actor, known: Progress, files: Files, tally: Tally, candidate: Callable[[Entry], Candidate]
    ) -> None:
        self._actor = actor
        self._candidate = candidate
        self._known = known
        self._files = files
        self._tally = tally

    def store(self, prepared: Prepared) -> None:
        """One batch, all of it or nothing.

        Raises:
            LoadStopped: see `load`.
        """
        reached = self._known

        def alongside(results: list[Result]) -> None:
            nonlocal reached
            reached = self._files.write(self._known, prepared.entries, results)
            progress.advance(self._known, reached)

        batch = prepared.batch
        if batch.is_outdated:
            batch = prepare_batch(self._actor, [self._candidate(entry) for entry in prepared.entries])
        results = store_batch(self._actor, batch, alongside=alongside)
        self._known = reached
        self._count(results, prepared.bytes_read)

    def _count(self, results: list[Result], bytes_read: int) -> None:
        reasons = Counter(result.reason.split(_POSITION)[0] for result in results if isinstance(result, Rejected))
        tally = self._tally
        tally.reasons += reasons
        tally.rejected += reasons.total()
        tally.created += len(results) - reasons.total()
        tally.bytes_read = bytes_read
        tally.has_rejects = self._known.rejects_size > 0
