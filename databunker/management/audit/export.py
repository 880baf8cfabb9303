"""`manage.py audit export`."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from audit.exporting import export_trail
from databunker.access.actor import operator
from databunker.management.files import STANDARD, output, stopping_cleanly
from databunker.management.priority import run_behind
from databunker.management.progress import Bars
from databunker.management.verb import Verb

__all__ = ["VERB"]


def _add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", nargs="?", default=STANDARD, help="default: standard output")
    parser.add_argument(
        "--from", dest="start", type=int, default=0, metavar="POSITION", help="go on where another export ended"
    )


def _run(command: BaseCommand, options: dict[str, Any]) -> None:
    name = options["file"]
    try:
        run_behind(command)
        with stopping_cleanly(), Bars(terminal=command.stderr.isatty()) as bars, output(name) as target:
            export = export_trail(operator(), start=max(options["start"], 0))
            for number, line in enumerate(export):
                target.write(line)
                bars.show("events", number, export.end - export.start)
    except OSError as error:
        raise CommandError(f"the export can't be written: {error.strerror}", returncode=2) from error
    told = f"Positions {export.start:,} to {export.end - 1:,}. The next export goes on with --from {export.end}"
    (command.stderr if name == STANDARD else command.stdout).write(told, style_func=str)


VERB = Verb(
    "export",
    "write the trail as JSON Lines, with what proves it and without anything personal, for a SIEM or an auditor",
    _run,
    _add_arguments,
)
