"""What goes through all of a vault gives way to its server; what somebody waits for doesn't."""

from __future__ import annotations

import itertools
import json
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from databunker import priority
from databunker.priority import NICENESS, give_way, rest
from tests.support.vaults import Vault, new_vault

pytestmark = pytest.mark.database_independent

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


@pytest.mark.slow
def test_commands_that_go_through_all_there_is_give_way(vault: Vault) -> None:
    usual = os.getpriority(os.PRIO_PROCESS, 0)
    commands = [command.format(vault.folder) for command in (*BEHIND, *AT_ONCE)]
    told = dict(map(json.loads, vault.script(SCRIPT.format(commands=json.dumps(commands))).splitlines()))
    behind = max(usual, NICENESS)
    assert told == dict.fromkeys(commands[: len(BEHIND)], behind) | dict.fromkeys(commands[len(BEHIND) :], usual)


# The modules that have their rest, by the command that works in them.
PLACES = {
    "audit seal": ["audit.sealing"],
    "keys rotate": [],
    "keys rewrap": ["databunker.keys.rewrapping"],
    "keys reindex --margin 0": ["databunker.keys.reindexing"],
    "audit verify --processes 1": ["audit.verification.chunks", "audit.verification.waiting"],
    "audit export {}/events": ["audit.exporting"],
    "backup {}/backup": ["databunker.backup.snapshot"],
    "verify": ["databunker.backup.checking"],
}
PERSON = """
from databunker.access.actor import operator
from vault import actions
actions.create_record(operator(), profile={"login": "ann"})
"""
RESTS = """
import contextlib, importlib, io, json
from django.core.management import execute_from_command_line
import audit.sealing
audit.sealing.BATCH = 1  # what a new vault has to seal is otherwise one piece of work
rested = []
def watch(name):
    module = importlib.import_module(name)
    rest = module.rest
    def watched():
        rested.append(name)
        rest()
    module.rest = watched
for name in {modules!r}:
    watch(name)
for command in json.loads({commands!r}):
    rested.clear()
    with contextlib.redirect_stdout(io.StringIO()):
        execute_from_command_line(["manage.py", *command.split()])
    print(json.dumps([command, sorted(set(rested))]), flush=True)
"""


@pytest.mark.slow
def test_they_come_by_a_rest(vault: Vault) -> None:
    places = {command.format(vault.folder): modules for command, modules in PLACES.items()}
    vault.script(PERSON)
    lines = RESTS.format(modules=sorted(itertools.chain(*places.values())), commands=json.dumps(list(places)))
    assert dict(map(json.loads, vault.script(lines).splitlines())) == places


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


class Machine:
    """Its time goes on by what is worked and slept; of its ticks others use a share."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now, self.slept, self.others = 100.0, 0.0, 0.0
        self._used = 0.0
        self._stat = folder / "stat"
        monkeypatch.setattr(priority, "_STAT", self._stat)
        monkeypatch.setattr(priority.time, "monotonic", lambda: self.now)
        monkeypatch.setattr(priority.time, "sleep", self._sleep)
        self._go(0.0)
        monkeypatch.setattr(priority, "_pace", priority._Pace())

    def work(self, seconds: float, *, others: float) -> float:
        """So many seconds of work, with a chance to rest after each twentieth of a second; how long it has rested."""
        self.others, before = others, self.slept
        for _ in range(round(seconds * 20)):
            self._go(0.05)
            rest()
        return self.slept - before

    def _sleep(self, seconds: float) -> None:
        self.slept += seconds
        self._go(seconds)

    def _go(self, seconds: float) -> None:
        self.now += seconds
        self._used += seconds * self.others
        user, idle = round(self._used * 200), round((self.now - self._used) * 200)
        self._stat.write_text(f"cpu  {user} 3000 0 {idle} 0 0 0 0 0 0\ncpu0 1 2 3\n", encoding="ascii")


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


def behind(run: Callable[[], float]) -> float:
    """What it returns in a thread that gives way."""
    found: list[float] = []

    def give_way_and_run() -> None:
        give_way()
        found.append(run())

    thread = threading.Thread(target=give_way_and_run)
    thread.start()
    thread.join()
    return found[0]


def test_a_fifth_of_the_time_is_worked_while_others_are_busy(machine: Machine) -> None:
    assert behind(lambda: machine.work(60, others=0.7)) == pytest.approx(60 * 4, rel=0.05)
    assert behind(lambda: machine.work(60, others=0.5)) < 5, "a few rests, until it has looked again"
    assert behind(lambda: machine.work(60, others=0.7)) == pytest.approx(60 * 4, rel=0.05)


def test_who_does_not_give_way_does_not_rest(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority.os, "getpriority", lambda *_: NICENESS - 1)
    assert machine.work(60, others=1.0) == 0


def test_one_long_piece_of_work_is_not_followed_by_a_longer_rest(machine: Machine) -> None:
    def run() -> float:
        machine.work(2, others=1.0)
        before = machine.slept
        machine._go(60)
        rest()
        return machine.slept - before

    assert behind(run) == 1.0


def test_where_the_kernel_does_not_tell_nobody_rests(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(priority, "_STAT", Path("/proc/none/stat"))
    monkeypatch.setattr(priority, "_pace", priority._Pace())
    assert behind(lambda: machine.work(60, others=1.0)) == 0
