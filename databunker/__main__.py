"""The operator's entrance: `databunker help` lists the commands. In a clone the same as `manage.py`."""

from __future__ import annotations

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from databunker.memory import protect_memory

__all__ = ["main"]


def main() -> None:
    protect_memory()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databunker.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        sys.exit(f"databunker: {problem}")


if __name__ == "__main__":
    main()
