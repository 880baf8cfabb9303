from __future__ import annotations

import sys
import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.access.actor import operator
from databunker.accounts import actions, queries
from databunker.accounts.passwords import WeakPassword
from databunker.accounts.queries import AccountView
from databunker.accounts.rows import ACCOUNT_ROLES
from databunker.errors import VaultError

_VERBS = {
    "disable": "let it sign in no more, and end its sessions",
    "enable": "let it sign in again",
    "reset-password": "give it a new first password, printed once, and end its sessions",
    "reset-factor": "take its second factor and recovery codes away, and end its sessions",
}


class Command(BaseCommand):
    help = "Create, list and look after the accounts of those who work at the console."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="make an account; a first password is printed once")
        create.add_argument("name", help="the name to sign in with")
        create.add_argument("--role", required=True, choices=[role.value for role in ACCOUNT_ROLES])
        create.add_argument("--display-name", default="", help="the name that others see")
        create.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input, and print none"
        )
        verbs.add_parser("list", help="show every account's number, name, role and state")
        for verb, told in _VERBS.items():
            one = verbs.add_parser(verb, help=told)
            one.add_argument("name", help="the name that it signs in with")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb.replace('-', '_')}")(options)
        except WeakPassword as error:
            raise CommandError(" ".join(error.reasons)) from error
        except VaultError as error:
            raise CommandError(error.message) from error

    def _create(self, options: dict[str, Any]) -> None:
        password = sys.stdin.readline().rstrip("\n") if options["password_stdin"] else None
        made = actions.create_account(
            operator(),
            name=options["name"],
            role=options["role"],
            display_name=options["display_name"],
            password=password,
        )
        self.stdout.write(f"Account {made.id}.\n")
        self._tell(made.password)

    def _tell(self, password: str) -> None:
        if password:
            self.stdout.write(f"The first password. It is not shown again:\n\n    {password}\n")

    def _list(self, _: dict[str, Any]) -> None:
        for one in queries.list_accounts(operator()):
            state = "disabled" if one.disabled else "active"
            factor = "second factor" if one.second_factor else "no second factor"
            last = time.strftime("%Y-%m-%d", time.gmtime(one.signed_in)) if one.signed_in else "never"
            self.stdout.write(f"{one.id:>6}  {one.name:<24} {one.role:<8} {state:<8}  {factor:<16}  signed in {last}")

    def _disable(self, options: dict[str, Any]) -> None:
        actions.disable_account(operator(), account=self._named(options).id)
        self.stdout.write("Disabled.")

    def _enable(self, options: dict[str, Any]) -> None:
        actions.enable_account(operator(), account=self._named(options).id)
        self.stdout.write("Enabled.")

    def _reset_password(self, options: dict[str, Any]) -> None:
        self._tell(actions.reset_account(operator(), account=self._named(options).id, factor=False))

    def _reset_factor(self, options: dict[str, Any]) -> None:
        actions.reset_account(operator(), account=self._named(options).id, password=False)
        self.stdout.write("It has no second factor any more.")

    @staticmethod
    def _named(options: dict[str, Any]) -> AccountView:
        return queries.find_account(operator(), name=options["name"])
