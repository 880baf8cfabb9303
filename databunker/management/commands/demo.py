from __future__ import annotations

import os
import shlex
import subprocess
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand

from databunker.access.actor import operator
from databunker.access.roles import Role
from databunker.accounts.actions import create_account
from databunker.accounts.models import Account
from databunker.management.setup import initialise
from databunker.settings.environment import BASE_DIR, COMMAND, SETTINGS
from vault.actions import create_record
from vault.models import Record

_FOLDER = BASE_DIR / "var"
_MARKER = "DATABUNKER_DEMO_STARTED"
_ENVIRONMENT = {
    "DATABUNKER_ENV_FILE": "",
    "DATABUNKER_DEMO": "true",
    "DATABUNKER_ROOTTOKEN": "DEMO",
    "DATABUNKER_MASTERKEY": "",
    "DATABUNKER_MASTERKEY_COMMAND": "",
    "DATABUNKER_MASTERKEY_FILE": str(_FOLDER / "demo.masterkey"),
    "DATABASE_URL": f"sqlite:///{_FOLDER / 'demo.sqlite3'}",
    "PAGES_HTTPS": "false",
    "CONSOLE_SECOND_FACTOR": "optional",
}
_PASSWORD = "a-vault-to-try-out"  # noqa: S105 - of the demonstration, for everybody
_PEOPLE: list[dict[str, Any]] = [
    {
        "login": "ann",
        "email": "ann@example.com",
        "phone": "+44 7700 900001",
        "first_name": "Ann",
        "last_name": "Example",
        "address": {"street": "1 High Street", "city": "London", "country": "GB"},
    },
    {
        "login": "joao",
        "email": "joao@example.com",
        "phone": "+351 912 345 678",
        "first_name": "João",
        "last_name": "Exemplo",
        "health": {"blood": "A+", "allergies": ["pollen"]},
    },
    {
        "login": "mika",
        "email": "mika@example.com",
        "custom": "customer-42",
        "first_name": "美香",
        "last_name": "例",
        "cards": [{"brand": "visa", "number": "4000000000000002", "expires": "12/31"}],
    },
    # Comes in by the code 4444, as in the peer's demonstration.
    {"login": "test", "email": "test@securitybunker.io", "phone": "4444", "first_name": "Test"},
]


def _settings(*names: str) -> str:
    return " ".join(f"{name}={shlex.quote(_ENVIRONMENT[name])}" for name in names)


class Command(BaseCommand):
    help = "Serve a demonstration vault kept under ./var, with a few example people and the root token DEMO."
    requires_system_checks: list[str] = []  # noqa: RUF012 - Django's interface

    def handle(self, **_: Any) -> None:
        if os.environ.get(_MARKER) is None:
            # Settings are read when a process starts: start again with those of the demonstration, and none of
            # the operator's but where to listen.
            for setting in SETTINGS:
                if not setting.name.startswith("BUNKER_"):
                    os.environ.pop(setting.name, None)
            os.environ.update({**_ENVIRONMENT, _MARKER: "1"})
            os.execv(sys.executable, [*COMMAND, "demo"])  # noqa: S606
        initialise()
        if not Account.objects.exists():
            create_account(operator(), name="demo", role=Role.ADMIN, display_name="Demo", password=_PASSWORD)
        if not Record.objects.exists():
            for person in _PEOPLE:
                create_record(operator(), profile=person)
        self._greet()
        self._start_scheduler()
        call_command("serve")

    def _start_scheduler(self) -> None:
        """Beside the server, which this process becomes: it ends with it."""
        command = [*COMMAND, "scheduler", "--parent", str(os.getpid())]
        subprocess.Popen(command, stdin=subprocess.DEVNULL)  # noqa: S603 - our own command

    def _greet(self) -> None:
        url = f"http://{settings.BUNKER_HOST}:{settings.BUNKER_PORT}"
        token = "-H 'X-Bunker-Token: DEMO'"  # noqa: S105 - of the demonstration
        as_json = "-H 'Content-Type: application/json'"
        self.stdout.write(
            f"""
A demonstration vault is about to listen on {url}. Everybody knows its token: no real data. Ctrl-C stops it.

In a browser:

  {url}/console/   as demo, with the password {_PASSWORD}
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
    export {_settings("DATABUNKER_MASTERKEY_FILE", "DATABASE_URL")}
    {sys.executable} manage.py access_token list
"""
        )
