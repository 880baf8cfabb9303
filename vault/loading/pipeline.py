"""Parsing and cryptography of the next batches, while the database is busy with this one.

One thread prepares and the caller's stores. That is enough to keep both cores of a small machine busy: while the
driver waits for the database, and within each call of libsodium, the interpreter is free for the other thread.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from types import TracebackType
from typing import NamedTuple, Self

from django.db import connections

from databunker.access.actor import Actor

from ..actions import Batch, prepare_batch
from .formats import Entry, Format

__all__ = ["Prepared", "Preparer", "prepare"]

# So many bytes of input make a batch even when the records are fewer: a batch is held in memory as a whole.
_BATCH_BYTES = 8 << 20
_AHEAD = 2
_POLL_SECONDS = 0.2


class Prepared(NamedTuple):
    """A batch that only needs storing. `bytes_read` is how far in the input it reaches."""

    entries: list[Entry]
    batch: Batch
    bytes_read: int


def prepare(
    actor: Actor, entries: Iterable[Entry], format_: Format, *, size: int, bytes_read: Callable[[], int]
) -> Iterator[Prepared]:
    """Batches of at most `size` records.

    Raises:
        AccessDenied, KeyringError: see `prepare_batch`.
    """
    for taken in _batches(entries, size):
        yield Prepared(taken, prepare_batch(actor, [format_.candidate(entry) for entry in taken]), bytes_read())


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


class Preparer:
    """Runs `work` in a thread of its own, a few batches ahead of the caller. `finished` once all was handed out."""

    def __init__(self, work: Iterator[Prepared]) -> None:
        self._work = work
        self._ready: queue.Queue[Prepared | BaseException | None] = queue.Queue(maxsize=_AHEAD)
        self._closed = threading.Event()
        self.finished = False
        # A daemon, as it may wait for standard input when the process wants to end.
        self._thread = threading.Thread(target=self._run, name="load-preparer", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._thread.join(timeout=_POLL_SECONDS * 10)

    def batches(self, *, stopped: Callable[[], bool]) -> Iterator[Prepared]:
        """In the order of the input, until its end or until `stopped` says so.

        Raises:
            Exception: whatever stopped the work.
        """
        while not stopped():
            try:
                prepared = self._ready.get(timeout=_POLL_SECONDS)
            except queue.Empty:
                continue
            if prepared is None:
                self.finished = True
                return
            if isinstance(prepared, BaseException):
                raise prepared
            yield prepared

    def _run(self) -> None:
        try:
            for prepared in self._work:
                self._put(prepared)
                if self._closed.is_set():
                    return
            self._put(None)
        except BaseException as error:  # noqa: BLE001 - raised again where the batches are waited for
            self._put(error)
        finally:
            # The keyring is read again now and then, on a connection of this thread.
            connections.close_all()

    def _put(self, item: Prepared | BaseException | None) -> None:
        while not self._closed.is_set():
            try:
                self._ready.put(item, timeout=_POLL_SECONDS)
            except queue.Full:
                continue
            return
