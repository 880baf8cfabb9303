"""`manage.py audit public-key`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from audit import proofs
from databunker.access.actor import operator
from databunker.management.verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--all", action="store_true", help="those that signed earlier, too, oldest first")


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    keys = proofs.public_keys(tenant=operator().tenant)
    for key in keys if options["all"] else keys[-1:]:
        command.stdout.write(key)


VERB = Verb(
    "public-key", "print the public key of the tree heads, as verifiers of signed notes take it", _run, _add_arguments
)
