"""What a sub-command of `manage.py audit` or `keys` is, and how one is run."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.errors import VaultError

__all__ = ["Verb", "VerbCommand"]


def _no_arguments(_: ArgumentParser) -> None:
    pass


@dataclass(frozen=True, slots=True)
class Verb:
    """`run` is given the command, for its standard output and error, and the options.

    It may raise VaultError, DatabaseError and CommandError.
    """

    name: str
    help: str
    run: Callable[[BaseCommand, dict[str, Any]], None]
    add_arguments: Callable[[ArgumentParser], None] = _no_arguments


class VerbCommand(BaseCommand):
    """A command that is nothing but its `verbs`; it ends with the code `failure` where one could not do its work."""

    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface
    verbs: ClassVar[list[Verb]]
    failure: ClassVar[int] = 1

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        for verb in self.verbs:
            verb.add_arguments(verbs.add_parser(verb.name, help=verb.help, description=verb.help))

    def handle(self, *, verb: str, **options: Any) -> None:
        run = next(one.run for one in self.verbs if one.name == verb)
        try:
            run(self, options)
        except VaultError as error:
            raise CommandError(error.message, returncode=self.failure) from error
        except DatabaseError as error:
            raise CommandError(
                f"the database can't be reached or written ({type(error).__name__}): see DATABASE_URL",
                returncode=self.failure,
            ) from None
