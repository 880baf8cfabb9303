"""Parsing and cryptography of the next batches, while this one is stored.

A thread reads the input, a process prepares batches, and the caller's thread stores them: sealing and the making of
statements are both work for the interpreter, whose lock lets one thread at a time have it.
"""

from __future__ import annotations

import ctypes
import multiprocessing
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, wait
from types import TracebackType
from typing import NamedTuple, Self

from databunker.access.actor import Actor
from databunker.db.statements import leave_to_parent

from ..actions import Batch, prepare_batch
from .formats import Entry, Format

__all__ = ["Prepared", "Preparer"]

# So many bytes of input make a batch even when the records are fewer: a batch is held in memory as a whole.
_BATCH_BYTES = 8 << 20
_AHEAD = 2
_POLL_SECONDS = 0.2
_PR_SET_PDEATHSIG = 1


class Prepared(NamedTuple):
    """A batch that only needs storing. `bytes_read` is how far in the input it reaches."""

    entries: list[Entry]
    batch: Batch
    bytes_read: int


class _Pending(NamedTuple):
    entries: list[Entry]
    batch: Future[Batch]
    bytes_read: int


def _batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    taken: list[Entry] = []
    weight = 0
    for entry in entries:
        taken.append(entry)
        weight += len(entry.raw or b"")
        if len(taken) == size or weight >= _BATCH_BYTES:
            yield taken
            taken, weight = [], 0
    if taken:
        yield taken


class _Work(NamedTuple):
    actor: Actor
    format: Format


_work: _Work | None = None


def _begin(work: _Work) -> None:
    """In the new process, which ends with its parent, and not before it when the terminal says Ctrl-C to both."""
    global _work  # noqa: PLW0603 - what a process of this kind is for
    _work = work
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    leave_to_parent()


def _prepare(entries: list[Entry]) -> Batch:
    """
    Raises:
        AccessDenied, KeyringError: see `prepare_batch`.
    """
    assert _work is not None  # noqa: S101 - `_begin` has run
    return prepare_batch(_work.actor, [_work.format.candidate(entry) for entry in entries])


class Preparer:
    """Prepares batches of at most `size` records, a few ahead of the caller. `finished` once all were handed out.

    `format_` must have read what all entries share, such as a header, before the block is entered.
    """

    def __init__(
        self, actor: Actor, entries: Iterator[Entry], format_: Format, *, size: int, bytes_read: Callable[[], int]
    ) -> None:
        self._batches = _batches(entries, size)
        self._bytes_read = bytes_read
        # Forked, so that it has the keys and the settings as they are here.
        context = multiprocessing.get_context("fork")
        self._process = ProcessPoolExecutor(1, context, _begin, (_Work(actor, format_),))
        self._ready: queue.Queue[_Pending | BaseException | None] = queue.Queue(maxsize=_AHEAD)
        self._closed = threading.Event()
        self.finished = False
        # A daemon, as it may wait for standard input when the process wants to end.
        self._thread = threading.Thread(target=self._run, name="load-reader", daemon=True)

    def __enter__(self) -> Self:
        self._process.submit(_prepare, []).result()  # forks here, before there is another thread
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join(timeout=_POLL_SECONDS * 10)
        self._process.shutdown(wait=True, cancel_futures=True)

    def batches(self, *, stopped: Callable[[], bool]) -> Iterator[Prepared]:
        """In the order of the input, until its end or until `stopped` says so.

        Raises:
            Exception: whatever stopped the work.
        """
        while not stopped():
            try:
                pending = self._ready.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if pending is None:
                self.finished = True
                return
            if isinstance(pending, BaseException):
                raise pending
            while not pending.batch.done() and not stopped():
                wait([pending.batch], timeout=_POLL_SECONDS)
            if pending.batch.done():
                yield Prepared(pending.entries, pending.batch.result(), pending.bytes_read)

    def _run(self) -> None:
        try:
            for entries in self._batches:
                if self._closed.is_set():
                    return
                self._put(_Pending(entries, self._process.submit(_prepare, entries), self._bytes_read()))
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the batches are waited for
            self._put(error)

    def _put(self, item: _Pending | BaseException | None) -> None:
        while not self._closed.is_set():
            try:
                self._ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
