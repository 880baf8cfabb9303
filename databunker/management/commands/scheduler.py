from __future__ import annotations

import logging
import signal
from argparse import SUPPRESS, ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from databunker import startup
from databunker.management.scheduler import Scheduler

_log = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Do what has to happen in time, until SIGTERM or Ctrl-C: send notifications at once, and every "
        "MAINTENANCE_SECONDS forget people whose time is over and delete what has expired. Several hosts may run it."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        # End with the process that started this one.
        parser.add_argument("--parent", type=int, help=SUPPRESS)

    def handle(self, *, parent: int | None, **_: Any) -> None:
        scheduler = Scheduler(every=settings.MAINTENANCE_SECONDS, parent=parent)
        self._take_signals(scheduler)
        try:
            startup.verify()
        except startup.NotReady as problem:
            raise CommandError(str(problem)) from problem
        _log.info("scheduler started")
        scheduler.run()
        _log.info("scheduler stopped")

    def _take_signals(self, scheduler: Scheduler) -> None:
        """The first one ends it after the batch at hand, another one at once."""

        def end(number: int, _: Any) -> None:
            signal.signal(number, signal.SIG_DFL)
            scheduler.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
