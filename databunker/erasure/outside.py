"""The journal outside of the database: ERASURE_JOURNAL_FILE, which every host may write.

The file is made from the table, never from what a process remembers: whatever stopped a writer, the next one goes on
behind the last whole line. So each entry is in the file at least once and never twice, and a file that was lost is
made anew, whole.
"""

from __future__ import annotations

import fcntl
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from django.conf import settings

from . import entries, journal
from .entries import Entry
from .errors import JournalError

__all__ = ["FileState", "check_file", "file_state", "flush", "flush_soon"]

_log = logging.getLogger("databunker.erasure")
_LINES_A_WRITE = 1_000
_TAIL = 8192


def _path() -> Path | None:
    return Path(settings.ERASURE_JOURNAL_FILE) if settings.ERASURE_JOURNAL_FILE else None


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file, made where it isn't there, with nobody else writing to it on any host.

    Raises:
        JournalError: it can't be written.
    """
    try:
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise JournalError(f"ERASURE_JOURNAL_FILE can't be written: {error.strerror}") from None
    try:
        if is_new:
            _sync_folder(path.parent)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _last_entry(descriptor: int, *, repair: bool) -> Entry | None:
    """The last entry of the file. A line that a crash has cut is passed over or, with `repair`, taken off.

    Raises:
        JournalError: the file is no journal of this vault's.
    """
    size = os.fstat(descriptor).st_size
    if not size:
        return None
    first, complete, _ = os.pread(descriptor, _TAIL, 0).partition(b"\n")
    if complete:
        entries.parse_line(first, number=1)
    elif not _begins_a_line(first):
        raise JournalError("ERASURE_JOURNAL_FILE is not an erasure journal")
    tail = os.pread(descriptor, _TAIL, max(size - _TAIL, 0))
    whole = tail.rfind(b"\n") + 1
    if not _begins_a_line(tail[whole:]):
        raise JournalError("the last line of ERASURE_JOURNAL_FILE was changed")
    if whole < len(tail) and repair:
        os.ftruncate(descriptor, size - len(tail) + whole)
    lines = tail[:whole].splitlines()
    return entries.parse_line(lines[-1], number=2) if lines else None


def _begins_a_line(text: bytes) -> bool:
    """Whether it may be the beginning of a line of ours, or nothing: so nobody else's file is ever cut."""
    return any(text.startswith(mark) or mark.startswith(text) for mark in (b'{"sequence":', b'{"format":"databunker'))


def flush() -> int:
    """Append to ERASURE_JOURNAL_FILE what it lacks, and have it on the disk; how many entries that were.

    Raises:
        JournalError: it can't be written, or belongs to another vault, or to another life of this one.
        DatabaseError: the database is away.
    """
    path = _path()
    if path is None:
        return 0
    with _opened(path) as descriptor:
        last = _last_entry(descriptor, repair=True)
        if last is not None:
            journal.require_known(last)
        return _append(descriptor, last)


def _append(descriptor: int, last: Entry | None) -> int:
    new = journal.entries_after(last.sequence if last else 0)
    text = b"" if os.fstat(descriptor).st_size else entries.header_line()
    written = 0
    while batch := list(islice(new, _LINES_A_WRITE)):
        _write(descriptor, text + b"".join(map(entries.as_line, batch)))
        text = b""
        written += len(batch)
    if text:
        _write(descriptor, text)
    if written or text:
        os.fsync(descriptor)
    return written


def _write(descriptor: int, text: bytes) -> None:
    try:
        while text:
            text = text[os.write(descriptor, text) :]
    except OSError as error:
        raise JournalError(f"ERASURE_JOURNAL_FILE can't be written: {error.strerror}") from None


def flush_soon() -> None:
    """Right after a forgetting was committed. What fails is logged, and done again by maintenance."""
    try:
        flush()
    except Exception as error:  # noqa: BLE001 - the forgetting is done, and the table has its entry
        _log.error("the erasure journal could not be written", extra={"error": type(error).__name__})


def check_file() -> None:
    """At start: the file can be written, and knows of nothing that this database doesn't.

    Raises:
        JournalError: see `flush`.
    """
    flush()


class FileState(NamedTuple):
    """How many entries are in the file, by the number of its last one, and how many are not."""

    last: int
    missing: int


def file_state() -> FileState | None:
    """None where ERASURE_JOURNAL_FILE is unset. Changes nothing.

    Raises:
        JournalError: see `flush`.
    """
    path = _path()
    if path is None:
        return None
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return FileState(0, journal.head().sequence)
    except OSError as error:
        raise JournalError(f"ERASURE_JOURNAL_FILE can't be read: {error.strerror}") from None
    try:
        last = _last_entry(descriptor, repair=False)
    finally:
        os.close(descriptor)
    if last is not None:
        journal.require_known(last)
    end = last.sequence if last else 0
    return FileState(end, journal.head().sequence - end)
