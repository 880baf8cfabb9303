"""The operator's entrance: `databunker help` lists the commands. In a clone the same as `manage.py`."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line
from django.db import OperationalError, ProgrammingError

from databunker.memory import protect_memory

__all__ = ["main"]


def main() -> None:
    protect_memory()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databunker.settings")
    try:
        execute_from_command_line(sys.argv)
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
