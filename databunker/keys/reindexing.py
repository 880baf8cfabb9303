"""A new index key from its announcement to the end of the old one, while the vault goes on; see docs/decisions/0007.

Any number of hosts may be at it, and each may be killed at any moment: where the way is stands in the keyring, how far
each record is stands in the record, and whoever begins again goes on from there.
"""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from django.conf import settings

from audit import trail
from audit.events import EventType
from databunker.access.actor import Actor
from databunker.crypto import index_keys, store
from databunker.crypto.index_keys import IndexKeys, Phase
from databunker.db.statements import atomically, retrying
from databunker.errors import Conflict
from databunker.priority import rest
from gdpr.actions import Rekeyed, rekey_pending
from vault import actions, identities
from vault.actions import Reindexed
from vault.events import (
    INDEX_KEY_ANNOUNCED,
    INDEX_KEY_DESTROYED,
    INDEX_KEY_SETTLED,
    INDEX_KEY_SWITCHED,
    INDEX_RENEWED,
)

__all__ = ["MARGIN_SECONDS", "Outcome", "Plan", "reindex"]

# What a request may take after its process has read the keyring, and clocks may differ by; far more than either.
MARGIN_SECONDS = 60
BATCH = 200
_PAUSE_SECONDS = 0.05

# Called with the step, how far it is and how far it goes.
Tell = Callable[[str, int, int | None], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """How to go about it.

    Attributes:
        keep_key: write identities anew under the key that there is, as other settings have people found.
        drop_fields: go on where people are found by fields that the settings don't name (any more).
        leave_damaged: go on where records don't open; nobody is found by their identities then.
        margin: seconds to wait in addition to KEYRING_CACHE_SECONDS before each step.
    """

    keep_key: bool = False
    drop_fields: bool = False
    leave_damaged: bool = False
    margin: float = MARGIN_SECONDS


@dataclass(slots=True)
class Outcome:
    """What this run has done; others may have done the rest."""

    records: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    damaged: set[int] = field(default_factory=set)
    agreements: int = 0


def reindex(actor: Actor, plan: Plan, *, tell: Tell, sleep: Callable[[float], None] = time.sleep) -> Outcome:
    """Take every step that is left, or begin with the first where none was taken.

    Raises:
        Conflict: something must be decided or mended first; what was done stays done.
    """
    return _Reindexing(actor, plan, tell, sleep).run()


class _Reindexing:
    def __init__(self, actor: Actor, plan: Plan, tell: Tell, sleep: Callable[[float], None]) -> None:
        self._actor = actor
        self._plan = plan
        self._tell = tell
        self._sleep = sleep
        self._outcome = Outcome()
        self._pending = Rekeyed()

    def run(self) -> Outcome:
        self._require_known_fields()
        seen = index_keys.index_keys()
        if seen.phase is Phase.STEADY:
            seen = self._begin(seen)
        elif self._plan.keep_key:
            raise Conflict("a new index key is on its way already: finish with `keys reindex` first")
        while seen.phase is not Phase.STEADY:
            seen = self._advance(seen)
        self._bring_up_to_date("records")
        return self._outcome

    def _require_known_fields(self) -> None:
        """
        Raises:
            Conflict: people would no longer be found by what they are found by now.
        """
        unknown = actions.indexed_fields() - set(identities.configured())
        if unknown and not self._plan.drop_fields:
            raise Conflict(
                f"people are found by {', '.join(sorted(unknown))}, which IDENTITY_FIELDS does not name here: set it "
                "as the servers have it, or give --drop-fields to have nobody found by that any more"
            )

    def _begin(self, seen: IndexKeys) -> IndexKeys:
        if self._plan.keep_key:
            self._take(seen, index_keys.begin_epoch, INDEX_RENEWED)
            self._wait("waiting for every process")
        else:
            self._take(seen, index_keys.announce, INDEX_KEY_ANNOUNCED)
        return index_keys.index_keys()

    def _advance(self, seen: IndexKeys) -> IndexKeys:
        """From the step that was taken last, by whomever, to the next."""
        self._wait(f"{seen.phase}: waiting for every process")
        self._bring_up_to_date(f"{seen.phase}: records")
        if seen.phase is Phase.ANNOUNCED:
            self._take(seen, index_keys.switch, INDEX_KEY_SWITCHED)
        elif seen.phase is Phase.SWITCHED:
            self._move_pending()
            self._take(seen, index_keys.settle, INDEX_KEY_SETTLED)
        else:
            self._move_pending()
            self._require_none_left()
            self._take(seen, index_keys.destroy, INDEX_KEY_DESTROYED)
        return index_keys.index_keys()

    def _take(self, seen: IndexKeys, step: Callable[[IndexKeys], object], event: EventType) -> None:
        """The step and its event, unless another host has taken it."""

        def attempt() -> None:
            with atomically():
                step(seen)
                trail.record(self._actor, event, detail={"live": seen.live, "other": seen.other})

        store.forget_cached()
        try:
            retrying(attempt)
        except Conflict:
            if index_keys.index_keys() == seen:
                raise
        store.forget_cached()

    def _wait(self, step: str) -> None:
        """Until no process uses a keyring from before the last step.

        The time is counted from when this process has seen the step: no clock of another host has a part in it.
        """
        began, seconds = time.monotonic(), settings.KEYRING_CACHE_SECONDS + self._plan.margin
        while (waited := time.monotonic() - began) < seconds:
            self._tell(step, int(waited), int(seconds))
            self._sleep(min(1.0, seconds - waited))
        self._tell(step, int(seconds), int(seconds))
        store.forget_cached()

    def _bring_up_to_date(self, step: str) -> None:
        """Until a look at all records finds none behind.

        Raises:
            Conflict: some records don't open.
        """
        total, done = actions.count_behind(store.current_keyring().index_epoch), 0
        while True:
            damaged: set[int] = set()
            for batch in self._walk():
                done += batch.records
                damaged.update(batch.damaged)
                self._outcome.left_out.update(batch.left_out or {})
                self._tell(step, done, max(total, done))
                rest()
            behind = actions.count_behind(store.current_keyring().index_epoch)
            if behind <= len(damaged):
                break
            self._sleep(_PAUSE_SECONDS)  # somebody holds them, or has just written them
        self._outcome.records += done
        self._outcome.damaged |= damaged
        if damaged and not self._plan.leave_damaged:
            raise Conflict(
                f"{len(damaged)} records don't open, among them number {min(damaged)}: mend them, or give "
                "--leave-damaged to go on and have nobody find these people by their identities"
            )

    def _walk(self) -> Iterator[Reindexed]:
        """Every record that is behind, once; several hosts begin in several places, and so seldom meet."""
        start = secrets.randbelow(actions.last_record() + 1)
        for at, until in ((start, None), (0, start)):
            after: int | None = at
            while after is not None and (until is None or after < until):
                batch = actions.reindex_records(self._actor, after=after, limit=BATCH)
                yield batch
                after = batch.last

    def _move_pending(self) -> None:
        self._pending = rekey_pending()
        self._outcome.agreements += self._pending.moved

    def _require_none_left(self) -> None:
        """
        Raises:
            Conflict: something still stands under the old key.
        """
        left = self._pending.unreadable
        if left:
            raise Conflict(
                f"{left} agreements of people who are not here yet can't be read, and stay under the old index key: it "
                "is destroyed when they are gone, at the latest after PENDING_AGREEMENT_RETENTION. Run `keys reindex` "
                "again then"
            )
