"""How far the load of one input got, kept in the database and moved on in the transaction of each batch."""

from __future__ import annotations

import secrets
from typing import NamedTuple

from django.db import IntegrityError

from databunker.crypto import hashing, store
from databunker.crypto.encoding import pack
from databunker.crypto.keyring import Purpose
from databunker.db.statements import atomically

from ..models import LoadProgress
from .errors import LoadStopped

__all__ = ["Progress", "advance", "begin", "find", "forget", "unrecorded"]

_COUNTERS = ("position", "created_records", "rejected_records", "rejects_size", "tokens_size")
_ANOTHER = "another load of this input is at work; this one has stored nothing more"


class Progress(NamedTuple):
    """The row, as last committed. `tag` marks each line that this load writes to a file as its own."""

    row: int | None
    tag: str
    position: int = 0
    created_records: int = 0
    rejected_records: int = 0
    rejects_size: int = 0
    tokens_size: int = 0


def find(tenant: int, source: bytes) -> Progress | None:
    row = LoadProgress.objects.filter(tenant=tenant, source=source).values_list("id", *_COUNTERS).first()
    return None if row is None else Progress(row[0], _tag(tenant, source, row[0]), *row[1:])


def begin(tenant: int, source: bytes) -> Progress:
    """
    Raises:
        LoadStopped: another load of this input began just now.
    """
    try:
        with atomically():
            row = LoadProgress.objects.create(tenant=tenant, source=source)
    except IntegrityError:
        raise LoadStopped(_ANOTHER) from None
    return Progress(row.pk, _tag(tenant, source, row.pk))


def unrecorded() -> Progress:
    """For an input that can't be recognised another time."""
    return Progress(None, secrets.token_hex(8))


def forget(tenant: int, source: bytes) -> None:
    """A load of this input that is at work stops at its next batch: it moves on its own row or none."""
    LoadProgress.objects.filter(tenant=tenant, source=source).delete()


def advance(known: Progress, reached: Progress) -> None:
    """Move on from `known` to `reached`, in the caller's transaction.

    Raises:
        LoadStopped: the row is not at `known` any more, as another load of this input moved it.
    """
    if known.row is None:
        return
    changes = {name: getattr(reached, name) for name in _COUNTERS}
    if not LoadProgress.objects.filter(id=known.row, position=known.position).update(**changes):
        raise LoadStopped(_ANOTHER)


def _tag(tenant: int, source: bytes, row: int) -> str:
    """16 hex digits, others for each start of each input in each vault."""
    root = store.current_keyring().secret(Purpose.REFERENCE)
    key = hashing.derive_key(root, b"load tag", tenant.to_bytes(4, "big"))
    return hashing.digest(pack([source, row.to_bytes(8, "big")]), key=key).hex()[:16]
