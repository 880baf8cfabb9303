"""Keys are in the memory of the processes: no core dump, no other process and no swap file gets at them."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.vaults import PROJECT, SECONDS, Server, Vault, new_vault

if sys.platform != "linux":
    pytest.skip("/proc tells of it", allow_module_level=True)


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vault]:
    with new_vault(tmp_path_factory.mktemp("memory")) as made:
        yield made


def wait_for(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def core_limit(pid: int) -> tuple[str, ...]:
    found = re.search(r"^Max core file size +(\S+) +(\S+) ", Path(f"/proc/{pid}/limits").read_text(), re.MULTILINE)
    assert found is not None
    return found.groups()


def locked_kilobytes(pid: int) -> int:
    found = re.search(r"^VmLck:\s+([0-9]+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    assert found is not None
    return int(found[1])


def assert_protected(pid: int) -> None:
    """A new process does it first of all; then its memory is locked, if this machine lets it be."""
    wait_for(lambda: core_limit(pid) == ("0", "0"))
    if may_lock():
        wait_for(lambda: locked_kilobytes(pid) > 1_000)


def may_lock() -> bool:
    """As the product's own processes find it: they are started like this one."""
    status = Path("/proc/self/status").read_text()
    capable = int(re.findall(r"^CapEff:\s+([0-9a-f]+)", status, re.MULTILINE)[0], 16) >> 14 & 1
    return bool(capable) or resource.getrlimit(resource.RLIMIT_MEMLOCK)[1] == resource.RLIM_INFINITY


def test_the_servers_processes_are_protected(vault: Vault) -> None:
    with Server(vault) as server:
        wait_for(lambda: len(server.processes()) >= 3)
        for pid in server.processes():
            assert_protected(pid)


def test_the_schedulers_process_is_protected(vault: Vault) -> None:
    process = vault.start_manage("scheduler")
    try:
        assert_protected(process.pid)
    finally:
        process.terminate()
        process.communicate(timeout=SECONDS)


_TELL = """
import ctypes, resource
from databunker.memory import protect_memory
{before}
protect_memory()
print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0), *resource.getrlimit(resource.RLIMIT_CORE))
bytearray(64 * 1024 * 1024)
"""


@pytest.mark.parametrize("before", ["", "resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 23, 1 << 23))"])
def test_it_can_be_read_by_no_process_of_the_same_user(before: str) -> None:
    """Not dumpable: then neither ptrace nor /proc/PID/mem open it to the user that it runs as. Nor does it run out of memory."""
    done = subprocess.run(
        [sys.executable, "-c", _TELL.format(before=before)], cwd=PROJECT, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == ["0", "0", "0"]


def test_without_the_right_to_lock_it_runs_all_the_same() -> None:
    """As another user, under a small limit: nothing is locked, and memory is there as ever."""
    become = "import os\nos.setgid(65534)\nos.setuid(65534)\n" if os.geteuid() == 0 else ""
    before = f"{become}resource.setrlimit(resource.RLIMIT_MEMLOCK, (1 << 16, 1 << 16))"
    done = subprocess.run(
        [sys.executable, "-c", _TELL.format(before=before)], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.split()) == (0, ["0", "0", "0"]), done.stderr
