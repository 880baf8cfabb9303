"""`manage.py audit verify-export`: what `python -m audit.verifier` does, for whoever has the vault at hand anyway."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import verifier
from databunker.management.verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("files", nargs="+", metavar="FILE", help="exports in their order, or one proof of an event")
    parser.add_argument(
        "--public-key",
        action="append",
        required=True,
        metavar="KEY",
        help="as `audit public-key` prints it, or a file with such lines; may be repeated",
    )
    parser.add_argument("--witness", metavar="FILE", help="heads that were kept, as AUDIT_WITNESS_FILE has them")


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    try:
        told = verifier.judge(options["files"], options["public_key"], options["witness"])
    except verifier.NotProved as refusal:
        raise CommandError(f"NOT PROVED: {refusal}", returncode=1) from refusal
    except OSError as error:
        raise CommandError(f"{error.filename} can't be read: {error.strerror}", returncode=2) from error
    command.stdout.write(told)


VERB = Verb(
    "verify-export",
    "verify exports, or a proof, with the public key alone; needs neither database nor master key",
    _run,
    _add_arguments,
)
