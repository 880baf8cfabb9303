"""The machine and the programs that a figure depends on. Nothing that names the machine or its owner."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
import time
from pathlib import Path

from benchmarks.errors import HarnessError

__all__ = ["check_tools", "facts", "syncs_per_second"]

TOOLS = {"wrk": "wrk", "pgbench": "postgresql", "psql": "postgresql-client"}
PACKAGES = ("Django", "djangorestframework", "gunicorn", "psycopg2-binary", "PyNaCl", "orjson", "phonenumbers")
SYNC_SECONDS = 1.0
PAGE = b"\0" * 8192


def check_tools() -> None:
    """
    Raises:
        HarnessError: a program is missing; the message says what to install.
    """
    missing = [f"{tool} (Debian: {package})" for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        raise HarnessError(f"not installed: {', '.join(missing)}")


def facts(folder: Path) -> list[tuple[str, str]]:
    """Name and value, in the order to print; `folder` is where the disk is tried."""
    return [
        ("Processor", f"{os.cpu_count()} cores, {_processor()}"),
        ("Memory", f"{_memory_gigabytes():.1f} GB"),
        ("Busy before the run", f"{os.getloadavg()[0]:.2f} (load average of the last minute; an idle machine has 0)"),
        ("Disk", f"{syncs_per_second(folder):,.0f} synchronous writes of 8 KB a second (one after the other)"),
        ("System", f"{_system()}, Linux {_kernel()}"),
        ("Python", platform.python_version()),
        ("Packages", ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)),
        ("wrk", _version(["wrk", "-v"], r"wrk (?:debian/)?(\S+)")),
        ("pgbench", _version(["pgbench", "--version"], r"\(PostgreSQL\) (\S+)")),
    ]


def syncs_per_second(folder: Path) -> float:
    """How often a page can be written so that it would survive a power cut; a committed transaction needs one."""
    path = folder / "sync.probe"
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        started, count = time.monotonic(), 0
        while time.monotonic() - started < SYNC_SECONDS:
            os.pwrite(descriptor, PAGE, 0)
            os.fdatasync(descriptor)
            count += 1
        return count / (time.monotonic() - started)
    finally:
        os.close(descriptor)
        path.unlink()


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found.group(1).strip() if found else platform.machine()


def _memory_gigabytes() -> float:
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9


def _kernel() -> str:
    """Its version; what whoever built it has appended says nothing to a reader."""
    return platform.release().partition("-")[0]


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return platform.system()


def _version(command: list[str], pattern: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else "unknown"
