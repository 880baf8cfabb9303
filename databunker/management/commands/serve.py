from __future__ import annotations

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand

from databunker.settings.environment import BASE_DIR, RESOURCES


class Command(BaseCommand):
    help = "Serve the API with gunicorn on BUNKER_HOST:BUNKER_PORT, as deploy/gunicorn.conf.py says."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def handle(self, **_: Any) -> None:
        self.stdout.flush()
        os.chdir(BASE_DIR)
        config = str(RESOURCES / "deploy" / "gunicorn.conf.py")
        command = [sys.executable, "-m", "gunicorn", "--config", config, "databunker.wsgi:application"]
        os.execv(sys.executable, command)  # noqa: S606 - becomes the server, with the same environment
