"""What every drill needs: a vault on a database of its own, its server, and a look at both from outside."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.databases import Database
from tests.support.vaults import PROJECT, Server, Vault

from .ledger import Ledger, Person, prepare
from .servers import Mariadb, Postgres, PrivateServer

__all__ = ["KINDS", "Arena", "arena", "memory_of", "workers_of"]

KINDS = ("sqlite", "postgresql", "mysql")
_SERVERS: dict[str, type[PrivateServer]] = {"postgresql": Postgres, "mysql": Mariadb}
SECONDS = 60


class Arena:
    """A vault whose every acknowledged change stands in a ledger."""

    def __init__(self, vault: Vault, server: PrivateServer | None) -> None:
        self.vault = vault
        self.server = server
        self.ledger = Ledger()
        self.askers: list[Person] = []

    @property
    def kind(self) -> str:
        return self.vault.database.kind

    def prepare(self, running: Server, *, askers: int) -> None:
        with contextlib.closing(running.client()) as client:
            self.askers = prepare(client, self.ledger, askers)
        text = self.vault.script(
            "import json, uuid\n"
            "from databunker.access import tokens\n"
            "from databunker.access.models import TokenKind\n"
            "from vault.references import subject_of\n"
            f"for person in json.loads('''{json.dumps([asker.token for asker in self.askers])}'''):\n"
            "    token = str(uuid.uuid4())\n"
            "    subject = subject_of(uuid.UUID(person), tenant=1)\n"
            "    tokens.add_token(token=token, kind=TokenKind.PERSON, subject=subject, label='drill')\n"
            "    print(token)\n"
        )
        for asker, token in zip(self.askers, text.split(), strict=True):
            asker.own_token = token
        self.askers = list(self.askers)

    def check(self) -> list[str]:
        """What of the vault is not as the ledger and the vault's own keys say; nothing, where all is well."""
        path = self.vault.folder / "ledger.jsonl"
        path.write_text(self.ledger.text(), encoding="utf-8")
        problems = list(self.ledger.wrong)
        compared = subprocess.run(
            [sys.executable, "-m", "tests.drill.facts", str(path)], cwd=PROJECT, env=self.vault.environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if compared.returncode:
            problems.append(compared.stdout + compared.stderr)
        for command in (["verify"], ["audit", "seal"], ["audit", "verify"]):
            done = self.vault.manage(*command)
            if done.code:
                problems.append(f"{' '.join(command)}: {done.out}{done.err}")
        return problems


@contextlib.contextmanager
def arena(kind: str, folder: Path, *, home: Path | None = None, **settings: str) -> Iterator[Arena]:
    """A new vault of this kind of database, in a folder of its own and, where it needs one, on a private server.

    `home` is where the database is kept, if that matters.
    """
    work = folder / "vault"
    work.mkdir(parents=True)
    with contextlib.ExitStack() as stack:
        server = None
        if kind in _SERVERS:
            # Not in the folder, which users other than its owner may not enter.
            own = home or stack.enter_context(tempfile.TemporaryDirectory(prefix="databunker-drill-"))
            server = stack.enter_context(_SERVERS[kind](Path(own) / "server"))
        database = server.database if server else Database(f"sqlite:///{(home or work) / 'vault.sqlite3'}")
        # Webhooks are written into the outbox, and nobody delivers them.
        told = {
            "NOTIFICATION_URL": "http://127.0.0.1:9/",
            "NOTIFICATION_SECRET": "x" * 32,
            "OUTGOING_ALLOW_PRIVATE": "true",
        }
        vault = Vault(database, work, settings=told | settings)
        vault.init()
        yield Arena(vault, server)


def workers_of(server: Server) -> list[int]:
    """The processes whose parent is gunicorn's arbiter."""
    assert server.process is not None
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            state, parent = stat.read_text().rpartition(") ")[2].split()[:2]
            if int(parent) == server.process.pid and state != "Z":
                found.append(int(stat.parent.name))
    return found


def memory_of(pids: list[int]) -> float:
    """Megabytes that these processes alone have in memory: what they share is counted by its share (PSS)."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024


def wait_until_it_serves(server: Server, *, seconds: float = SECONDS) -> float:
    """Until a call that reads and writes is answered well; how long that took."""
    began = time.monotonic()
    while True:
        with contextlib.closing(server.client()) as client, contextlib.suppress(OSError, Exception):
            if client.call("GET", "/v1/user/login/nobody").status == 404:
                return time.monotonic() - began
        assert time.monotonic() - began < seconds, f"it does not recover: {server.log_text()[-2000:]}"
        time.sleep(0.05)


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        os.kill(pid, 0)
        return True
    return False
