"""`manage.py keys rotate`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.crypto.keyring import Purpose
from databunker.keys import rotate_key
from databunker.keys.actions import ROTATABLE

from .verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--purpose",
        choices=[purpose.value for purpose in ROTATABLE],
        default=Purpose.DATA.value,
        help="what for (default: %(default)s)",
    )


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    key = rotate_key(operator(), purpose=Purpose(options["purpose"]))
    command.stdout.write(
        f"New {key.purpose} key {key.id}. Every process uses it within {settings.KEYRING_CACHE_SECONDS} s."
    )
    if key.purpose is Purpose.DATA:
        command.stdout.write("What is under older ones is put under it by `manage.py keys rewrap`.")


VERB = Verb("rotate", "make a new key, which is used from now on; older ones go on to open", _run, _add_arguments)
