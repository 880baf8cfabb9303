"""`manage.py keys split`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.access.actor import operator
from databunker.crypto import shares
from databunker.crypto.recovery import RecoverySecret
from databunker.keys import has_shares, replace_shares

from .ceremony import Terminal, hand_out
from .verb import Verb

__all__ = ["VERB"]

_THRESHOLD, _SHARES = 3, 5


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--shares", type=int, default=_SHARES, help=f"how many people get one, up to {shares.MAX_SHARES} (default: 5)"
    )
    parser.add_argument("--threshold", type=int, default=_THRESHOLD, help="how many of them are enough (default: 3)")


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    terminal = Terminal.required()
    number, threshold = options["shares"], options["threshold"]
    secret = RecoverySecret.fresh()
    words = shares.split(secret, threshold=threshold, shares=number)
    if has_shares() and not terminal.agrees("There are shares already: they will open nothing any more. Go on?"):
        raise CommandError("stopped: nothing was changed")
    with terminal.second_screen():
        hand_out(terminal, words)
    replace_shares(operator(), secret, threshold=threshold, shares=number)
    command.stdout.write(
        f"{number} shares open the keyring now, any {threshold} of them, and fewer tell nothing. Shares of an earlier "
        "split open nothing in this vault any more; old copies of the database they do open. Rehearse with "
        "`manage.py keys verify-shares`."
    )


VERB = Verb(
    "split",
    "make recovery shares: words on paper for several people, of whom some together can open the keyring without the "
    "master key",
    _run,
    _add_arguments,
)
