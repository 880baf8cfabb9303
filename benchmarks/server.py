"""The vault under test and the empty view beside it: made, filled, served by gunicorn, and stopped again."""

from __future__ import annotations

import http.client
import json
import os
import secrets
import subprocess
import sys
import time
import uuid
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmarks.errors import HarnessError
from benchmarks.processes import Watched, free_port, pss_megabytes, stop, watch

__all__ = ["EMPTY", "PRODUCT", "PROJECT", "Server", "Vault", "run_python"]

PROJECT = Path(__file__).resolve().parent.parent
# The two applications, by their Django settings.
PRODUCT = "databunker.settings"
EMPTY = "benchmarks.empty_settings"
START_SECONDS = 30
LOG_LINES = 3


@dataclass(frozen=True)
class Vault:
    """A vault in its own database, with keys of its own; nothing of it comes from the caller's environment."""

    database_url: str
    folder: Path
    root_token: str = field(default_factory=lambda: str(uuid.uuid4()))
    master_key: str = field(default_factory=lambda: secrets.token_hex(32))

    def environment(self, *, settings: str = PRODUCT, port: int = 3000) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TZ") if name in os.environ}
        return {
            **kept,
            "DATABUNKER_ENV_FILE": str(self.folder / "no.env"),
            "DATABASE_URL": self.database_url,
            "DATABUNKER_MASTERKEY": self.master_key,
            "DATABUNKER_ROOTTOKEN": self.root_token,
            "DJANGO_SETTINGS_MODULE": settings,
            "BUNKER_PORT": str(port),
            "LOG_LEVEL": "WARNING",
        }

    def manage(self, *arguments: str) -> Watched:
        """Run a `manage.py` command.

        Raises:
            HarnessError: it failed; with the end of what it printed.
        """
        return run_python("manage.py", *arguments, vault=self)

    def load(self, people: Path, tokens: Path) -> Watched:
        """Load a file of people and have their tokens written, one JSON object a line."""
        return self.manage("load", str(people), "--tokens", str(tokens))


def run_python(*arguments: str, vault: Vault) -> Watched:
    """
    Raises:
        HarnessError: it failed; with the end of what it printed.
    """
    log = vault.folder / "command.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT, env=vault.environment(), stdout=out, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            watched = watch(process)
        except BaseException:
            stop(process)
            raise
    if watched.status != 0:
        raise HarnessError(f"{' '.join(arguments[:2])} ended with {watched.status}: {_tail(log)}")
    return watched


class Server(AbstractContextManager["Server"]):
    """gunicorn as the product runs it, on a free port; stopped on the way out."""

    command = ("-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "databunker.wsgi:application")
    # The yardstick has gunicorn's own thread worker, 2 x 8 threads on two cores: what Django gives as it comes.
    yardstick = ("--worker-class", "gthread", "--threads", "8")

    def __init__(self, vault: Vault, settings: str) -> None:
        self.vault = vault
        self.settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._log = vault.folder / f"gunicorn-{self.port}.log"

    def __enter__(self) -> Server:
        with self._log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, *self.command, *(self.yardstick if self.settings == EMPTY else ())],
                cwd=PROJECT, stdout=out, stderr=subprocess.STDOUT,
                env=self.vault.environment(settings=self.settings, port=self.port), start_new_session=True,
            )  # fmt: skip
        try:
            self._wait()
        except BaseException:
            stop(self._process)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        stop(self._process)

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise HarnessError(f"{self.settings} ended at once: {_tail(self._log)}")
            try:
                if self.call("GET", "/status")[0] == http.client.OK:
                    return
            except OSError:
                time.sleep(0.1)
        raise HarnessError(f"{self.settings} did not answer within {START_SECONDS} s: {_tail(self._log)}")

    def call(self, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
        """One request as an application would send it: status and the JSON of the answer (None where it is none)."""
        headers = {"X-Bunker-Token": self.vault.root_token, "Content-Type": "application/json"}
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            text = answer.read()
        try:
            return answer.status, json.loads(text)
        except ValueError:
            return answer.status, None

    def memory(self) -> tuple[int, float]:
        """Processes and megabytes (PSS) of the server."""
        return pss_megabytes(self._process.pid)


def _tail(log: Path) -> str:
    """The last lines, as one: the message of an error, not its traceback."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return " / ".join(lines[-LOG_LINES:]) or "it printed nothing"
