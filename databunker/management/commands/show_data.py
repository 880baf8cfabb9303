from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from databunker import inventory


class Command(BaseCommand):
    help = "Print docs/data.md: every table and column, what it holds, and how it leaves when a person is forgotten."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def handle(self, **_: Any) -> None:
        self.stdout.write(inventory.as_markdown())
