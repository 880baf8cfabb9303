from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.access.actor import operator
from databunker.backup import create_backup, verify_backup
from databunker.crypto.recovery import RecoverySecret
from databunker.errors import VaultError
from databunker.management.files import STANDARD, output, reading, stopping_cleanly
from databunker.management.keys.ceremony import entered_shares
from databunker.management.keys.verify_shares import add_descriptor
from databunker.management.priority import run_behind
from databunker.management.progress import Bars


class Command(BaseCommand):
    help = (
        "Write the whole vault to one encrypted file, as it is at this moment, while it goes on serving; or verify "
        "such a file. It opens under this vault's master key, or by recovery shares: keep a copy of that key elsewhere."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the backup, or - for standard output (with --verify: input)")
        parser.add_argument(
            "--verify", action="store_true", help="read FILE to its end and prove it; needs the master key, no database"
        )
        parser.add_argument(
            "--recover", action="store_true", help="with --verify: by recovery shares rather than by the master key"
        )
        add_descriptor(parser)

    def handle(self, *, file: str, verify: bool, **options: Any) -> None:
        try:
            shares = entered_shares(options["shares_fd"]) if verify and options["recover"] else None
            run_behind(self)
            with stopping_cleanly(), Bars(terminal=self.stderr.isatty()) as bars:
                told = self._verify(file, bars, shares) if verify else self._write(file, bars)
        except VaultError as error:
            raise CommandError(error.message) from error
        except DatabaseError as error:
            raise CommandError(
                f"the database can't be reached or read ({type(error).__name__}): see DATABASE_URL"
            ) from None
        except OSError as error:
            raise CommandError(f"the backup can't be {'read' if verify else 'written'}: {error.strerror}") from error
        # Standard output may be the backup itself.
        (self.stderr if file == STANDARD and not verify else self.stdout).write(told, style_func=str)

    def _write(self, file: str, bars: Bars) -> str:
        with output(file) as target:
            backup = create_backup(operator())
            try:
                total = backup.count_rows() if self.stderr.isatty() else None
                size = rows = 0

                def tell(done: int) -> None:
                    nonlocal rows
                    rows = done
                    bars.show("rows", done, total)

                backup.tell = tell
                for part in backup:
                    target.write(part)
                    size += len(part)
            finally:
                backup.close()
        return f"Backup of {rows:,} rows, {size:,} bytes."

    def _verify(self, file: str, bars: Bars, shares: RecoverySecret | None) -> str:
        with reading(file) as (source, size):
            verified = verify_backup(source, shares=shares, tell=lambda done: bars.show("bytes", done, size))
        header = verified.header
        made = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(header.created))
        lines = [f"{number:>14,}  {table}" for table, number in verified.rows.items() if number]
        return "\n".join([f"The backup is whole: made at {made} by release {header.product}. Rows by table:", *lines])
