"""The operator's entrance: `databunker help` lists the commands. In a clone the same as `manage.py`."""

from __future__ import annotations

import gc
import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, ManagementUtility
from django.db import OperationalError, ProgrammingError

from databunker.memory import protect_memory

__all__ = ["main"]


class _Commands(ManagementUtility):
    def fetch_command(self, subcommand: str) -> BaseCommand:
        """What has been loaded by then stays: to look for garbage in it meanwhile would take a fifth of the start."""
        command = super().fetch_command(subcommand)
        gc.freeze()
        gc.enable()
        return command


def main() -> None:
    gc.disable()
    protect_memory()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databunker.settings")
    try:
        _Commands(sys.argv).execute()
    except ImproperlyConfigured as problem:
        sys.exit(f"databunker: {problem}")
    except (OperationalError, ProgrammingError) as problem:
        # A database that is away or has no tables yet. These say nothing of rows, as an IntegrityError might.
        if "--traceback" in sys.argv:
            raise
        what = str(problem).partition("\n")[0]
        sys.exit(f"databunker: the database refuses: {what} (has `manage.py init` made its tables?)")


if __name__ == "__main__":
    main()
