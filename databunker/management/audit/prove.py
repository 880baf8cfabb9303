"""`manage.py audit prove`."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import proofs
from databunker.access.actor import operator
from databunker.ids import parse_token
from databunker.management.verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("event", metavar="EVENT", help="the event's id")


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    event = parse_token(options["event"])
    if event is None:
        raise CommandError("the id of an event is a UUID")
    proof = proofs.proof_of(event, tenant=operator().tenant)
    command.stdout.write(json.dumps(proof.document(), indent=1, ensure_ascii=False))


VERB = Verb("prove", "print the inclusion proof of an event with the signed head, as JSON", _run, _add_arguments)
