from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "The same as `account create NAME --role admin`, under the name that Django's users know."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="the name to sign in with")
        parser.add_argument("--display-name", default="", help="the name that others see")
        parser.add_argument(
            "--password-stdin", action="store_true", help="read the password from standard input, and print none"
        )

    def handle(self, *, name: str, display_name: str, password_stdin: bool, **_: Any) -> None:
        given = ["--password-stdin"] if password_stdin else []
        call_command("account", "create", name, "--role", "admin", "--display-name", display_name, *given)
