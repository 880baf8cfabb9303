"""`manage.py audit verify-receipt`: whether the receipt of an erasure holds; needs nothing but the public key."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from databunker.erasure.statement import KEPT_NOTHING
from databunker.erasure.verifying import (
    MAX_RECEIPT_BYTES,
    ReceiptRefused,
    Verified,
    is_of,
    parse_receipt,
    verify_receipt,
)
from databunker.ids import parse_token
from databunker.management.files import reading
from databunker.management.verb import Verb

__all__ = ["VERB"]

_REFUSED, _UNREADABLE = 1, 2


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", help="the receipt, or - for standard input")
    parser.add_argument(
        "--public-key",
        action="append",
        default=[],
        metavar="KEY",
        help="the vault's public key, as `audit public-key` prints it; may be given several times. Without it the "
        "receipt is checked by the key that it names itself",
    )
    parser.add_argument("--token", metavar="TOKEN", help="whose receipt it should be")


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    try:
        with reading(options["file"]) as (file, _):
            text = file.read(MAX_RECEIPT_BYTES + 1)
    except OSError as error:
        raise CommandError(f"the receipt can't be read: {error.strerror}", returncode=_UNREADABLE) from error
    try:
        receipt = parse_receipt(text)
        found = verify_receipt(receipt, public_keys=options["public_key"])
    except ReceiptRefused as error:
        raise CommandError(f"the receipt does not hold: {error.message}", returncode=_REFUSED) from error
    _check_token(receipt, options["token"])
    for line in _told(found, compared=bool(options["public_key"])):
        command.stdout.write(line)


def _check_token(receipt: Mapping[str, Any], text: str | None) -> None:
    if text is None:
        return
    token = parse_token(text.strip())
    if token is None or not is_of(receipt, token):
        raise CommandError("it is not the receipt of the person with this token", returncode=_REFUSED)


def _told(found: Verified, *, compared: bool) -> Iterator[str]:
    yield f"The receipt holds: the data of the person was erased at {found.when}."
    kept = "Nothing" if found.kept == KEPT_NOTHING else "What the law demands to be preserved, and nothing else,"
    yield f"{kept} of the record was kept."
    if not found.event_shown:
        yield "The event itself is older than the vault keeps events; its place in the trail is proved."
    if not compared:
        yield f"Signed with this key, to be compared with the vault's own:\n    {found.key}"


VERB = Verb("verify-receipt", "check the receipt of an erasure; needs no database and no keys", _run, _add_arguments)
