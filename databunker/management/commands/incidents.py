from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.watch.incidents import list_incidents


class Command(BaseCommand):
    help = "What looked wrong in the last year, the latest first: who read unusually many people, or a canary."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--limit", type=int, default=50, help="show no more than so many (default: 50)")

    def handle(self, *, limit: int, **_: Any) -> None:
        total, incidents = list_incidents(operator(), offset=0, limit=max(limit, 1))
        for one in incidents:
            expected = f" (at most {one.usual:,} expected)" if one.usual else ""
            self.stdout.write(
                f"{_time(one.start)} to {_time(one.last)}  {one.who:<12} {one.kind.label}: {one.people:,}{expected}"
                f"{'' if one.open else ', acknowledged'}"
            )
        self.stdout.write(f"{total} in all.")


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.gmtime(seconds))
