"""Look at a whole vault, record by record: whether each opens under its keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import NamedTuple

from audit import queries as trail
from audit.models import Event
from databunker.crypto import store
from databunker.db.moments import at_one_moment
from databunker.priority import rest
from vault import chronicle, integrity
from vault.models import Record

__all__ = ["Checked", "check_vault", "verify_vault"]

_KEPT = 100


class Checked(NamedTuple):
    """How much was looked at; how much of it is damaged, and the first hundred problems in words.

    `values` are older versions, application data and sessions; only `verify_vault` looks at them.
    """

    records: int
    identities: int
    events: int
    damaged: int
    problems: list[str]
    values: int = 0


class _Problems:
    def __init__(self) -> None:
        self.number = 0
        self.kept: list[str] = []

    def add(self, found: Iterable[str]) -> None:
        texts = list(found)
        self.number += len(texts)
        self.kept += islice(texts, max(_KEPT - len(self.kept), 0))


def check_vault(*, tell: Callable[[int, int], None]) -> Checked:
    """Open each record's token and profile, and prove each identity and event, with the keys of the database.

    Raises:
        KeyringError, MasterKeyError: the keys themselves don't open.
    """
    store.current_keyring()
    total = Record.objects.count() + Event.objects.count()
    problems = _Problems()
    records = identities = events = 0
    for batch in integrity.check_records():
        records += batch.records
        identities += batch.identities
        problems.add(batch.problems)
        tell(records, total)
        rest()
    problems.add(integrity.check_strays(identities))
    for number, changed in trail.check_events():
        events += number
        problems.add(changed)
        tell(records + events, total)
        rest()
    return Checked(records, identities, events, problems.number, problems.kept)


def verify_vault(*, tell: Callable[[str, int, int | None], None]) -> Checked:
    """All that `check_vault` looks at, and beside it each change against its event, each event of a change against it,
    and each value that belongs to a person. As everything was at one moment, while others go on writing.

    Args:
        tell: called with the step, how far it is and, where it is known, how far it goes.

    Raises:
        KeyringError, MasterKeyError: the keys themselves don't open.
    """
    with at_one_moment():
        checked = check_vault(tell=lambda done, total: tell("records and events", done, total))
        problems = _Problems()
        problems.number, problems.kept = checked.damaged, checked.problems
        records = values = 0
        for batch in chronicle.check_changes():
            records += batch.records
            values += batch.values
            problems.add(batch.problems)
            tell("changes", records, checked.records)
            rest()
        problems.add(chronicle.check_sessions_of_nobody())
    return checked._replace(damaged=problems.number, problems=problems.kept, values=values)
