"""Load an input: each batch goes in with the progress and the files that tell of it, or not at all."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from django.conf import settings

from databunker.access.actor import Actor

from ..actions import Rejected, Result, store_batch
from . import progress
from .errors import LoadRefused, LoadStopped
from .formats import FORMATS, Entry, Format
from .lines import LineReader
from .outputs import OutputFile, reject_line, token_line
from .pipeline import Prepared, Preparer, prepare
from .progress import Progress
from .source import Source

__all__ = ["Options", "Tally", "load"]

# Reasons that name a position are one reason.
_POSITION = " at byte "


@dataclass(frozen=True, slots=True)
class Options:
    rejects: Path
    tokens: Path | None
    batch: int
    restart: bool


@dataclass(slots=True)
class Tally:
    """What this run did, batch by batch. `skipped` records were stored or rejected by earlier runs."""

    skipped: int = 0
    created: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    bytes_read: int = 0
    complete: bool = False
    recorded: bool = True
    has_rejects: bool = False

    @property
    def read(self) -> int:
        return self.created + self.rejected


def load(
    actor: Actor,
    source: Source,
    options: Options,
    *,
    tell: Callable[[Tally], None] = lambda tally: None,
    stopped: Callable[[], bool] = lambda: False,
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
    """
    known = _known_progress(actor, source, options)
    lines = LineReader(source.stream, limit=settings.MAX_BODY_BYTES)
    format_ = FORMATS[source.format](lines, limit=settings.MAX_BODY_BYTES)
    entries = format_.entries()
    tally = Tally(skipped=known.position if known else 0, recorded=source.reference is not None)
    _skip(entries, tally.skipped)
    first = next(entries, None)
    if first is None:
        tally.complete, tally.has_rejects = True, bool(known and known.rejects_size)
        return tally
    with ExitStack() as opened:
        rejects = opened.enter_context(_Writing(options.rejects, "--rejects", source)).file
        tokens = opened.enter_context(_Writing(options.tokens, "--tokens", source)).file if options.tokens else None
        loading = _Loading(actor, _started(actor, source, options, known, rejects, tokens), rejects, tokens, tally)
        work = prepare(
            actor, _checked(chain([first], entries), source), format_,
            size=options.batch, bytes_read=lambda: lines.bytes_read,
        )  # fmt: skip
        _run(loading, work, tell=tell, stopped=stopped)
    return tally


def _run(
    loading: _Loading, work: Iterator[Prepared], *, tell: Callable[[Tally], None], stopped: Callable[[], bool]
) -> None:
    with Preparer(work) as preparer:
        for prepared in preparer.batches(stopped=stopped):
            loading.store(prepared)
            tell(loading.tally)
    loading.tally.complete = not stopped()


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


class _Writing(ExitStack):
    """An output file of this run, closed at its end."""

    def __init__(self, path: Path, option: str, source: Source) -> None:
        super().__init__()
        self.file = OutputFile(path, option=option)
        self.callback(self.file.close)
        if self.file.is_same_as(source.stream.fileno()):
            self.close()
            raise LoadRefused(f"{option} is the input itself")


def _started(
    actor: Actor,
    source: Source,
    options: Options,
    known: Progress | None,
    rejects: OutputFile,
    tokens: OutputFile | None,
) -> Progress:
    """The progress to go on from, with the files as it says."""
    if tokens is not None and tokens.is_same_as(rejects.fileno()):
        raise LoadRefused("--rejects and --tokens must be two files")
    if known is None:
        for file in (rejects, tokens):
            if file is not None and not options.restart:
                file.require_empty()
        known = _new_progress(actor, source, options)
    else:
        _check_files(known, rejects, tokens)
    rejects.begin(known.rejects_size)
    if tokens is not None:
        tokens.begin(known.tokens_size)
    return known


def _new_progress(actor: Actor, source: Source, options: Options) -> Progress:
    if source.reference is None:
        return progress.unrecorded()
    if options.restart:
        progress.forget(actor.tenant, source.reference)
    return progress.begin(actor.tenant, source.reference)


def _check_files(known: Progress, rejects: OutputFile, tokens: OutputFile | None) -> None:
    if tokens is None and known.tokens_size:
        raise LoadRefused("the earlier run of this input wrote a file of tokens: name it with --tokens")
    if tokens is not None and known.created_records and not known.tokens_size:
        raise LoadRefused(
            f"the earlier run of this input stored {known.created_records:,} people without --tokens: go on without it"
        )
    rejects.require_own(known.tag, known.rejects_size)
    if tokens is not None:
        tokens.require_own(known.tag, known.tokens_size)


class _Loading:
    """A load at work: where it is, and the files that it writes."""

    def __init__(
        self, actor: Actor, known: Progress, rejects: OutputFile, tokens: OutputFile | None, tally: Tally
    ) -> None:
        self._actor = actor
        self._known = known
        self._rejects = rejects
        self._tokens = tokens
        self.tally = tally

    def store(self, prepared: Prepared) -> None:
        """One batch, all of it or nothing.

        Raises:
            LoadStopped: see `load`.
        """
        reached = self._known

        def alongside(results: list[Result]) -> None:
            nonlocal reached
            reached = self._written(prepared, results)
            progress.advance(self._known, reached)

        results = store_batch(self._actor, prepared.batch, alongside=alongside)
        self._known = reached
        self._count(results, prepared.bytes_read)

    def _written(self, prepared: Prepared, results: list[Result]) -> Progress:
        """The files hold the batch durably; where they and the input are now."""
        tag, known = self._known.tag, self._known
        pairs = list(zip(prepared.entries, results, strict=True))
        rejects = [reject_line(tag, entry, to.reason) for entry, to in pairs if isinstance(to, Rejected)]
        tokens_size = known.tokens_size
        if self._tokens is not None:
            tokens = [token_line(tag, entry, to.token) for entry, to in pairs if not isinstance(to, Rejected)]
            tokens_size = self._tokens.put(tokens_size, b"".join(tokens))
        return known._replace(
            position=known.position + len(results),
            created_records=known.created_records + len(results) - len(rejects),
            rejected_records=known.rejected_records + len(rejects),
            rejects_size=self._rejects.put(known.rejects_size, b"".join(rejects)),
            tokens_size=tokens_size,
        )

    def _count(self, results: list[Result], bytes_read: int) -> None:
        reasons = Counter(
            result.reason.split(_POSITION)[0] for result in results if isinstance(result, Rejected)
        )
        self.tally.reasons += reasons
        self.tally.rejected += reasons.total()
        self.tally.created += len(results) - reasons.total()
        self.tally.bytes_read = bytes_read
        self.tally.has_rejects = self._known.rejects_size > 0
