"""`manage.py keys retire`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.keys import retire_keys

from .verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "key", nargs="?", type=int, help="its number, as `status` shows it (default: every old one that nothing uses)"
    )


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    retired = retire_keys(operator(), key_id=options["key"])
    for key_id in retired.gone:
        command.stdout.write(f"Key {key_id} is destroyed.")
    for reason in retired.kept.values():
        command.stdout.write(f"Not destroyed: {reason}.")
    if not retired.gone and not retired.kept:
        command.stdout.write("There is no old key.")


VERB = Verb("retire", "destroy old keys that nothing uses any more", _run, _add_arguments)
