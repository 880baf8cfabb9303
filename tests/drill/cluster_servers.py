"""Several servers that stand for several machines, each on ports of its own: databases, poolers, proxies."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path

from tests.support.databases import Database
from tests.support.vaults import PROJECT, free_port

from .servers import _POSTGRES, NAME, Mariadb, Postgres, PrivateServer, reachable

__all__ = ["Galera", "Node", "Pgbouncer", "Proxy", "Standby", "missing_for_cluster"]

SECONDS = 90
_GALERA = Path("/usr/lib/galera/libgalera_smm.so")
_STREAM = Path("/usr/lib/nginx/modules/ngx_stream_module.so")
_SBIN = os.environ["PATH"] + ":/usr/sbin"


def missing_for_cluster(kind: str) -> list[str]:
    """Debian's packages that this machine lacks."""
    if os.geteuid() != 0:
        return ["root, to run servers as their own users"]
    lacks = [] if shutil.which("nginx", path=_SBIN) else ["nginx"]
    if kind == "postgresql":
        lacks += [] if _POSTGRES else ["postgresql"]
        return lacks + ([] if shutil.which("pgbouncer", path=_SBIN) else ["pgbouncer"])
    lacks += [] if _GALERA.exists() else ["galera-4"]
    lacks += [] if _STREAM.exists() else ["libnginx-mod-stream"]
    return lacks + [name for name in ("rsync", "mariadbd", "lsof") if shutil.which(name, path=_SBIN) is None]


class Node(Postgres):
    """A PostgreSQL that may be primary or standby: every commit waits for a standby, once it has one."""

    def make(self) -> None:
        super().make()
        with (self.data / "postgresql.conf").open("a") as config:
            config.write("wal_level = replica\nmax_wal_senders = 8\nhot_standby = on\nwal_keep_size = 64MB\n")

    def wants_standby(self, name: str) -> None:
        """From now on a commit is acknowledged when the standby has it on its disk, too."""
        self.own_database.rows(f"ALTER SYSTEM SET synchronous_standby_names = '{name}'")
        self.own_database.rows("SELECT pg_reload_conf()")
        deadline = time.monotonic() + SECONDS
        while name and not self.own_database.rows("SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'"):
            assert time.monotonic() < deadline, "no standby follows"
            time.sleep(0.05)

    def promote(self) -> None:
        """The standby becomes the primary; nobody follows it yet."""
        self.run(str(_POSTGRES[-1] / "pg_ctl"), "promote", "-D", str(self.data), "--wait")
        self.wants_standby("")


class Standby(Node):
    """A copy of another node that follows it."""

    def __init__(self, folder: Path, primary: Node) -> None:
        super().__init__(folder)
        self._primary = primary

    def make(self) -> None:
        self.run(
            str(_POSTGRES[-1] / "pg_basebackup"), "--pgdata", str(self.data), "--write-recovery-conf", "--checkpoint=fast",
            "--wal-method=stream", "--no-sync",
            "--dbname", f"host=127.0.0.1 port={self._primary.port} user=postgres application_name=standby",
        )  # fmt: skip
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(f"port = {self.port}\nunix_socket_directories = '{self.folder}'\n")

    def begin(self) -> None:
        self.make()
        self.start()


class Daemon(ABC):
    """A program with a configuration and a port, in the foreground."""

    name: str

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o777)

    @abstractmethod
    def configuration(self) -> str:
        """What its file holds."""

    @abstractmethod
    def command(self) -> list[str]:
        """How it is started."""

    @property
    def file(self) -> Path:
        return self.folder / f"{self.name}.conf"

    def start(self, *, user: str | None = None) -> None:
        self.file.write_text(self.configuration())
        with (self.folder / f"{self.name}.log").open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), user=user, cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={"PATH": _SBIN, "HOME": str(self.folder)},
            )  # fmt: skip
        deadline = time.monotonic() + SECONDS
        while not reachable(self.port):
            assert self.process.poll() is None, (self.folder / f"{self.name}.log").read_text()
            assert time.monotonic() < deadline, f"{self.name} doesn't listen"
            time.sleep(0.05)

    def reload(self) -> None:
        """Read the configuration anew, as it is now."""
        assert self.process is not None
        self.file.write_text(self.configuration())
        self.process.send_signal(signal.SIGHUP)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait(20)
            self.process = None


class Pgbouncer(Daemon):
    """Leads to one PostgreSQL, in transaction mode; `lead_to` another when that was promoted."""

    name = "pgbouncer"

    def __init__(self, folder: Path, node: PrivateServer) -> None:
        super().__init__(folder)
        self._node = node
        (folder / "users").write_text('"postgres" ""\n')

    def configuration(self) -> str:
        """As deploy/ has it, but for where and who."""
        given = (PROJECT / "deploy" / "pgbouncer" / "pgbouncer.ini").read_text()
        own = {
            "databunker": "",
            "listen_port": str(self.port),
            "auth_type": "trust",
            "auth_file": f"{self.folder}/users",
            "admin_users": "postgres",
        }
        for name, value in own.items():
            line = f"{name} = {value}" if value else self._leads()
            given, found = re.subn(rf"^{name} = .*$", line, given, flags=re.MULTILINE)
            assert found == 1, name
        return given

    def _leads(self) -> str:
        return f"{NAME} = host=127.0.0.1 port={self._node.port} dbname={NAME} user=postgres"

    def command(self) -> list[str]:
        return ["pgbouncer", "--quiet", str(self.file)]

    def lead_to(self, node: PrivateServer) -> None:
        self._node = node
        self.reload()

    @property
    def database(self) -> Database:
        return Database(f"postgres://postgres@127.0.0.1:{self.port}/{NAME}")


