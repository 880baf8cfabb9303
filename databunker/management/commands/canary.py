from __future__ import annotations

import re
from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker import jsontext
from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.models import AccessToken, TokenKind
from databunker.errors import VaultError
from databunker.management.canary_people import made_up_people
from databunker.watch.canaries import add_canaries, list_canaries, remove_canary
from vault.actions import Created, Rejected, Result

_MOST = 1_000
_ROUNDS = 10
_DOMAIN = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+", re.ASCII | re.IGNORECASE)


class Command(BaseCommand):
    help = "Made-up people whom nobody has reason to read: whoever does is told of (docs/access.md)."

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        add = verbs.add_parser("add", help="store made-up people, and watch them")
        add.add_argument("--count", type=int, default=1, help="how many (default: 1)")
        add.add_argument("--domain", default="example.com", help="where their mail addresses are: one of your own")
        add.add_argument("--profiles", type=Path, help="take these instead: one JSON object a line")
        add.add_argument(
            "--like", type=int, metavar="NUMBER", help="in the trail, look like what this access token does"
        )
        verbs.add_parser("list", help="the tokens of the canaries")
        remove = verbs.add_parser("remove", help="forget one")
        remove.add_argument("token", help="as `list` shows it")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            getattr(self, f"_{verb}")(options)
        except VaultError as error:
            raise CommandError(error.message) from error

    def _add(self, options: dict[str, Any]) -> None:
        like = _like(options["like"])
        if options["profiles"]:
            results = add_canaries(operator(), profiles=list(_read(options["profiles"])), like=like)
        else:
            results = _add_made_up(options["count"], options["domain"], like)
        refused = [f"{number}: {one.reason}" for number, one in enumerate(results, 1) if isinstance(one, Rejected)]
        added = sum(isinstance(result, Created) for result in results)
        self.stdout.write(f"Added {added}. `manage.py scheduler` watches them.")
        if refused:
            raise CommandError("refused: " + "; ".join(refused[:10]))

    def _list(self, _: dict[str, Any]) -> None:
        for token in list_canaries(operator()):
            self.stdout.write(str(token))

    def _remove(self, options: dict[str, Any]) -> None:
        remove_canary(operator(), token=options["token"])
        self.stdout.write("Forgotten.")


def _add_made_up(count: int, domain: str, like: Actor | None) -> list[Result]:
    """Where somebody has the address or the number that was made up, another is made up, without a number.

    Raises:
        CommandError: something given makes no sense.
    """
    if not 1 <= count <= _MOST:
        raise CommandError(f"--count must be from 1 to {_MOST}")
    if not _DOMAIN.fullmatch(domain):
        raise CommandError("--domain must be a name such as example.com")
    people = made_up_people(count, domain=domain)
    done: list[Result] = []
    taken: list[Result] = []
    for _ in range(_ROUNDS):
        results = add_canaries(operator(), profiles=list(people), like=like)
        taken = [result for result in results if isinstance(result, Rejected) and result.duplicate]
        done += [result for result in results if result not in taken]
        if not taken:
            break
        people = made_up_people(len(taken), domain=domain, telephones=False)
    return done + taken


def _read(path: Path) -> Iterator[dict[str, Any]]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise CommandError(f"the file can't be read ({type(error).__name__})") from error
    for number, line in enumerate(lines[:_MOST], 1):
        profile = jsontext.loads(line)
        if not isinstance(profile, dict):
            raise CommandError(f"line {number} is no JSON object")
        yield profile


def _like(number: int | None) -> Actor | None:
    if number is None:
        return None
    row = AccessToken.objects.filter(pk=number, kind=TokenKind.ADMIN, revoked=None).first()
    if row is None:
        raise CommandError("--like: no such access token of an application")
    return Actor(kind=ActorKind.ADMIN, tenant=row.tenant, token_id=row.pk)
