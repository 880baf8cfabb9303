"""`manage.py keys recover`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.keys import recover_keyring, verify_shares
from databunker.management.setup import Master, recovery_master_key

from .ceremony import entered_shares
from .verb import Verb
from .verify_shares import add_descriptor

__all__ = ["VERB", "tell_of"]


def _add_arguments(parser: ArgumentParser) -> None:
    add_descriptor(parser)
    parser.add_argument(
        "--use-configured",
        action="store_true",
        help="put the keyring under the master key that the settings name, rather than under a new one",
    )


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    secret = entered_shares(options["shares_fd"])
    verify_shares(secret)  # before a master key is made
    with recovery_master_key(use_configured=options["use_configured"]) as master:
        count = recover_keyring(operator(), secret, master.key)
    tell_of(command, master)
    command.stdout.write(
        f"{count} keys are under it, and open what is in the vault. Restart every process with it. Backups "
        "made until now need the master key of their time, or the shares (`manage.py restore --recover`)."
    )


def tell_of(command: BaseCommand, master: Master) -> None:
    """Where the master key is, or itself where it is nowhere else."""
    if master.ciphertext:
        command.stdout.write(
            f"The new master key, encrypted:\n\n    DATABUNKER_MASTERKEY_TRANSIT={master.ciphertext}\n"
        )
    elif master.file:
        command.stdout.write(f"The new master key is in {master.file}. Keep a copy apart from the database.")
    elif master.generated:
        command.stdout.write(
            "The new master key. Keep it safe and apart from the database: it is not shown again.\n\n"
            f"    DATABUNKER_MASTERKEY={master.key.secret.hex()}\n"
        )


VERB = Verb(
    "recover",
    "open the keyring with recovery shares and put it under a new master key, also where the old one is lost and "
    "nothing runs",
    _run,
    _add_arguments,
)
