"""Put a backup into an empty database: all of it, proved, or nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connections

from audit import trail
from databunker.access.actor import Actor
from databunker.crypto import changing, hashing, store
from databunker.crypto.masterkey import MasterKey
from databunker.crypto.recovery import RecoverySecret
from databunker.db.locks import setup_lock
from databunker.db.statements import Insert, atomically, database, insert_many
from databunker.erasure import journal
from databunker.notify import jobs

from .checking import Checked, check_vault
from .counters import is_transactional, set_next_number
from .errors import BackupError
from .events import BACKUP_RESTORED
from .format import Digest, Header
from .reading import Reader
from .rows import encode_row
from .snapshot import applied_migrations, read_rows
from .tables import Table, described, tables

__all__ = ["RESTORING", "Recovery", "Restored", "restore_backup"]

Tell = Callable[[str, int, int | None], None]

# The steps of a restore, as `tell` is given them.
RESTORING, COMPARING, CHECKING = "restoring", "comparing", "checking"
_SHOWN = 5


class Recovery(NamedTuple):
    """Where the master key is lost: shares that open the backup, and the master key that its keyring comes under."""

    shares: RecoverySecret
    master: MasterKey


class Restored(NamedTuple):
    """What was restored: the backup, rows by table, what the look at each record has found, and messages held back."""

    header: Header
    rows: dict[str, int]
    checked: Checked
    held: int


def _nobody(_step: str, _done: int, _total: int | None) -> None:
    pass


def restore_backup(
    actor: Actor,
    source: BinaryIO,
    *,
    size: int | None = None,
    accept_damage: bool = False,
    hold_outbox: bool = False,
    recovery: Recovery | None = None,
    tell: Tell = _nobody,
) -> Restored:
    """Restore the backup into the database of this process, in one transaction.

    Proved are: each frame of the backup, the number and the digest of each table's rows, that the database gives the
    same rows back, and that each record, identity and event opens or holds under the vault's keys.

    No process serves the restored vault until an erasure journal was replayed, or declared not to be: people may be in
    it who were forgotten since (`vault.actions.replay_journal`, `waive_journal`).

    Args:
        size: of the backup in bytes, where it is known.
        accept_damage: restore also where the last of these proofs fails: the vault that was backed up was damaged.
        hold_outbox: make dead letters of what waits to be sent: some of it was sent since the backup.
        recovery: open the backup with recovery shares rather than with the master key, and put the keyring under
            another one.
        tell: called with the step, how far it is and, where it is known, how far it goes.

    Raises:
        BackupError: the database is not empty, its tables are other ones, or the backup does not prove itself.
        MasterKeyError: the backup was made under another master key.
        RecoveryError: the shares don't open the backup, or not each of its keys.
        Unavailable: another process has been setting up this database for too long.
    """
    reader = Reader(source, shares=recovery.shares if recovery else None)
    connection = connections[DEFAULT_DB_ALIAS]
    _require_same_tables(reader.header)
    own = tables()
    store.forget_cached()
    try:
        with setup_lock(), atomically():
            _require_empty(own)
            _insert(reader, size, tell)
            _require_same_rows(reader, own, tell)
            if is_transactional(connection):
                _set_counters(reader, own)
            recovered = changing.recover_keyring(recovery.shares, recovery.master) if recovery else 0
            checked = check_vault(tell=lambda done, total: tell(CHECKING, done, total))
            if checked.damaged and not accept_damage:
                raise BackupError(_damage(checked))
            rows = {table.name: end.rows for table, end in zip(own, reader.ends, strict=True)}
            held = jobs.hold_all() if hold_outbox else 0
            detail = {"backup": reader.header.backup.hex(), "rows": sum(rows.values()), "held": held}
            if recovery:
                detail["recovered_keys"] = recovered
            trail.record(actor, BACKUP_RESTORED, detail=detail)
            journal.mark_restored(UUID(bytes=reader.header.backup))
    finally:
        store.forget_cached()
    if not is_transactional(connection):
        _set_counters(reader, own)
    return Restored(reader.header, rows, checked, held)


def _require_same_tables(header: Header) -> None:
    """
    Raises:
        BackupError: the database has not the very tables that the backup has.
    """
    connection = connections[DEFAULT_DB_ALIAS]
    migrated = "django_migrations" in connection.introspection.table_names()
    here = set(applied_migrations(connection)) if migrated else set()
    there = set(header.migrations)
    for missing, where in ((there - here, "this database"), (here - there, "the backup")):
        if missing:
            app, name = min(missing)
            raise BackupError(
                f"the backup was made with other tables (release {header.product}): {where} lacks the migration "
                f"{app} {name}. Restore with that release, into a database that its `manage.py migrate` has made"
            )
    if described(list(header.tables)) != described(tables()):
        raise BackupError(
            f"the backup was made with other tables (release {header.product}): restore it with that release"
        )


def _require_empty(own: list[Table]) -> None:
    """
    Raises:
        BackupError: somebody uses this database.
    """
    quoted = database().ops.quote_name
    with database().cursor() as cursor:
        for table in own:
            cursor.execute(f"SELECT 1 FROM {quoted(table.name)} LIMIT 1")  # noqa: S608 - a table of ours
            if cursor.fetchone():
                raise BackupError(
                    f"this database is not empty: {table.name} has rows. Restore into a new database, made by "
                    "`manage.py migrate` and nothing else"
                )


def _insert(reader: Reader, size: int | None, tell: Tell) -> None:
    quoted = database().ops.quote_name
    for table, rows in reader:
        insert_many(Insert(quoted(table.name), tuple(quoted(name) for name in table.column_names), rows))
        tell(RESTORING, reader.position, size)


def _require_same_rows(reader: Reader, own: list[Table], tell: Tell) -> None:
    """
    Raises:
        BackupError: the database gives other rows back than it was given.
    """
    total, done = sum(end.rows for end in reader.ends), 0
    for table, end in zip(own, reader.ends, strict=True):
        digest = Digest(reader.key, table.name)
        kinds = table.kinds
        for batch in read_rows(database(), table):
            for row in batch:
                digest.add(encode_row(row, kinds))
            done += len(batch)
            tell(COMPARING, done, total)
        if digest.rows != end.rows or not hashing.same(digest.value, end.digest):
            raise BackupError(f"the database does not give back the rows of {table.name} as they are in the backup")


def _set_counters(reader: Reader, own: list[Table]) -> None:
    for table, end in zip(own, reader.ends, strict=True):
        if end.counter is not None and end.counter > 1:
            set_next_number(database(), table, end.counter)


def _damage(checked: Checked) -> str:
    shown = "; ".join(checked.problems[:_SHOWN])
    more = f"; and {checked.damaged - _SHOWN} more" if checked.damaged > _SHOWN else ""
    return (
        f"the vault that was backed up was damaged already: {shown}{more}. Nothing was restored; with "
        "--accept-damage it is restored as it was"
    )
