"""The WSGI entrance. It doesn't come up without the right keys and an up-to-date database."""

from __future__ import annotations

import os
import sys

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databunker.settings")
django.setup(set_prefix=False)

from databunker import memory, startup  # noqa: E402 - needs Django to be set up
from databunker.api.handler import Handler  # noqa: E402

application = Handler()

memory.protect_memory()
try:
    startup.verify()
except startup.NotReady as problem:
    sys.exit(f"databunker: {problem}")
