"""Heads outside of the database, so that a database that was rolled back as a whole is found out.

Each new head is posted to AUDIT_WITNESS_URL through the outbox, and appended to AUDIT_WITNESS_FILE. The file is made
from the table: whatever stopped a writer, the next one goes on behind the last whole line.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson
from django.conf import settings

from databunker.db.planning import of_tenant
from databunker.db.statements import execute
from databunker.errors import VaultError
from databunker.notify import jobs, webhooks
from databunker.notify.errors import NotConfigured
from databunker.notify.kinds import Delivery
from databunker.notify.models import Job, JobState

from . import models, trees
from .trees import Head, Tree

__all__ = ["KIND", "RolledBack", "WitnessError", "announce", "deliver", "flush", "line_of"]

KIND = "witness"
_TAIL = 1 << 16
_LINES_A_WRITE = 1000
_BEGINS = b'{"action":"audithead"'


class WitnessError(VaultError):
    """AUDIT_WITNESS_FILE can't be written, or is no such file."""

    code = "witness"


class RolledBack(WitnessError):
    """The file holds a head that this database doesn't: it was rolled back, or restored from a backup."""


def line_of(tree: Tree, head: Head) -> bytes:
    """What is told of a head: the body of the webhook, and a line of the file."""
    told = {"action": "audithead", "origin": tree.origin, "size": head.size, "root": head.root.hex()}
    return orjson.dumps({**told, "note": head.note(tree)})


def announce(tree: Tree, head: Head) -> None:
    """Have the head posted, once the caller's transaction is committed; one that still waits is replaced by it."""
    if not settings.AUDIT_WITNESS_URL:
        return
    of_tenant(Job.objects.filter(kind=KIND, state=JobState.DUE), tree.tenant).delete()
    execute(*jobs.insert(jobs.build(tree.tenant, kind=KIND, topic=KIND, payload=line_of(tree, head))).statement())


def deliver(delivery: Delivery) -> None:
    """
    Raises:
        NotConfigured: AUDIT_WITNESS_URL was unset meanwhile.
        OSError, OutgoingError, HTTPException: see `outgoing.send`.
    """
    if not settings.AUDIT_WITNESS_URL:
        raise NotConfigured
    webhooks.post(settings.AUDIT_WITNESS_URL, delivery)


# --- the file --------------------------------------------------------------------------------------------------------


def flush() -> int:
    """Append to AUDIT_WITNESS_FILE the heads that it lacks, and have them on the disk; how many these were.

    Raises:
        RolledBack: it holds a head that is not this database's. It is left as it is.
        WitnessError: it can't be written.
        DatabaseError: the database is away.
    """
    if not settings.AUDIT_WITNESS_FILE:
        return 0
    written = 0
    with _opened(Path(settings.AUDIT_WITNESS_FILE)) as descriptor:
        last = _last_heads(descriptor)
        known = trees.all_trees()
        for tree in known:
            written += _append(descriptor, tree, last.pop(tree.origin, None))
        if last:
            raise RolledBack(f"AUDIT_WITNESS_FILE holds heads of the tree {min(last)}, which is not in this database")
        if written:
            os.fsync(descriptor)
    return written


@contextmanager
def _opened(path: Path) -> Iterator[int]:
    """The file, made where it isn't there, with nobody else writing to it."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    except OSError as error:
        raise WitnessError(f"AUDIT_WITNESS_FILE can't be written: {error.strerror}") from None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield descriptor
    finally:
        os.close(descriptor)


# How far this process has read which file, and what it found there.
_known: tuple[tuple[int, int], int, dict[str, tuple[int, str]]] = ((0, 0), 0, {})


def _last_heads(descriptor: int) -> dict[str, tuple[int, str]]:
    """Size and root of the last head of each tree in the file. A line that a crash has cut is taken off.

    Raises:
        WitnessError: it is another file.
    """
    global _known  # noqa: PLW0603 - a file that only grows is not read from its beginning each time
    state = os.fstat(descriptor)
    which, whole, last = _known
    if which != (state.st_dev, state.st_ino) or whole > state.st_size:
        whole, last = 0, {}
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(whole)
        for line in file:
            if not line.startswith(_BEGINS[: len(line)]):
                raise WitnessError("AUDIT_WITNESS_FILE holds something else than heads")
            if not line.endswith(b"\n"):
                break
            whole += len(line)
            told = orjson.loads(line)
            last = {**last, told["origin"]: (told["size"], told["root"])}
    if whole < state.st_size:
        os.ftruncate(descriptor, whole)
    _known = ((state.st_dev, state.st_ino), whole, last)
    return dict(last)


def _append(descriptor: int, tree: Tree, last: tuple[int, str] | None) -> int:
    """
    Raises:
        RolledBack: the tree has no head of this size and root.
    """
    size = 0
    if last is not None:
        size, root = last
        known = trees.head_at(tree.tenant, size)
        if known is None or known.root.hex() != root:
            raise RolledBack(
                f"AUDIT_WITNESS_FILE holds a head of size {size} that is not in this database: it was rolled back, or "
                "restored. Keep the file, and name another one"
            )
    heads = models.Head.objects.filter(tenant=tree.tenant, size__gt=size).order_by("size")
    written = 0
    text = b""
    for row in heads.values_list(*Head._fields).iterator(chunk_size=_LINES_A_WRITE):
        text += line_of(tree, Head(row[0], bytes(row[1]), row[2], bytes(row[3]))) + b"\n"
        written += 1
        if len(text) >= _TAIL:
            _write(descriptor, text)
            text = b""
    _write(descriptor, text)
    return written


def _write(descriptor: int, text: bytes) -> None:
    try:
        while text:
            text = text[os.write(descriptor, text) :]
    except OSError as error:
        raise WitnessError(f"AUDIT_WITNESS_FILE can't be written: {error.strerror}") from None
