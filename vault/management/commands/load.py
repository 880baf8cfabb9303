from __future__ import annotations

import logging
import signal
import time
from argparse import ArgumentParser
from contextlib import closing
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.access.actor import Actor, operator
from databunker.errors import VaultError
from vault.loading import STANDARD_INPUT, LoadRefused, LoadStopped, Options, Source, Tally, load, open_source
from vault.loading.display import display, summary
from vault.loading.running import few_collections, signals

_MAX_BATCH = 10_000
_REFUSED, _STOPPED, _SIGNALLED = 2, 1, 128
_HOW_TO_RESUME = "\nRun the same command again to go on where it stopped."
_logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Load people from a file of JSON Lines or CSV, or from standard input. Run the same command again after it was "
        "stopped or killed: it goes on where it was, and nobody is stored twice or left out."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", metavar="FILE", help="the input, or - for standard input")
        parser.add_argument("--format", choices=("jsonl", "csv"), help="default: by the file's ending; jsonl for -")
        parser.add_argument("--rejects", type=Path, help="where rejected records go (default: FILE.rejects.jsonl)")
        parser.add_argument("--tokens", type=Path, help="write each created person's token to this file")
        parser.add_argument("--batch", type=int, default=1000, help="records in a transaction (default 1000)")
        parser.add_argument("--name", help="recognise standard input by this name, so that it can be resumed")
        parser.add_argument(
            "--restart", action="store_true", help="forget how far earlier runs came, and overwrite their files"
        )

    def handle(self, *, file: str, format: str | None, name: str | None, **given: Any) -> None:  # noqa: A002
        if not 1 <= given["batch"] <= _MAX_BATCH:
            raise CommandError(f"--batch must be between 1 and {_MAX_BATCH:,}", returncode=_REFUSED)
        default = "stdin.rejects.jsonl" if file == STANDARD_INPUT else f"{file}.rejects.jsonl"
        options = Options(given["rejects"] or Path(default), given["tokens"], given["batch"], given["restart"])
        resumable = file != STANDARD_INPUT or name is not None
        hint = _HOW_TO_RESUME if resumable else ""
        try:
            self._load(file, format, name, options)
        except LoadRefused as error:
            raise CommandError(str(error), returncode=_REFUSED) from error
        except LoadStopped as error:
            raise CommandError(str(error) + hint, returncode=_STOPPED) from error
        except VaultError as error:
            raise CommandError(error.message + hint, returncode=_STOPPED) from error
        except DatabaseError as error:
            raise CommandError(_database_message(error) + hint, returncode=_STOPPED) from None
        except KeyboardInterrupt:
            self._end_by_signal(signal.SIGINT, resumable=resumable)
        except Exception as error:
            # Its own text might quote a record; the log names type and place only.
            _logger.exception("load failed")
            raise CommandError(f"unexpected {type(error).__name__}; the log says where", returncode=_STOPPED) from None

    def _load(self, file: str, format_name: str | None, name: str | None, options: Options) -> None:
        actor, started = operator(), time.monotonic()
        source = open_source(file, format_name=format_name, name=name, tenant=actor.tenant)
        with closing(source), few_collections(), signals() as caught:
            tally = self._run(actor, source, options, caught)
        self.stdout.write(summary(tally, options, label=source.label, seconds=time.monotonic() - started))
        if caught and not tally.complete:
            self._end_by_signal(caught[0], resumable=tally.recorded)

    def _run(self, actor: Actor, source: Source, options: Options, caught: list[int]) -> Tally:
        with display(self._note, terminal=self.stderr.isatty(), size=source.size) as shown:
            return load(actor, source, options, tell=shown.show, stopped=lambda: bool(caught))

    def _note(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _end_by_signal(self, number: int, *, resumable: bool) -> NoReturn:
        self._note("Stopped." + (_HOW_TO_RESUME if resumable else " This load can't be resumed."))
        raise SystemExit(_SIGNALLED + number)


def _database_message(error: DatabaseError) -> str:
    return f"the database can't be reached or used ({type(error).__name__}): see DATABASE_URL, and `manage.py init`"
