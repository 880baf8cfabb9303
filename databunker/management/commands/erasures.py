from __future__ import annotations

import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.access.actor import operator
from databunker.erasure import journal, outside, pushing
from databunker.erasure.actions import export_journal
from databunker.errors import VaultError
from databunker.management.files import STANDARD, output, stopping_cleanly
from databunker.management.journals import entries_of
from databunker.management.progress import Bars
from databunker.notify.models import Job, JobState
from vault.actions import replay_journal, waive_journal


class Command(BaseCommand):
    help = (
        "The erasure journal: everybody who was forgotten, as keyed hashes, kept outside of the database so that "
        "nobody comes back with a backup."
    )
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        verbs = parser.add_subparsers(dest="verb", required=True)
        verbs.add_parser("status", help="how many erasures there are, and which are not outside yet; 1 if any isn't")
        export = verbs.add_parser("export", help="write the whole journal")
        export.add_argument("file", metavar="FILE", nargs="?", default=STANDARD, help="default: standard output")
        replay = verbs.add_parser("replay", help="forget again, after a restore, whom the journals name")
        replay.add_argument("files", metavar="FILE", nargs="*", help="a journal, or - for standard input")
        replay.add_argument("--accept-gaps", action="store_true", help="serve though erasures are missing in between")
        replay.add_argument("--none", action="store_true", help="there is no journal: serve without one")
        replay.add_argument("--reason", default="", metavar="TEXT", help="why, for the audit trail")

    def handle(self, *, verb: str, **options: Any) -> None:
        try:
            with stopping_cleanly():
                getattr(self, f"_{verb}")(options)
        except VaultError as error:
            raise CommandError(error.message) from error
        except DatabaseError as error:
            raise CommandError(
                f"the database can't be reached or read ({type(error).__name__}): see DATABASE_URL"
            ) from None
        except OSError as error:
            raise CommandError(f"the journal can't be written: {error.strerror}") from error

    def _export(self, options: dict[str, Any]) -> None:
        number = -1  # the header
        with output(options["file"]) as target:
            for line in export_journal(operator()):
                target.write(line)
                number += 1
        told = f"{number:,} erasures."
        (self.stderr if options["file"] == STANDARD else self.stdout).write(told, style_func=str)

    def _replay(self, options: dict[str, Any]) -> None:
        if options["none"] == bool(options["files"]):
            raise CommandError("name the journals, or say --none --reason TEXT")
        if options["none"]:
            waive_journal(operator(), reason=options["reason"])
            self.stdout.write("No journal was replayed. The vault serves again.")
            return
        with Bars(terminal=self.stderr.isatty()) as bars:
            done = replay_journal(
                operator(),
                entries_of(options["files"]),
                accept_gaps=options["accept_gaps"],
                reason=options["reason"],
                tell=lambda number: bars.show("replaying", number, None),
            )
        self.stdout.write(f"{done.entries:,} erasures read, {done.forgotten:,} people forgotten again.")

    def _status(self, _: dict[str, Any]) -> None:
        problems = list(self._problems())
        for problem in problems:
            self.stdout.write(problem)
        if problems:
            raise CommandError("see above")

    def _problems(self) -> Iterator[str]:
        end = journal.head()
        last = journal.entry_at(end.sequence)
        self.stdout.write(f"Erasures: {end.sequence:,}" + (f", the last one at {_time(last.at)}" if last else ""))
        yield from journal.check_chain()
        if end.restored is not None:
            yield "This vault was restored and waits for its journal: see `manage.py erasures replay`."
        if not settings.ERASURE_JOURNAL_FILE and not settings.ERASURE_JOURNAL_URL:
            yield "Nothing is kept outside: set ERASURE_JOURNAL_FILE or ERASURE_JOURNAL_URL."
        yield from self._problems_of_file()
        yield from self._problems_of_url()

    def _problems_of_file(self) -> Iterator[str]:
        try:
            found = outside.file_state()
        except VaultError as error:
            yield error.message
            return
        if found is not None:
            self.stdout.write(f"In ERASURE_JOURNAL_FILE: {found.last:,}")
            if found.missing:
                yield f"Not in ERASURE_JOURNAL_FILE: {found.missing:,}. `manage.py maintenance` writes them."

    def _problems_of_url(self) -> Iterator[str]:
        if not settings.ERASURE_JOURNAL_URL:
            return
        for state in JobState:
            number = Job.objects.filter(kind=pushing.KIND, state=state).count()
            if number:
                yield f"Not posted to ERASURE_JOURNAL_URL, {state.label}: {number:,}"


def _time(seconds: int) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(seconds))
