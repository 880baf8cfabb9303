"""What a part of the verification has found."""

from __future__ import annotations

import enum
from typing import NamedTuple
from uuid import UUID

__all__ = ["KEPT", "Findings", "Kind", "Problem"]

# Of each part so many are told; all are counted.
KEPT = 100


class Kind(enum.StrEnum):
    """What is wrong, in a word."""

    CHANGED = "changed"  # an event is not as it was written, or not the one that was sealed
    REMOVED = "removed"  # an event, or its leaf, is gone, and retention has not deleted it
    ADDED = "added"  # an event, or a leaf, that nobody of ours has written
    REORDERED = "reordered"  # leaves stand in another order than the sealer's
    TREE = "tree"  # leaves or inner nodes are not those that were signed
    HEAD = "head"  # a head, or another signed statement, doesn't hold
    BACKLOG = "backlog"  # events wait for their place for too long
    WITNESS = "witness"  # a witness has seen another tree


class Problem(NamedTuple):
    kind: Kind
    tenant: int
    text: str
    position: int | None = None
    event: UUID | None = None

    def __str__(self) -> str:
        return f"{self.kind}: {self.text} (tenant {self.tenant})"


class Findings:
    """Counters, and the first problems in words."""

    def __init__(self) -> None:
        self.events = self.pruned = self.heads = self.waiting = 0
        self.oldest_waiting: UUID | None = None
        self.number = 0
        self.problems: list[Problem] = []

    def add(
        self, kind: Kind, tenant: int, text: str, *, position: int | None = None, event: UUID | None = None
    ) -> None:
        self.number += 1
        if len(self.problems) < KEPT:
            self.problems.append(Problem(kind, tenant, text, position, event))

    def merge(self, other: Findings) -> None:
        for name in ("events", "pruned", "heads", "waiting", "number"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.problems += other.problems[: KEPT - len(self.problems)]
        waiting = [event for event in (self.oldest_waiting, other.oldest_waiting) if event is not None]
        self.oldest_waiting = min(waiting, default=None)
