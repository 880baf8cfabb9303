"""The WSGI entrance. It doesn't come up without the right keys and an up-to-date database."""

from __future__ import annotations

import os
import sys

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "databunker.settings")
application = get_wsgi_application()

from databunker import startup  # noqa: E402 - needs Django to be set up

try:
    startup.verify()
except startup.NotReady as problem:
    sys.exit(f"databunker: {problem}")