class Proxy(Daemon):
    """nginx before the vaults, its locations as deploy/nginx has them; TLS is left out, as nobody is between."""

    name = "nginx"

    def __init__(self, folder: Path, vaults: Sequence[int]) -> None:
        super().__init__(folder)
        self._vaults = vaults

    def configuration(self) -> str:
        given = (PROJECT / "deploy" / "nginx" / "databunker.conf").read_text()
        (first, *_) = re.findall(r"^server \{\n.*?^\}", given, re.MULTILINE | re.DOTALL)
        locations = first[first.index("    # As large as") : first.rindex("    # What machines of your own")]
        upstream = "".join(f"server 127.0.0.1:{port} max_fails=2 fail_timeout=2s; " for port in self._vaults)
        scratch = "".join(
            f"{one}_temp_path {self.folder}/{one}; " for one in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        return (
            f"daemon off; user root; pid {self.folder}/pid; error_log stderr crit; worker_processes 2;\n"
            f"events {{ worker_connections 512; }}\nhttp {{ {scratch} access_log off;\n"
            f"upstream databunker {{ {upstream} keepalive 64; }}\n"
            f"server {{ listen 127.0.0.1:{self.port};\n{locations}}}\n}}\n"
        )

    def command(self) -> list[str]:
        return ["nginx", "-c", str(self.file)]


def _as_deployed() -> list[str]:
    """What deploy/ has for every node alike: all behind the lines that say which node it is."""
    given = (PROJECT / "deploy" / "mariadb" / "galera.cnf").read_text().rpartition("\n\n")[2]
    return [f"--{name}={value}" for name, value in re.findall(r"^(\w+) = (.*)$", given, re.MULTILINE)]


class Galera(Mariadb):
    """One node of a cluster of three."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(folder)
        self.number = number
        self.ports = {one: free_port() for one in ("group", "ist", "sst")}
        self.others: list[Galera] = []
        self.first = False

    def command(self) -> list[str]:
        options = (
            f"base_port={self.ports['group']};gmcast.listen_addr=tcp://127.0.0.1:{self.ports['group']};"
            f"ist.recv_addr=127.0.0.1:{self.ports['ist']};gcache.size=64M;gcache.dir={self.data};"
            "evs.suspect_timeout=PT2S;evs.inactive_timeout=PT4S;evs.keepalive_period=PT0.5S"
        )
        members = ",".join(f"127.0.0.1:{node.ports['group']}" for node in self.others)
        return [
            *super().command(), *_as_deployed(), "--wsrep-on=ON",
            f"--wsrep-provider={_GALERA}", "--wsrep-cluster-name=vault", f"--wsrep-node-name=node{self.number}",
            f"--wsrep-cluster-address=gcomm://{'' if self.first else members}",
            f"--wsrep-node-address=127.0.0.1:{self.ports['group']}",
            f"--wsrep-sst-receive-address=127.0.0.1:{self.ports['sst']}",
            f"--wsrep-provider-options={options}",
            *(["--wsrep-new-cluster"] if self.first else []),
        ]  # fmt: skip

    def _environment(self) -> dict[str, str]:
        return super()._environment() | {"PATH": _SBIN}

    def wait(self) -> None:
        super().wait()
        deadline = time.monotonic() + SECONDS
        while not self.synced():
            assert time.monotonic() < deadline, (self.folder / "server.log").read_text(errors="replace")[-3000:]
            time.sleep(0.1)

    def synced(self) -> bool:
        with contextlib.suppress(Exception):
            rows = self.own_database.rows("SHOW STATUS LIKE 'wsrep_local_state_comment'")
            return rows[0][1] == "Synced"
        return False

    def members(self) -> int:
        return int(self.own_database.rows("SHOW STATUS LIKE 'wsrep_cluster_size'")[0][1])


class Balancer(Daemon):
    """nginx before the nodes, for one vault: one node, the next ones while that is away."""

    name = "balancer"

    def __init__(self, folder: Path, nodes: Sequence[Galera]) -> None:
        super().__init__(folder)
        self.nodes = list(nodes)

    def configuration(self) -> str:
        """Only those that are in step: one that has just been started is let in by `reload`."""
        usable = [node for node in self.nodes if node.process is not None]
        upstream = "".join(
            f"server 127.0.0.1:{node.port} max_fails=1 fail_timeout=2s{' backup' if place else ''}; "
            for place, node in enumerate(usable)
        )
        return (
            f"load_module {_STREAM}; daemon off; user root; pid {self.folder}/pid; error_log stderr crit;\n"
            f"events {{ worker_connections 256; }}\nstream {{ upstream nodes {{ {upstream} }}\n"
            f"server {{ listen 127.0.0.1:{self.port}; proxy_pass nodes; proxy_connect_timeout 1s; }} }}\n"
        )

    def command(self) -> list[str]:
        return ["nginx", "-c", str(self.file)]

    @property
    def database(self) -> Database:
        return Database(f"mysql://root@127.0.0.1:{self.port}/{NAME}")
