"""Files of commands: written as a whole or not at all, readable by their owner only."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from django.core.management.base import CommandError

__all__ = ["STANDARD", "output", "reading", "stopping_cleanly"]

STANDARD = "-"


@contextmanager
def output(name: str) -> Iterator[BinaryIO]:
    """The file to write to; under its name only when the block has ended well. `-` is standard output.

    Raises:
        CommandError: it can't be written.
    """
    if name == STANDARD:
        if sys.stdout.isatty():
            raise CommandError("standard output is a terminal: name a file, or send it on to another program")
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    path = Path(name)
    if path.exists() and not path.is_file():
        raise CommandError(f"{path} is no file: name one, or - for standard output")
    try:
        descriptor, partial = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".partial", dir=path.parent)  # mode 0600
    except OSError as error:
        raise CommandError(f"{path} can't be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        Path(partial).replace(path)
        _sync(path.parent)
    except BaseException:
        Path(partial).unlink(missing_ok=True)
        raise


def _sync(folder: Path) -> None:
    """So that the new name too survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def reading(name: str) -> Iterator[tuple[BinaryIO, int | None]]:
    """The file and, where it is known, its size. `-` is standard input.

    Raises:
        OSError: it can't be read.
    """
    if name == STANDARD:
        yield sys.stdin.buffer, None
        return
    with Path(name).open("rb") as file:
        yield file, os.fstat(file.fileno()).st_size or None


@contextmanager
def stopping_cleanly() -> Iterator[None]:
    """SIGTERM ends the block as Ctrl-C does: what was begun is undone."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise SystemExit(128 + number)

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    except KeyboardInterrupt:
        raise SystemExit(128 + signal.SIGINT) from None
    finally:
        signal.signal(signal.SIGTERM, before)
