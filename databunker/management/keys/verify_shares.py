"""`manage.py keys verify-shares`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from databunker.keys import verify_shares

from .ceremony import entered_shares
from .verb import Verb

__all__ = ["VERB", "add_descriptor"]


def add_descriptor(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--shares-fd",
        type=int,
        metavar="N",
        help="read the shares from this file descriptor, one a line, rather than from the terminal",
    )


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    count = verify_shares(entered_shares(options["shares_fd"]))
    command.stdout.write(f"These shares open all {count} keys of the keyring. Nothing was changed.")


VERB = Verb(
    "verify-shares",
    "rehearse a recovery: see whether recovery shares open the keyring, and change nothing",
    _run,
    add_descriptor,
)
