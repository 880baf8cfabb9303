from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.backup import verify_vault
from databunker.errors import VaultError
from databunker.management.files import stopping_cleanly
from databunker.management.priority import run_behind
from databunker.management.progress import Bars


class Command(BaseCommand):
    help = (
        "Look at the whole vault, record by record, while it goes on serving: whether each record, identity, older "
        "version, application's data and session opens under its key, whether each event is as it was written, and "
        "whether each change has its event and each event its change. Shows no personal data. Ends with 1 where "
        "something is wrong."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def handle(self, **_: Any) -> None:
        started = time.monotonic()
        try:
            run_behind(self)
            with stopping_cleanly(), Bars(terminal=self.stderr.isatty()) as bars:
                checked = verify_vault(tell=bars.show)
        except VaultError as error:
            raise CommandError(error.message) from error
        except DatabaseError as error:
            raise CommandError(
                f"the database can't be reached or read ({type(error).__name__}): see DATABASE_URL"
            ) from None
        self.stdout.write(
            f"Opened and proved in {time.monotonic() - started:,.1f} s: {checked.records:,} records, "
            f"{checked.identities:,} identities, {checked.values:,} older versions, application data and sessions, "
            f"{checked.events:,} events."
        )
        if checked.damaged:
            raise CommandError("\n".join([f"{checked.damaged:,} are not as they must be:", *checked.problems]))
