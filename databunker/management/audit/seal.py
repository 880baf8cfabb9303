"""`manage.py audit seal`."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import sealing
from audit.models import Event
from databunker.management.priority import run_behind
from databunker.management.progress import Bars
from databunker.management.verb import Verb
from vault.loading.running import signals

__all__ = ["VERB"]

_SHOWN = 20


def _run(command: BaseCommand, _: dict[str, Any]) -> None:
    watched = command.stderr.isatty()
    total = Event.objects.count() if watched else None
    looked = 0
    run_behind(command)
    with signals() as caught, Bars(terminal=watched) as bars:

        def tell(number: int) -> None:
            nonlocal looked
            looked += number
            bars.show("events", looked if total is None else min(looked, total), total)

        sealed = sealing.seal_everything(tell=tell, stopped=lambda: bool(caught))
    command.stdout.write(f"{sealed.number:,} events sealed.")
    if sealed.refused:
        more = f", and {len(sealed.refused) - _SHOWN:,} more" if len(sealed.refused) > _SHOWN else ""
        raise CommandError(
            f"{len(sealed.refused):,} events were changed or added in the database, and are not sealed: "
            f"{', '.join(map(str, sealed.refused[:_SHOWN]))}{more}"
        )
    if caught:
        raise CommandError("stopped; run it again to go on", returncode=128 + caught[0])


VERB = Verb(
    "seal",
    "put every event into the signed tree of its tenant; the scheduler does so every AUDIT_SEAL_SECONDS",
    _run,
)
