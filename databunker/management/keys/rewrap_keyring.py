"""`manage.py keys rewrap-keyring`."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.keys import rewrap_keyring

from .verb import Verb

__all__ = ["VERB"]


def _run(command: BaseCommand, _: dict[str, Any]) -> None:
    count = rewrap_keyring(operator())
    if not count:
        command.stdout.write("The keyring is under the master key that is set: nothing to do.")
        return
    command.stdout.write(
        f"{count} keys are under the new master key. Processes that know only the old one go on until they are "
        f"restarted, and say so in their log within {settings.KEYRING_CACHE_SECONDS} s.\n"
        "Backups made until now need the old master key: keep it as long as you keep them, apart from them, and "
        "restore them with DATABUNKER_MASTERKEY_OLD."
    )


VERB = Verb(
    "rewrap-keyring",
    "put the keyring under the master key that is set now; the one before it is in DATABUNKER_MASTERKEY_OLD (or "
    "_OLD_FILE, _OLD_COMMAND, _OLD_TRANSIT)",
    _run,
)
