"""Where an import is, kept in the database and moved on in the transaction of each batch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

import orjson
from django.db import IntegrityError

from databunker.crypto import hashing, store
from databunker.crypto.keyring import Purpose
from databunker.db.statements import atomically

from ..models import ImportProgress, state_place
from .errors import ImportStopped

__all__ = ["Counts", "Progress", "StageState", "advance", "begin", "find", "source_of"]

_ANOTHER = "another import of this Databunker is at work; this one has stored nothing more"


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of the rows of one table."""

    read: int = 0
    stored: int = 0
    present: int = 0
    skipped: int = 0
    refused: int = 0
    remarks: int = 0

    def plus(self, other: Counts) -> Counts:
        sums = {name: number + getattr(other, name) for name, number in asdict(self).items()}
        return Counts(**sums)


@dataclass(frozen=True, slots=True)
class StageState:
    """`cursor` holds the order values of the last row that was dealt with, None before the first."""

    cursor: list[Any] | None = None
    done: bool = False
    counts: Counts = field(default_factory=Counts)


class Progress(NamedTuple):
    """The row, as last committed. `tag` marks each line that this pass of the import writes to its report."""

    row: int
    source: bytes
    tag: str
    step: int
    report_size: int
    passes: int
    stages: dict[str, StageState]

    def moved(self, name: str, stage: StageState, *, report_size: int) -> Progress:
        return self._replace(step=self.step + 1, report_size=report_size, stages={**self.stages, name: stage})

    def next_pass(self, *, keep: set[str]) -> Progress:
        """All from the beginning, but for those that only ever go on from where they are."""
        kept = {
            name: replace(stage, done=False, counts=Counts()) for name, stage in self.stages.items() if name in keep
        }
        return self._replace(step=self.step + 1, report_size=0, passes=self.passes + 1, stages=kept)


def source_of(tenant: int, secret: bytes) -> bytes:
    """The keyed hash by which an import knows another vault again, wherever its database has been moved to."""
    return hashing.digest(secret, key=_key(tenant, b"import"))


def _key(tenant: int, use: bytes) -> bytes:
    root = store.current_keyring().secret(Purpose.REFERENCE)
    return hashing.derive_key(root, use, tenant.to_bytes(4, "big"))


def find(tenant: int, source: bytes) -> Progress | None:
    row = ImportProgress.objects.filter(tenant=tenant, source=source).first()
    return None if row is None else _opened(row)


def _opened(row: ImportProgress) -> Progress:
    """
    Raises:
        IntegrityFailure, UnknownKey: the row was changed, or its data key is gone.
    """
    sealed = bytes(row.state)
    state = orjson.loads(store.unseal(sealed, state_place(row.tenant, bytes(row.source), row.step)))
    stages = {
        name: StageState(stage["cursor"], stage["done"], Counts(**stage["counts"]))
        for name, stage in state["stages"].items()
    }
    numbers = row.pk.to_bytes(8, "big") + int(state["passes"]).to_bytes(8, "big")
    tag = hashing.digest(bytes(row.source) + numbers, key=_key(row.tenant, b"import tag")).hex()[:16]
    return Progress(row.pk, bytes(row.source), tag, row.step, row.report_size, state["passes"], stages)


def _sealed(tenant: int, progress: Progress) -> bytes:
    state = {"passes": progress.passes, "stages": {name: asdict(stage) for name, stage in progress.stages.items()}}
    return store.current_keyring().seal(orjson.dumps(state), state_place(tenant, progress.source, progress.step))


def begin(tenant: int, source: bytes) -> Progress:
    """
    Raises:
        ImportStopped: another import of this source began just now.
    """
    first = Progress(0, source, "", 0, 0, 1, {})
    try:
        with atomically():
            row = ImportProgress.objects.create(tenant=tenant, source=source, state=_sealed(tenant, first))
    except IntegrityError:
        raise ImportStopped(_ANOTHER) from None
    return _opened(row)


def advance(tenant: int, known: Progress, reached: Progress) -> None:
    """Move on from `known` to `reached`, in the caller's transaction.

    Raises:
        ImportStopped: the row is not at `known` any more, as another import moved it.
    """
    moved = ImportProgress.objects.filter(id=known.row, step=known.step).update(
        step=reached.step, report_size=reached.report_size, state=_sealed(tenant, reached)
    )
    if not moved:
        raise ImportStopped(_ANOTHER)
