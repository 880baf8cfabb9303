"""`manage.py scheduler` as a process: it forgets in time, ends when it is told to, and outlives an outage."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.vaults import PROJECT, SECONDS, Vault, ended, new_vault

from .test_outage import outage

pytestmark = pytest.mark.slow


@pytest.fixture
def vault(tmp_path: Path) -> Iterator[Vault]:
    with new_vault(tmp_path, MAINTENANCE_SECONDS="1", KEYRING_CACHE_SECONDS="1") as made:
        yield made


@contextmanager
def scheduler(vault: Vault, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Running; what it logs goes to `log(vault)`."""
    with (vault.folder / "scheduler.log").open("ab") as out:
        process = subprocess.Popen(
            [sys.executable, str(PROJECT / "manage.py"), "scheduler", *arguments],
            cwd=vault.folder,
            env=vault.environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: process.poll() is not None or "scheduler started" in messages(vault))
        assert process.poll() is None, log(vault)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.wait(SECONDS)


def log(vault: Vault) -> list[dict[str, Any]]:
    """Every line is one JSON object."""
    return [json.loads(line) for line in (vault.folder / "scheduler.log").read_text().splitlines()]


def messages(vault: Vault) -> list[str]:
    return [line["message"] for line in log(vault)]


def wait_for(true: Callable[[], bool], seconds: float = SECONDS) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def add_person(vault: Vault, login: str, expiration: str) -> None:
    vault.script(
        "from databunker.access.actor import operator\n"
        "from vault.actions import create_record\n"
        "from gdpr.actions import start_expiration\n"
        f"create_record(operator(), profile={{'login': '{login}'}})\n"
        f"start_expiration(operator(), mode='login', identity='{login}', wish={{'expiration': '{expiration}'}})\n"
    )


def forgotten(vault: Vault) -> int:
    return int(vault.database.value("SELECT count(*) FROM vault_record WHERE state = 2"))


def test_it_forgets_in_time_and_logs_only_what_it_did(vault: Vault) -> None:
    with scheduler(vault) as process:
        add_person(vault, "annwhosetimeisover", "0s")
        add_person(vault, "ben", "1d")
        wait_for(lambda: forgotten(vault) == 1)
        time.sleep(2.5)  # passes that find nothing say nothing
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    assert messages(vault) == ["scheduler started", "maintenance", "scheduler stopped"]
    assert log(vault)[1]["done"] == {"people": 1}
    assert forgotten(vault) == 1
    text = (vault.folder / "scheduler.log").read_text()
    for secret in ("annwhosetimeisover", vault.master_key, vault.database.name):
        assert secret not in text


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_well(vault: Vault, number: signal.Signals) -> None:
    with scheduler(vault) as process:
        process.send_signal(number)
        assert process.wait(SECONDS) == 0
    assert messages(vault)[-1] == "scheduler stopped"
    assert all(line["level"] == "INFO" for line in log(vault))


def test_it_outlives_an_outage(vault: Vault) -> None:
    add_person(vault, "ann", "3s")
    with scheduler(vault, SQLITE_BUSY_SECONDS="1") as process:
        with outage(vault.database):
            wait_for(lambda: any(line["level"] == "ERROR" for line in log(vault)))
            time.sleep(3)
            assert process.poll() is None
        wait_for(lambda: forgotten(vault) == 1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    failures = [line for line in log(vault) if line["level"] == "ERROR"]
    assert {line["message"] for line in failures} == {"a task of maintenance failed"}
    assert all(line["task"] and line["error"] for line in failures)
    assert vault.database.value("SELECT count(*) FROM audit_event WHERE type = 103") == 1


def test_it_ends_with_its_parent(vault: Vault) -> None:
    """As `manage.py demo` starts it."""
    with scheduler(vault, "--parent", str(os.getpid())) as process:
        time.sleep(1.5)
        assert process.poll() is None
    assert process.returncode == -signal.SIGKILL
    (vault.folder / "scheduler.log").unlink()
    with scheduler(vault, "--parent", "1") as process:
        assert process.wait(SECONDS) == 0
    assert messages(vault)[-1] == "scheduler stopped"


def test_a_vault_that_is_not_ready_is_said_in_one_line(vault: Vault) -> None:
    for command in ("scheduler", "maintenance"):
        done = ended(vault.start_manage(command, DATABUNKER_MASTERKEY=""))
        assert done.code == 1
        assert "no master key: set DATABUNKER_MASTERKEY" in done.err
        assert "Traceback" not in done.err
