from __future__ import annotations

import os
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.access.roles import Role
from databunker.accounts.actions import create_account
from databunker.accounts.models import Account
from databunker.management.demo import ACCOUNTS, PASSWORD, NotADemo, furnish
from databunker.management.setup import initialise
from databunker.settings.environment import BASE_DIR, COMMAND, SETTINGS
from vault.models import Record

_FOLDER = BASE_DIR / "var"
_MARKER = "DATABUNKER_DEMO_STARTED"
ENVIRONMENT = {
    "DATABUNKER_ENV_FILE": "",
    "DATABUNKER_DEMO": "true",
    "DATABUNKER_ROOTTOKEN": "DEMO",
    "DATABUNKER_MASTERKEY": "",
    "DATABUNKER_MASTERKEY_COMMAND": "",
    "PAGES_HTTPS": "false",
    "CONSOLE_SECOND_FACTOR": "optional",
    "MAX_SESSION_RETENTION": "30d",
    "UI_COMPANY_TITLE": "Example Shop",
    "CONTROLLER_CONTACT": "Example Shop Ltd, 1 Market Square, Leeds",
    "DPO_CONTACT": "Dora, privacy@shop.example.com",
}


def _places(folder: Path) -> dict[str, str]:
    """The settings that say where the vault is."""
    key, database = folder / "demo.masterkey", folder / "demo.sqlite3"
    return {"DATABUNKER_MASTERKEY_FILE": str(key), "DATABASE_URL": f"sqlite:///{database}"}


class Command(BaseCommand):
    help = "Serve a demonstration vault kept under ./var, with a small company and the root token DEMO."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--folder", type=Path, default=_FOLDER, help="keep it there rather than under ./var")

    def handle(self, *, folder: Path, **_: Any) -> None:
        folder = folder.absolute()
        if os.environ.get(_MARKER) is None:
            # Settings are read when a process starts: start again with those of the demonstration, and none of
            # the operator's but where to listen.
            for setting in SETTINGS:
                if not setting.name.startswith("BUNKER_"):
                    os.environ.pop(setting.name, None)
            os.environ.update({**ENVIRONMENT, **_places(folder), _MARKER: "1"})
            os.execv(sys.executable, [*COMMAND, "demo", "--folder", str(folder)])  # noqa: S606
        initialise()
        if not Account.objects.exists():
            create_account(operator(), name="demo", role=Role.ADMIN, display_name="Demo", password=PASSWORD)
        if not Record.objects.exists():
            self.stdout.write("Making up a company …")
            self.stdout.flush()
            with suppress(NotADemo):  # what somebody has begun with, an earlier release perhaps
                furnish()
        self._greet(folder)
        self._start_scheduler()
        call_command("serve")

    def _start_scheduler(self) -> None:
        """Beside the server, which this process becomes: it ends with it."""
        command = [*COMMAND, "scheduler", "--parent", str(os.getpid())]
        subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command

    def _greet(self, folder: Path) -> None:
        places = " ".join(f"{name}={shlex.quote(value)}" for name, value in _places(folder).items())
        others = ", ".join(f"{name} ({role.value})" for name, (role, _) in ACCOUNTS.items())
        url = f"http://{settings.BUNKER_HOST}:{settings.BUNKER_PORT}"
        token = "-H 'X-Bunker-Token: DEMO'"  # noqa: S105 - of the demonstration
        as_json = "-H 'Content-Type: application/json'"
        self.stdout.write(
            f"""
A demonstration vault is about to listen on {url}. Everybody knows its token: no real data. Ctrl-C stops it.

In a browser:

  {url}/console/   as demo, with the password {PASSWORD}; also as {others}
  {url}/           as test@securitybunker.io, with the code 4444

In another terminal:

  Store a person, get a token:
    curl -s {token} {as_json} -d '{{"email":"eve@example.com","name":"Eve"}}' {url}/v1/user

  Find people by e-mail or login:
    curl -s {token} {url}/v1/user/email/ann@example.com
    curl -s {token} {url}/v1/user/login/joao

  Change one field:
    curl -s {token} {as_json} -X PUT -d '{{"address":{{"city":"Leeds"}}}}' {url}/v1/user/login/ann

  See who did what:
    curl -s {token} '{url}/v1/audit/admin?limit=5'

  Forget a person:
    curl -s {token} -X DELETE {url}/v1/user/email/mika@example.com

  Run commands on this vault:
    export {places}
    {sys.executable} manage.py access_token list
"""
        )
