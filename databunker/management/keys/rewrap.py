"""`manage.py keys rewrap`."""

from __future__ import annotations

import time
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.access.actor import operator
from databunker.keys import rewrap_all
from databunker.management.files import stopping_cleanly
from databunker.management.priority import run_behind
from databunker.management.progress import Bars

from .verb import Verb

__all__ = ["VERB"]

_SHOWN = 20


def _run(command: BaseCommand, _: dict[str, Any]) -> None:
    started = time.monotonic()
    run_behind(command)
    with stopping_cleanly(), Bars(terminal=command.stderr.isatty()) as bars:
        done = rewrap_all(operator(), tell=bars.show)
    seconds = time.monotonic() - started
    command.stdout.write(f"{done.rows:,} rows are under the newest data key now; {seconds:,.1f} s.")
    if done.damaged:
        more = f", and {len(done.damaged) - _SHOWN:,} more" if len(done.damaged) > _SHOWN else ""
        raise CommandError(
            f"{len(done.damaged):,} rows don't open, were damaged before, and are left as they are: "
            f"{', '.join(done.damaged[:_SHOWN])}{more}"
        )


VERB = Verb(
    "rewrap",
    "put everything under the newest data key, while the vault is in use; several hosts may help, and a run that was "
    "stopped goes on when it is started again",
    _run,
)
