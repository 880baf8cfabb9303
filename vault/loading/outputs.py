"""The files that a load writes: rejected records and tokens, as JSON Lines that only their owner may read.

Every line begins with the tag of its load. The committed progress says how long each file is; what a killed
load wrote beyond that belongs to a batch that was never stored, and is cut off.
"""

from __future__ import annotations

import base64
import errno
import fcntl
import os
import stat
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self
from uuid import UUID

import orjson

from .errors import LoadRefused, LoadStopped
from .formats import Entry

__all__ = ["OutputFile", "reject_line", "token_line"]

_PRIVATE = 0o600


def token_line(tag: str, entry: Entry, token: UUID) -> bytes:
    return b'{"load":"%s","line":%d,"token":"%s"}\n' % (tag.encode(), entry.line, str(token).encode())


def reject_line(tag: str, entry: Entry, reason: str) -> bytes:
    """`record` is the record as it stood in the input, null where it is too long or no UTF-8 (then base64 beside)."""
    line: dict[str, Any] = {"load": tag, "line": entry.line, "reason": reason, "record": None}
    if entry.raw is not None:
        try:
            line["record"] = entry.raw.decode()
        except UnicodeDecodeError:
            line["record_base64"] = base64.b64encode(entry.raw).decode()
    return orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE)


class HasFileno(Protocol):
    def fileno(self) -> int: ...


class OutputFile:
    """An open file that no other load writes to while this one lives."""

    def __init__(self, path: Path, *, option: str) -> None:
        """
        Raises:
            LoadRefused: it can't be opened, is no plain file, or another load writes to it.
        """
        self.path = path
        self._option = option
        self._descriptor = self._open()
        try:
            self._lock()
        except BaseException:
            os.close(self._descriptor)
            raise

    def _open(self) -> int:
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            return os.open(self.path, flags, _PRIVATE)
        except OSError as error:
            why = "is a symbolic link" if error.errno == errno.ELOOP else f"can't be written: {error.strerror}"
            raise LoadRefused(f"{self._option}: {self.path} {why}") from None

    def _lock(self) -> None:
        if not stat.S_ISREG(os.fstat(self._descriptor).st_mode):
            raise LoadRefused(f"{self._option}: {self.path} is not a plain file")
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A load that just ended may have removed the file in between.
            replaced = not os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except OSError:
            replaced = True
        if replaced:
            raise LoadRefused(f"{self._option}: another load is writing to {self.path}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def is_same_as(self, other: HasFileno) -> bool:
        return os.path.sameopenfile(self._descriptor, other.fileno())

    def fileno(self) -> int:
        return self._descriptor

    def require_empty(self) -> None:
        """
        Raises:
            LoadRefused: something stands in the file, and it is not of an earlier run of this input.
        """
        if self._size():
            raise LoadRefused(
                f"{self._option}: {self.path} exists already and is not of an earlier run of this input. Move it away, "
                f"name another with {self._option}, or start over with --restart, which overwrites it"
            )

    def require_own(self, tag: str, size: int) -> None:
        """
        Raises:
            LoadRefused: it is not the file whose first `size` bytes an earlier run of this load wrote.
        """
        start = b'{"load":"%s",' % tag.encode()
        found = os.pread(self._descriptor, len(start), 0)
        if self._size() < size or not start.startswith(found):
            raise LoadRefused(
                f"{self._option}: {self.path} is not the file that the earlier run of this input wrote. Put that one "
                f"back, name it with {self._option}, or start over with --restart"
            )

    def begin(self, size: int) -> None:
        """From now on the file is private and `size` bytes long; its name survives a power cut."""
        os.fchmod(self._descriptor, _PRIVATE)
        os.ftruncate(self._descriptor, size)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def put(self, size: int, lines: bytes) -> int:
        """Write `lines` behind the first `size` bytes, durably, and nothing after them. The new size.

        Done again for the same batch it has the same effect, as a transaction may be tried more than once.

        Raises:
            LoadStopped: it can't be written.
        """
        if not lines:
            return size
        try:
            os.ftruncate(self._descriptor, size)
            rest, at = memoryview(lines), size
            while rest:
                written = os.pwrite(self._descriptor, rest, at)
                rest, at = rest[written:], at + written
            os.fsync(self._descriptor)
        except OSError as error:
            raise LoadStopped(f"{self.path} can't be written: {error.strerror}") from None
        return at

    def close(self) -> None:
        """An empty file is removed: it would tell nothing."""
        if not self._size():
            self.path.unlink(missing_ok=True)
        os.close(self._descriptor)

    def _size(self) -> int:
        return os.fstat(self._descriptor).st_size
