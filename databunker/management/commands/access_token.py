from __future__ import annotations

import time
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.access.actor import operator
from databunker.access.models import AccessToken, TokenKind
from databunker.errors import VaultError
from databunker.ids import unix_now
from vault.actions import issue_token, revoke_token

_DAY = 86_400
_MAX_DAYS = 36_500
_MAX_LABEL = 100


class Command(BaseCommand):
    help = "Issue, list and revoke the access tokens that applications call the API with."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="issue a token and print it once")
        create.add_argument("--label", required=True, help="what the token is for; no personal data")
        create.add_argument("--days", type=int, help="how long it lives (default: for ever)")
        create.add_argument("--root", action="store_true", help="a root token rather than an application's")
        verbs.add_parser("list", help="show every token's number, kind, label and state, never its text")
        revoke = verbs.add_parser("revoke", help="refuse a token from now on")
        revoke.add_argument("number", type=int, help="its number, as `list` shows it")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(options)
        except VaultError as error:
            raise CommandError(error.message) from error

    def _create(self, options: dict[str, Any]) -> None:
        days = options["days"]
        if days is not None and not 1 <= days <= _MAX_DAYS:
            raise CommandError(f"--days must be from 1 to {_MAX_DAYS}")
        if len(options["label"]) > _MAX_LABEL:
            raise CommandError(f"--label has at most {_MAX_LABEL} characters")
        text, row = issue_token(
            operator(),
            kind=TokenKind.ROOT if options["root"] else TokenKind.ADMIN,
            label=options["label"],
            expires=None if days is None else unix_now() + days * _DAY,
        )
        self.stdout.write(f"Access token {row.pk}. It is not shown again:\n\n    {text}\n")

    def _list(self, _: dict[str, Any]) -> None:
        for row in AccessToken.objects.exclude(kind=TokenKind.PERSON).order_by("id"):
            self.stdout.write(f"{row.pk:>6}  {row.get_kind_display():<6} {_state(row):<22} {row.label}")

    def _revoke(self, options: dict[str, Any]) -> None:
        revoke_token(operator(), row=options["number"])
        self.stdout.write("Revoked. Running servers refuse it within AUTH_CACHE_SECONDS.")


def _state(row: AccessToken) -> str:
    if row.revoked is not None:
        return f"revoked {_day(row.revoked)}"
    if row.expires is None:
        return "valid"
    return f"{'expired' if row.expires <= unix_now() else 'until'} {_day(row.expires)}"


def _day(seconds: int) -> str:
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))
