from __future__ import annotations

import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.access.actor import operator
from databunker.backup import Recovery, Restored, restore_backup
from databunker.crypto import store
from databunker.errors import VaultError
from databunker.management.files import reading, stopping_cleanly
from databunker.management.journals import check_journals, entries_of
from databunker.management.keys.ceremony import entered_shares
from databunker.management.keys.recover import tell_of
from databunker.management.keys.verify_shares import add_descriptor
from databunker.management.progress import Bars
from databunker.management.setup import Master, recovery_master_key
from vault.actions import replay_journal


class Command(BaseCommand):
    help = (
        "Restore a backup into a new database, made by `manage.py migrate` and nothing else; it may be of another kind "
        "than the one that was backed up. All of it is restored and proved, or nothing is."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the backup, or - for standard input")
        parser.add_argument(
            "--journal",
            action="append",
            default=[],
            metavar="JOURNAL",
            help="an erasure journal: whoever is in it is forgotten again. May be given several times; the file that "
            "ERASURE_JOURNAL_FILE names is replayed unasked",
        )
        parser.add_argument(
            "--hold-outbox",
            action="store_true",
            help="send nothing that waited in the outbox: it becomes dead letters, for `manage.py notifications`",
        )
        parser.add_argument(
            "--accept-damage",
            action="store_true",
            help="restore also what was damaged in the vault already when it was backed up",
        )

        parser.add_argument(
            "--recover",
            action="store_true",
            help="the master key is lost: open the backup by recovery shares, and put its keys under a new master key",
        )
        add_descriptor(parser)
        parser.add_argument(
            "--use-configured",
            action="store_true",
            help="with --recover: under the master key that the settings name, rather than under a new one",
        )

    def handle(self, *, file: str, journal: list[str], recover: bool, **options: Any) -> None:
        started = time.monotonic()
        own = settings.ERASURE_JOURNAL_FILE
        journals = [*journal, own] if own and Path(own).exists() else journal
        try:
            check_journals(journals)
            with stopping_cleanly():
                restored, master = self._recovered(file, options) if recover else (self._restored(file, options), None)
        except VaultError as error:
            raise CommandError(error.message) from error
        except DatabaseError as error:
            raise CommandError(
                f"the database can't be reached or written ({type(error).__name__}): nothing was restored. See "
                "DATABASE_URL; the tables are made by `manage.py migrate`"
            ) from None
        except OSError as error:
            raise CommandError(f"the backup can't be read: {error.strerror}") from error
        if master is not None:
            tell_of(self, master)
            store.use(master.key)  # the settings may not name it yet
        self.stdout.write(_summary(restored, seconds=time.monotonic() - started))
        self.stdout.write(_replayed(journals))

    def _recovered(self, file: str, options: dict[str, Any]) -> tuple[Restored, Master]:
        shares = entered_shares(options["shares_fd"])
        with recovery_master_key(use_configured=options["use_configured"]) as master:
            return self._restored(file, options, Recovery(shares, master.key)), master

    def _restored(self, file: str, options: dict[str, Any], recovery: Recovery | None = None) -> Restored:
        with Bars(terminal=self.stderr.isatty()) as bars, reading(file) as (source, size):
            return restore_backup(
                operator(),
                source,
                size=size,
                accept_damage=options["accept_damage"],
                hold_outbox=options["hold_outbox"],
                recovery=recovery,
                tell=bars.show,
            )


def _replayed(journals: list[str]) -> str:
    """
    Raises:
        CommandError: the vault is restored, and the journals can't be replayed as they are.
    """
    if not journals:
        return (
            "No erasure journal was replayed: nothing serves this vault until `manage.py erasures replay JOURNAL`, or "
            "`erasures replay --none --reason TEXT` where there is none."
        )
    try:
        done = replay_journal(operator(), entries_of(journals))
    except VaultError as error:
        raise CommandError(f"restored, but nothing serves it yet: {error.message}") from error
    return f"The erasure journal: {done.entries:,} erasures read, {done.forgotten:,} people forgotten again."


def _summary(restored: Restored, *, seconds: float) -> str:
    checked = restored.checked
    lines = [
        f"Restored {sum(restored.rows.values()):,} rows in {seconds:,.1f} s; the database gives the same back.",
        f"Opened and proved: {checked.records:,} records, {checked.identities:,} identities, {checked.events:,} events",
    ]
    if restored.held:
        lines.append(f"Held back in the outbox: {restored.held:,} messages, see `manage.py notifications list`")
    if checked.damaged:
        lines += [f"Damaged already when the backup was made: {checked.damaged:,}", *checked.problems]
    return "\n".join(lines)
