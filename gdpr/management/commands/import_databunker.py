from __future__ import annotations

import logging
import os
import signal
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, NoReturn

from django.core.management.base import BaseCommand, CommandError
from django.db import Error as DatabaseError

from databunker.access.actor import operator
from databunker.errors import VaultError
from databunker.ids import unix_now
from gdpr.importing import ImportRefused, ImportStopped, Options, PeerKey, Reading, Tally, open_peer, run_import
from gdpr.importing.display import display, summary
from vault.loading import LoadRefused, LoadStopped
from vault.loading.running import few_collections, signals

_MAX_BATCH = 5_000
_REFUSED, _STOPPED, _SIGNALLED = 2, 1, 128
_HOW_TO_RESUME = "\nRun the same command again to go on where it stopped."
_KEY, _URL = "DATABUNKER_IMPORT_MASTERKEY", "DATABUNKER_IMPORT_DATABASE_URL"
_logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Take everything over from an existing Databunker, under the same user tokens. Its database is only read. Run "
        "the same command again after it was stopped or killed: it goes on where it was. docs/migrating.md says more."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--database-url", help=f"Databunker's database: sqlite:///, postgres://, mysql:// (or {_URL})"
        )
        parser.add_argument("--masterkey-file", type=Path, help="a file with Databunker's master key: 48 hex digits")
        parser.add_argument("--masterkey", help=f"the key itself: other users of this host can see it; better: {_KEY}")
        parser.add_argument("--report", type=Path, help="what was not taken over (default: databunker-import-1.jsonl)")
        parser.add_argument("--batch", type=int, default=500, help="rows in a transaction (default 500)")
        parser.add_argument("--dry-run", action="store_true", help="read and decrypt everything, write nothing")
        parser.add_argument(
            "--restart", action="store_true", help="go through all tables anew; what is here already stays as it is"
        )

    def handle(self, **given: Any) -> None:
        if not 1 <= given["batch"] <= _MAX_BATCH:
            raise CommandError(f"--batch must be between 1 and {_MAX_BATCH:,}", returncode=_REFUSED)
        try:
            self._import(given)
        except (ImportRefused, LoadRefused) as error:
            raise CommandError(str(error), returncode=_REFUSED) from None
        except (ImportStopped, LoadStopped) as error:
            raise CommandError(str(error) + _HOW_TO_RESUME, returncode=_STOPPED) from None
        except VaultError as error:
            raise CommandError(error.message + _HOW_TO_RESUME, returncode=_STOPPED) from None
        except DatabaseError as error:
            message = f"the vault's database can't be reached or used ({type(error).__name__}): see DATABASE_URL"
            raise CommandError(message + _HOW_TO_RESUME, returncode=_STOPPED) from None
        except KeyboardInterrupt:
            self._end_by_signal(signal.SIGINT)
        except Exception as error:
            # Its own text might quote a row; the log names type and place only.
            _logger.exception("import failed")
            raise CommandError(f"unexpected {type(error).__name__}; the log says where", returncode=_STOPPED) from None

    def _import(self, given: dict[str, Any]) -> None:
        key, url = self._key(given), given["database_url"] or os.environ.get(_URL, "")
        if not url:
            raise ImportRefused(f"name Databunker's database with --database-url or {_URL}")
        options = Options(given["report"], given["batch"], given["restart"], given["dry_run"])
        with open_peer(url) as peer, few_collections(), signals() as caught:
            tally = self._run(Reading(operator(), peer, key, unix_now()), options, caught)
        self.stdout.write(summary(tally, dry_run=options.dry_run))
        if caught and not tally.complete:
            self._end_by_signal(caught[0])

    def _key(self, given: dict[str, Any]) -> PeerKey:
        sources = [given["masterkey"], given["masterkey_file"], os.environ.get(_KEY)]
        if sum(source is not None and source != "" for source in sources) != 1:
            raise ImportRefused(f"give Databunker's master key once: by --masterkey-file, {_KEY} or --masterkey")
        if given["masterkey"]:
            self._note("--masterkey shows the key to other users of this host and to the shell's history. ")
            return PeerKey.parse(given["masterkey"])
        if given["masterkey_file"] is None:
            return PeerKey.parse(os.environ[_KEY])
        try:
            return PeerKey.parse(given["masterkey_file"].read_text())
        except (OSError, UnicodeDecodeError) as error:
            raise ImportRefused(f"--masterkey-file can't be read ({type(error).__name__})") from None

    def _run(self, reading: Reading, options: Options, caught: list[int]) -> Tally:
        with display(self._note, terminal=self.stderr.isatty()) as shown:
            return run_import(reading, options, tell=shown.show, stopped=lambda: bool(caught))

    def _note(self, text: str) -> None:
        self.stderr.write(text, style_func=str)

    def _end_by_signal(self, number: int) -> NoReturn:
        self._note("Stopped." + _HOW_TO_RESUME)
        raise SystemExit(_SIGNALLED + number)
