from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker import startup
from gdpr import maintenance
from gdpr.maintenance import Outcome


class Command(BaseCommand):
    help = (
        "Do once what has to happen in time, for cron: send what waits to be sent, forget people whose time is over, "
        "delete what has expired. Ends with 1 where a task failed; the others are done all the same. Several hosts "
        "may run it at once."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--seconds", type=int, default=3600, help="begin nothing new after so long (default 3600); the rest waits"
        )

    def handle(self, *, seconds: int, **_: Any) -> None:
        try:
            startup.verify()
        except startup.NotReady as problem:
            raise CommandError(str(problem)) from problem
        outcomes = maintenance.run(maintenance.tasks(), seconds=max(seconds, 1))
        width = max(len(outcome.name) for outcome in outcomes)
        for outcome in outcomes:
            self.stdout.write(f"{outcome.name:<{width}}  {outcome.done:>9,}  {_result(outcome)}")
        failed = [f"{outcome.name} ({outcome.failure})" for outcome in outcomes if outcome.failure]
        if failed:
            raise CommandError(f"failed: {', '.join(failed)}; the log says where")


def _result(outcome: Outcome) -> str:
    if outcome.failure:
        return "failed"
    return "done" if outcome.complete else "more is left"
