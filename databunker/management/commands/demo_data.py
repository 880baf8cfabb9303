from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.management.demo import ACCOUNTS, PASSWORD, NotADemo, furnish


class Command(BaseCommand):
    help = (
        "Fill an empty vault in demonstration mode (DATABUNKER_DEMO) with a small company: people who don't exist, "
        "agreements with a history, requests near their deadline, and accounts for the console."
    )

    def handle(self, **_: Any) -> None:
        try:
            new = furnish()
        except NotADemo as error:
            raise CommandError(str(error)) from error
        if not new:
            self.stdout.write("It is there already.")
        for name, (role, _shown) in ACCOUNTS.items():
            self.stdout.write(f"{name:<6} {role.value:<8} {PASSWORD}")
