"""`manage.py keys reindex`."""

from __future__ import annotations

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.keys.reindexing import MARGIN_SECONDS, Outcome, Plan, reindex
from databunker.management.files import stopping_cleanly
from databunker.management.priority import run_behind
from databunker.management.progress import Bars

from .verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument(
        "--keep-key",
        action="store_true",
        help="write all identities anew under the index key that there is: after IDENTITY_FIELDS or DEFAULT_COUNTRY "
        "has changed, when every server has the new setting",
    )
    parser.add_argument(
        "--drop-fields",
        action="store_true",
        help="have nobody found any more by fields that the settings no longer name",
    )
    parser.add_argument(
        "--leave-damaged",
        action="store_true",
        help="go on although records don't open; nobody finds these people by their identities afterwards",
    )
    parser.add_argument(
        "--margin",
        type=float,
        default=MARGIN_SECONDS,
        metavar="SECONDS",
        help="how much longer than KEYRING_CACHE_SECONDS to wait before each step: more than any call takes that "
        "writes (default: %(default)s)",
    )


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    plan = Plan(**{name: options[name] for name in ("keep_key", "drop_fields", "leave_damaged", "margin")})
    run_behind(command)
    with stopping_cleanly(), Bars(terminal=command.stderr.isatty()) as bars:
        outcome = reindex(operator(), plan, tell=bars.show)
    command.stdout.write("\n".join(_told(outcome, plan)))


def _told(outcome: Outcome, plan: Plan) -> Iterator[str]:
    yield f"{outcome.records:,} records written by this run, {outcome.agreements:,} pending agreements moved."
    for field, number in sorted(outcome.left_out.items()):
        yield (
            f"{number:,} people are not found by {field}: somebody else has the same. The event identity.left_out in "
            "their trail says so."
        )
    if outcome.damaged:
        yield f"{len(outcome.damaged):,} records don't open and were left as they were."
    yield (
        "Every identity is up to date." if plan.keep_key else "The new index key is in use, and the old one destroyed."
    )


VERB = Verb(
    "reindex",
    "replace the index key, which identities are hashed under, while the vault is in use; several hosts may help, and "
    "a run that was stopped goes on when it is started again",
    _run,
    _add_arguments,
)
