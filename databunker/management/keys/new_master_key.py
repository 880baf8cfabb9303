"""`manage.py keys new-master-key`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.management.setup import new_master_key, write_master_key

from .verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--file", type=Path, help="write it to this new file (mode 0600) rather than to the terminal")


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    made = new_master_key()
    if made.ciphertext:
        command.stdout.write(f"DATABUNKER_MASTERKEY_TRANSIT={made.ciphertext}")
    elif options["file"]:
        try:
            write_master_key(options["file"], made)
        except OSError as error:
            raise CommandError(f"{options['file']} can't be written: {error.strerror}") from error
        command.stdout.write(f"DATABUNKER_MASTERKEY_FILE={options['file'].absolute()}")
    else:
        command.stdout.write(f"DATABUNKER_MASTERKEY={made.key.secret.hex()}")


VERB = Verb(
    "new-master-key",
    "make a master key, which nothing is under yet, and print the setting for it; where TRANSIT_URL is set, as Transit "
    "has encrypted it",
    _run,
    _add_arguments,
)
