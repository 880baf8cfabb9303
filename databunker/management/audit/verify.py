"""`manage.py audit verify`."""

from __future__ import annotations

import os
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit import statements, trees, verifier
from audit.verification import Options, Report, verify
from audit.verification.chunks import Seen
from databunker.ids import unix_now
from databunker.management.priority import run_behind
from databunker.management.progress import Bars
from databunker.management.verb import Verb
from databunker.periods import seconds_of
from vault.loading.running import few_collections, signals

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--since", metavar="PERIOD", help="only what was sealed since, such as 1d: quick, and less")
    parser.add_argument("--from", dest="start", type=int, default=0, metavar="POSITION", help="go on from here")
    parser.add_argument("--backlog", default="600s", metavar="PERIOD", help="how long events may wait (default: 600s)")
    parser.add_argument(
        "--witness", metavar="FILE", help="heads that were kept elsewhere, as AUDIT_WITNESS_FILE has them"
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, metavar="N", help="default: one for each core"
    )


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    started = time.monotonic()
    seen = _seen(options["witness"]) if options["witness"] else {}
    run_behind(command)
    with signals() as caught, few_collections(), Bars(terminal=command.stderr.isatty()) as bars:
        report = verify(
            Options(
                start=max(options["start"], 0),
                since=unix_now() - seconds_of(options["since"]) if options["since"] else None,
                backlog_seconds=seconds_of(options["backlog"]),
                seen=seen,
                processes=max(options["processes"], 1),
                tell=lambda done, total: bars.show("events", done, total),
                stopped=lambda: bool(caught),
            )
        )
    _tell(command, report, seconds=time.monotonic() - started)
    if report.found.number:
        raise CommandError(f"the trail is not as it was written: {report.found.number:,} problems", returncode=1)
    if caught:
        raise CommandError(f"stopped; go on with --from {report.reached or 0}", returncode=128 + caught[0])


def _seen(name: str) -> dict[str, list[Seen]]:
    """
    Raises:
        CommandError: a head of the file was not signed by this vault, or it can't be read.
    """
    try:
        keys = verifier.Keys(key for tree in trees.all_trees() for key in statements.public_keys(origin=tree.origin))
        kept = verifier.read_seen(Path(name), keys)
    except verifier.NotProved as error:
        raise CommandError(f"{name}: {error}", returncode=1) from error
    except OSError as error:
        raise CommandError(f"{name} can't be read: {error.strerror}", returncode=2) from error
    return {origin: [Seen(*head) for head in sorted(heads.items())] for origin, heads in kept.items()}


def _tell(command: BaseCommand, report: Report, *, seconds: float) -> None:
    found = report.found
    for problem in found.problems:
        command.stdout.write(str(problem))
    if found.number > len(found.problems):
        command.stdout.write(f"… and {found.number - len(found.problems):,} more")
    pruned = f", {found.pruned:,} deleted by retention" if found.pruned else ""
    waiting = f", {found.waiting:,} not sealed yet" if found.waiting else ""
    command.stdout.write(f"{found.events:,} events verified{pruned}{waiting}; {found.heads:,} heads; {seconds:,.1f} s")


VERB = Verb(
    "verify",
    "prove that every event is as it was written and in its place, and every head as it was signed; 1 if not",
    _run,
    _add_arguments,
)
