#!/usr/bin/env python
"""The operator's entrance: `manage.py help` lists the commands."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from databunker.memory import protect_memory

if __name__ == "__main__":
    protect_memory()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databunker.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as problem:
        sys.exit(f"databunker: {problem}")
