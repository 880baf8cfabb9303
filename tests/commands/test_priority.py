"""What goes through all of a vault gives way to its server; what somebody waits for doesn't."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from databunker.management.priority import NICENESS, give_way
from tests.support.vaults import Vault, new_vault

BEHIND = (
    "backup {}/backup",
    "verify",
    "audit seal",
    "audit verify",
    "audit export {}/events",
    "keys rewrap",
    "keys reindex --margin 0",
)
AT_ONCE = ("keys status", "keys rotate", "maintenance")
# Each in a process of its own, as from the command line; none can take back what it has set itself.
SCRIPT = """
import contextlib, io, json, os, sys
from django.core.management import execute_from_command_line
for command in json.loads({commands!r}):
    sys.stdout.flush()
    if not os.fork():
        with contextlib.redirect_stdout(io.StringIO()):
            execute_from_command_line(["manage.py", *command.split()])
        print(json.dumps([command, os.getpriority(os.PRIO_PROCESS, 0)]), flush=True)
        os._exit(0)
    assert os.wait()[1] == 0, command
"""


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path, KEYRING_CACHE_SECONDS="1") as made:
        yield made


def test_commands_that_go_through_all_there_is_give_way(vault: Vault) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    commands = [command.format(vault.folder) for command in (*BEHIND, *AT_ONCE)]
    told = dict(map(json.loads, vault.script(SCRIPT.format(commands=json.dumps(commands))).splitlines()))
    behind = max(usual, NICENESS)
    assert told == dict.fromkeys(commands[: len(BEHIND)], behind) | dict.fromkeys(commands[len(BEHIND) :], usual)


def test_a_program_that_calls_them_keeps_its_priority(vault: Vault) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    calling = "import os\nfrom django.core.management import call_command\ncall_command('verify')\nprint(os.getpriority(0, 0))"
    assert int(vault.script(calling).splitlines()[-1]) == usual


def test_who_has_less_priority_already_keeps_it() -> None:
    found: list[int] = []

    def run() -> None:
        lower = max(os.getpriority(os.PRIO_PROCESS, 0), NICENESS + 5)
        os.setpriority(os.PRIO_PROCESS, 0, lower)
        give_way()
        found.append(os.getpriority(os.PRIO_PROCESS, 0) - lower)

    thread = threading.Thread(target=run)  # on Linux a priority is a thread's
    thread.start()
    thread.join()
    assert found == [0]


def test_where_a_sandbox_forbids_it_all_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def forbidden(*_: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", forbidden)
    give_way()
