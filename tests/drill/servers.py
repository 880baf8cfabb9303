"""Database servers of our own, to be killed, frozen and filled: never those that others use."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path

from tests.support.databases import Database
from tests.support.vaults import free_port

__all__ = ["Mariadb", "Postgres", "PrivateServer", "missing_programs"]

SECONDS = 60
_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
NAME = "vault"


def missing_programs(kind: str) -> list[str]:
    """What a private server of this kind needs and this machine doesn't have."""
    if os.geteuid() != 0:
        return ["root, to run servers as their own users"]
    if kind == "postgresql":
        return [] if _POSTGRES else ["postgresql"]
    if kind == "mysql":
        return [name for name in ("mariadbd", "mariadb-install-db") if shutil.which(name) is None]
    return []


class PrivateServer(ABC):
    """A server with a folder and a port of its own, run as its own user and in a session of its own."""

    kind: str
    user: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.data = folder / "data"
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        owner = pwd.getpwnam(self.user)
        os.chown(folder, owner.pw_uid, owner.pw_gid)
        for parent in (folder, *folder.parents):
            if parent != Path("/") and parent.stat().st_uid == os.geteuid():
                parent.chmod(parent.stat().st_mode | 0o011)

    @abstractmethod
    def make(self) -> None:
        """Write an empty cluster into the folder."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @property
    @abstractmethod
    def url(self) -> str: ...

    @property
    def database(self) -> Database:
        return Database(f"{self.url}/{NAME}")

    @property
    @abstractmethod
    def own_database(self) -> Database:
        """The one that every server of this kind has."""

    def run(self, *command: str) -> None:
        done = subprocess.run(
            command, user=self.user, cwd="/", capture_output=True, check=False, env=self._environment()
        )
        assert done.returncode == 0, done.stderr.decode()

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "HOME": str(self.folder), "TMPDIR": str(self.folder)}

    def start(self) -> None:
        """Start it, and wait until it lets somebody in."""
        with (self.folder / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), user=self.user, cwd="/", env=self._environment(), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
        self.wait()

    def wait(self) -> None:
        deadline = time.monotonic() + SECONDS
        while True:
            assert self.process is not None
            assert self.process.poll() is None, (self.folder / "server.log").read_text(errors="replace")[-3000:]
            try:
                self.own_database.rows("SELECT 1")
            except Exception:
                assert time.monotonic() < deadline, (self.folder / "server.log").read_text(errors="replace")[-3000:]
                time.sleep(0.05)
            else:
                return

    def processes(self) -> list[int]:
        """All of the server, children that lead sessions of their own included."""
        assert self.process is not None
        children: dict[int, list[int]] = {}
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, parent = stat.read_text().rpartition(") ")[2].split()[:2]
                if state != "Z":
                    children.setdefault(int(parent), []).append(int(stat.parent.name))
        found, at = [self.process.pid], 0
        while at < len(found):
            found += children.get(found[at], [])
            at += 1
        return found

    def signal_all(self, number: signal.Signals) -> None:
        for pid in self.processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def kill(self) -> None:
        """All of its processes at once, as when the machine loses power (but for what the disk's own cache held)."""
        if self.process is not None:
            pids = self.processes()
            self.signal_all(signal.SIGKILL)
            self.process.wait(SECONDS)
            self.process = None
            deadline = time.monotonic() + SECONDS
            while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
                time.sleep(0.01)

    def frozen(self) -> contextlib.AbstractContextManager[None]:
        """It neither answers nor refuses: connections open, and nothing comes."""
        return self._frozen()

    @contextlib.contextmanager
    def _frozen(self) -> Iterator[None]:
        self.signal_all(signal.SIGSTOP)
        try:
            yield
        finally:
            self.signal_all(signal.SIGCONT)

    def __enter__(self) -> PrivateServer:
        self.make()
        self.start()
        self.own_database.rows(f"CREATE DATABASE {NAME}")
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class Postgres(PrivateServer):
    """PostgreSQL with its usual durability: a commit is on the disk when it is acknowledged."""

    kind = "postgresql"
    user = "postgres"

    def make(self) -> None:
        self.run(
            str(_POSTGRES[-1] / "initdb"), "--pgdata", str(self.data), "--username", "postgres", "--auth", "trust",
            "--no-sync", "--encoding", "UTF8",
        )  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{self.folder}'\n"
                "shared_buffers = 32MB\nmax_connections = 60\nmin_wal_size = 32MB\nmax_wal_size = 64MB\n"
            )

    def command(self) -> list[str]:
        return [str(_POSTGRES[-1] / "postgres"), "-D", str(self.data)]

    @property
    def url(self) -> str:
        return f"postgres://postgres@127.0.0.1:{self.port}"

    @property
    def own_database(self) -> Database:
        return Database(f"{self.url}/postgres")

    def backends(self) -> list[int]:
        """The processes that serve a connection to the vault."""
        rows = self.own_database.rows(f"SELECT pid FROM pg_stat_activity WHERE datname = '{NAME}'")
        return [int(pid) for (pid,) in rows]


class Mariadb(PrivateServer):
    kind = "mysql"
    user = "mysql"

    def make(self) -> None:
        self.run(
            "mariadb-install-db", "--no-defaults", f"--datadir={self.data}", "--skip-test-db",
            "--auth-root-authentication-method=normal", f"--tmpdir={self.folder}",
        )  # fmt: skip

    def command(self) -> list[str]:
        return [
            str(shutil.which("mariadbd")), "--no-defaults", f"--datadir={self.data}", f"--port={self.port}",
            "--bind-address=127.0.0.1", f"--socket={self.folder / 'mariadb.sock'}", f"--tmpdir={self.folder}",
            f"--pid-file={self.folder / 'mariadb.pid'}", "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=16M",
            "--skip-name-resolve",
        ]  # fmt: skip

    @property
    def url(self) -> str:
        return f"mysql://root@127.0.0.1:{self.port}"

    @property
    def own_database(self) -> Database:
        return Database(f"{self.url}/mysql")


def reachable(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
        return True
    return False
