"""What is loaded: a file, known by its content, or standard input, known by a name that the operator gives."""

from __future__ import annotations

import hashlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.keyring import Purpose

from .errors import LoadRefused, LoadStopped
from .formats import FORMATS

__all__ = ["STANDARD_INPUT", "Source", "open_source"]

STANDARD_INPUT = "-"
_CHUNK = 1 << 20
_ENDINGS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv"}


@dataclass(frozen=True, slots=True)
class Source:
    """An open input. `reference` is its keyed hash, None where it can't be recognised another time.

    `size` is None where it isn't known beforehand.
    """

    stream: BinaryIO
    label: str
    format: str
    reference: bytes | None
    size: int | None
    stamp: tuple[int, int] | None

    def close(self) -> None:
        """Standard input stays open: a thread may be waiting for it, and closing would wait for the thread."""
        if self.size is not None:
            self.stream.close()

    def check_unchanged(self) -> None:
        """
        Raises:
            LoadStopped: somebody wrote to the file since it was opened, so that its hash tells nothing.
        """
        if self.stamp is not None and _stamp(self.stream) != self.stamp:
            raise LoadStopped(
                f"{self.label} was changed while it was being loaded; what was read so far is stored. Load it again "
                "once it is complete: people with a unique identity are not stored twice"
            )


def open_source(file: str, *, format_name: str | None, name: str | None, tenant: int) -> Source:
    """
    Raises:
        LoadRefused: the file can't be read, or its format can't be told.
    """
    if file == STANDARD_INPUT:
        chosen = format_name or "jsonl"
        # An object of its own: one that the interpreter shares would be closed at exit under a thread that reads it.
        stream = open(0, "rb", buffering=_CHUNK, closefd=False)  # noqa: SIM115 - a descriptor, the caller closes
        reference = None if name is None else _reference(tenant, b"name", name.encode(), chosen)
        return Source(stream, "standard input", chosen, reference, None, None)
    if name is not None:
        raise LoadRefused("--name is for standard input; a file is recognised by its content")
    chosen = format_name or _ENDINGS.get(Path(file).suffix.lower()) or ""
    if chosen not in FORMATS:
        raise LoadRefused("the ending of the file does not tell its format: add --format jsonl or --format csv")
    return _open_file(file, chosen, tenant)


def _open_file(file: str, chosen: str, tenant: int) -> Source:
    try:
        stream = open(file, "rb", buffering=_CHUNK, opener=_opener)  # noqa: SIM115 - the caller closes
    except OSError as error:
        raise LoadRefused(f"{file} can't be read: {error.strerror}") from None
    try:
        return _recognised(stream, file, chosen, tenant)
    except OSError as error:
        stream.close()
        raise LoadRefused(f"{file} can't be read: {error.strerror}") from None
    except BaseException:
        stream.close()
        raise


def _opener(path: str, flags: int) -> int:
    """Without blocking, or a pipe that nobody writes to would never open."""
    return os.open(path, flags | os.O_NONBLOCK)


def _recognised(stream: BinaryIO, file: str, chosen: str, tenant: int) -> Source:
    if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
        raise LoadRefused(f"{file} is not a plain file; pipes are loaded with `load -`")
    stamp = _stamp(stream)
    reference = _reference(tenant, b"content", _content_hash(stream), chosen)
    return Source(stream, file, chosen, reference, stamp[0], stamp)


def _stamp(stream: BinaryIO) -> tuple[int, int]:
    status = os.fstat(stream.fileno())
    return status.st_size, status.st_mtime_ns


def _content_hash(stream: BinaryIO) -> bytes:
    """Of the whole content; leaves the stream at its beginning."""
    found = hashlib.blake2b(digest_size=32)
    while part := stream.read(_CHUNK):
        found.update(part)
    stream.seek(0)
    return found.digest()


def _reference(tenant: int, kind: bytes, what: bytes, format_name: str) -> bytes:
    """Keyed, so that nobody can confirm from the database that a certain file was loaded."""
    root = store.current_keyring().secret(Purpose.REFERENCE)
    key = hashing.derive_key(root, b"load", tenant.to_bytes(4, "big"))
    return hashing.digest(pack([kind, what, format_name.encode()]), key=key)
