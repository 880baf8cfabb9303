"""Vaults as an operator has them: `manage.py` and gunicorn processes on a database of their own."""

from __future__ import annotations

import itertools
import json
import os
import re
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from .clients import Client
from .databases import Database
from .prepared import copied_database

__all__ = ["PROJECT", "Ended", "Server", "Shell", "Vault", "free_port", "new_vault", "serving"]

PROJECT = Path(__file__).resolve().parent.parent.parent
SECONDS = 30
# Below the ports that the kernel gives to outgoing connections; each test process begins elsewhere.
_ports = itertools.count(11_000 + os.getpid() * 61 % 20_000)


def free_port() -> int:
    for port in _ports:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError("no port is free")


class Ended(NamedTuple):
    """How a process ended and what it wrote."""

    code: int
    out: str
    err: str


@dataclass
class Vault:
    """A vault with keys of its own; nothing of it comes from the surroundings of the tests."""

    database: Database
    folder: Path
    master_key: str = field(default_factory=lambda: secrets.token_hex(32))
    settings: dict[str, str] = field(default_factory=dict)
    root_token: str = ""
    _shell: Shell | None = field(default=None, init=False, repr=False)

    def environment(self, **settings: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "LC_ALL", "TZ") if name in os.environ}
        given = {
            "DJANGO_SETTINGS_MODULE": "databunker.settings",
            "DATABUNKER_ENV_FILE": "",
            "DATABUNKER_MASTERKEY": self.master_key,
            "DATABASE_URL": self.database.url,
            "PYTHONPATH": str(PROJECT),
            "TMPDIR": str(self.folder),
        }
        return kept | given | self.settings | settings

    def start_manage(self, *arguments: str, own_session: bool = False, **settings: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(PROJECT / "manage.py"), *arguments],
            cwd=self.folder,
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=own_session,
        )

    def manage(self, *arguments: str, **settings: str) -> Ended:
        return ended(self.start_manage(*arguments, **settings))

    def init(self) -> None:
        """`manage.py init`; keeps the root token that it prints."""
        done = self.manage("init")
        assert done.code == 0, done.err
        (self.root_token,) = tokens_in(done.out)

    def new_token(self, label: str = "shop", *scope: str) -> str:
        """An application's access token, from `manage.py access_token create`."""
        done = self.manage("access_token", "create", "--label", label, *scope)
        assert done.code == 0, done.err
        (token,) = re.findall(r"^ {4}([0-9a-f-]{36})$", done.out, re.MULTILINE)
        return str(token)

    def new_token_of(self, person: str) -> str:
        """A person's own access token, as a login would give it."""
        return self.script(
            "import uuid\n"
            "from databunker.access import tokens\n"
            "from databunker.access.models import TokenKind\n"
            "from vault.references import subject_of\n"
            "token = str(uuid.uuid4())\n"
            f"subject = subject_of(uuid.UUID('{person}'), tenant=1)\n"
            "tokens.add_token(token=token, kind=TokenKind.PERSON, subject=subject, label='test')\n"
            "print(token)"
        ).strip()

    def script(self, text: str, *, seconds: float = SECONDS) -> str:
        """What these lines print, run with the product's settings and Django set up."""
        if self._shell is not None:
            return self._shell.run(text)
        done = self._run(text, seconds=seconds)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def dies(self, text: str, **settings: str) -> None:
        """Run lines that kill their own process."""
        done = self._run(text, **settings)
        assert done.returncode == -signal.SIGKILL, (done.returncode, done.stderr)

    def _run(self, text: str, *, seconds: float = SECONDS, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", f"import django\ndjango.setup()\n{text}"],
            cwd=self.folder,
            env=self.environment(**settings),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    @contextmanager
    def with_shell(self) -> Iterator[None]:
        """Inside, one process runs all that `script` is given: each costs no start of Python and Django."""
        with Shell(self) as self._shell:
            yield
        self._shell = None


class Shell(AbstractContextManager["Shell"]):
    """A process of the product that runs lines of Python, one text after the other, each with names of its own."""

    _LOOP = """
import contextlib, io, json, sys, traceback
import django
django.setup()
for line in sys.stdin:
    out, error = io.StringIO(), ""
    try:
        with contextlib.redirect_stdout(out):
            exec(json.loads(line), {"__name__": "__shell__"})
    except Exception:
        error = traceback.format_exc()
    print(json.dumps([out.getvalue(), error]), flush=True)
"""

    def __init__(self, vault: Vault) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self._LOOP],
            cwd=vault.folder,
            env=vault.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(self, text: str) -> str:
        """What they print.

        Raises:
            AssertionError: they raise something, which it tells.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(text) + "\n")
        self._process.stdin.flush()
        out, error = json.loads(self._process.stdout.readline())
        assert not error, error
        return str(out)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate(timeout=SECONDS)


def tokens_in(text: str) -> list[str]:
    """The root tokens that `manage.py init` printed."""
    return re.findall(r"X-Bunker-Token: ([0-9a-f-]{36})$", text, re.MULTILINE)


def ended(process: subprocess.Popen[str]) -> Ended:
    """Wait for the end."""
    try:
        out, err = process.communicate(timeout=SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise
    return Ended(process.returncode, out, err)


class Server(AbstractContextManager["Server"]):
    """gunicorn as deploy/gunicorn.conf.py has it. Leaving the block stops it and checks that it ended well."""

    def __init__(self, vault: Vault, **settings: str) -> None:
        self.vault = vault
        self.port = free_port()
        self.log = vault.folder / f"gunicorn-{self.port}.log"
        self._settings = {"BUNKER_PORT": str(self.port), "BUNKER_WORKERS": "2"} | settings
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Begin; whether it serves is for `__enter__` to find out."""
        with self.log.open("ab") as out:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "gunicorn", "-c", "deploy/gunicorn.conf.py", "databunker.wsgi:application"],
                cwd=PROJECT,
                env=self.vault.environment(**self._settings),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Server:
        self.start()
        try:
            self._wait()
        except BaseException:
            self.kill()
            raise
        return self

    def _wait(self) -> None:
        assert self.process is not None
        deadline = time.monotonic() + SECONDS
        while time.monotonic() < deadline:
            assert self.process.poll() is None, self.log_text()
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise AssertionError(f"it does not listen: {self.log_text()}")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process is None:
            return
        try:
            code = self.stop()
            left = self.processes()
        finally:
            self.kill()
        if kind is None:
            assert code == 0, self.log_text()
            assert left == []

    def stop(self) -> int:
        """SIGTERM to the master, as a service manager sends it; the exit code."""
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(SECONDS + 10)

    def kill(self) -> None:
        """SIGKILL to all of its processes, as when the machine goes down."""
        if self.process is None:
            return
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self.process.wait(SECONDS)
        deadline = time.monotonic() + SECONDS
        while self.processes() and time.monotonic() < deadline:
            time.sleep(0.01)
        self.process = None

    def processes(self) -> list[int]:
        """The master and its workers that are alive: all of the session that the master leads."""
        assert self.process is not None
        return [pid for pid, session in _sessions() if session == self.process.pid]

    def log_text(self) -> str:
        return self.log.read_text()

    def client(self, token: str | None = None) -> Client:
        """A caller with the root token, or with another."""
        return Client(self.port, self.vault.root_token if token is None else token)


def _sessions() -> Iterator[tuple[int, int]]:
    """Every process with its session, but for those that only wait for their parent to notice their end."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, session = (folder / "stat").read_text().rpartition(") ")[2].split()[:4]
        except OSError:
            continue
        if state != "Z":
            yield int(folder.name), int(session)


def _initialised(folder: Path, database: Database) -> tuple[str, str]:
    """Make a vault in this database; its master key and root token."""
    vault = Vault(database, folder)
    vault.init()
    return vault.master_key, vault.root_token


@contextmanager
def new_vault(folder: Path, **settings: str) -> Iterator[Vault]:
    """A vault as `manage.py init` leaves it, with the keys of all others; its database is dropped afterwards."""
    with copied_database(folder, _initialised) as copy:
        yield Vault(copy.database, folder, copy.master_key, settings, copy.root_token)


@contextmanager
def serving(folder: Path, **settings: str) -> Iterator[Server]:
    """A new vault and its server."""
    with new_vault(folder, **settings) as vault, Server(vault, **settings) as server:
        yield server
