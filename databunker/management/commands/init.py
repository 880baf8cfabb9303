from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.errors import VaultError
from databunker.management.setup import Outcome, first_account, initialise


class Command(BaseCommand):
    help = (
        "Make a vault ready: migrate the database, create the keyring under the master key (or under a new one, "
        "which is printed once), and create the root access token (printed once). Safe to run again, and on several "
        "hosts at once."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--admin",
            metavar="NAME",
            help="also make an administrator's account for the console, if there is no account yet",
        )

    def handle(self, *, admin: str | None = None, **_: Any) -> None:
        try:
            outcome = initialise()
            made = first_account(admin) if admin else None
        except VaultError as error:
            raise CommandError(error.message) from error
        except (DatabaseError, OSError) as error:
            raise CommandError(
                f"the database can't be reached or written ({type(error).__name__}): see DATABASE_URL"
            ) from error
        self._tell(outcome)
        if made:
            self.stdout.write(f"The first password of {admin} at /console/. It is not shown again:\n\n    {made}\n")

    def _tell(self, outcome: Outcome) -> None:
        if outcome.master_key:
            self.stdout.write("A new master key. Keep it safe and apart from the database: it is not shown again,")
            self.stdout.write("and without it nothing in this vault can ever be read.\n\n")
            self.stdout.write(f"    DATABUNKER_MASTERKEY={outcome.master_key}\n\n")
        if outcome.ciphertext:
            self.stdout.write("A new master key, encrypted by the key management service. Set it:\n\n")
            self.stdout.write(f"    DATABUNKER_MASTERKEY_TRANSIT={outcome.ciphertext}\n\n")
        if outcome.key_file:
            self.stdout.write(f"A new master key is in {outcome.key_file}. Keep a copy apart from the database.\n")
        if outcome.root_token:
            self.stdout.write("The root access token. It is not shown again:\n\n")
            self.stdout.write(f"    X-Bunker-Token: {outcome.root_token}\n\n")
        state = "A new vault is ready." if outcome.new_keyring else "The vault is up to date."
        self.stdout.write(self.style.SUCCESS(state))
