"""Where a page's commands are run: a folder, a vault with a few people, its server, and a shell."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from databunker.management.commands.demo import ENVIRONMENT
from tests.support.databases import Database, scratch_database
from tests.support.prepared import copied_database
from tests.support.vaults import PROJECT, Ended, Server, Vault, free_port

from .blocks import Block

__all__ = ["Stage", "stage"]

SECONDS = 180
# What the pages say, and what it is here. Longer names first.
ADDRESS = "127.0.0.1:3000"
NEW_DATABASE = "postgres://vault:secret@db.internal:5432/vault"
FOLDERS = ("/var/lib/databunker", "/etc/databunker", "/backups", "/journals")

# Those that the pages speak of.
PEOPLE = """
from databunker.access.actor import operator
from vault.actions import create_record
for person in (
    {"login": "ann", "email": "ann@example.com", "phone": "+44 7700 900001", "name": "Ann"},
    {"login": "joao", "email": "joao@example.com", "phone": "+351 912 345 678", "name": "João"},
    {"login": "test", "email": "test@securitybunker.io", "phone": "4444", "name": "Test"},
):
    create_record(operator(), profile=person)
"""

# `serve` and `scheduler` go on until they are told to stop: here until they have shown that they run.
SHELL = """
set -euo pipefail
refused=
manage.py() {
    case $1 in
        serve | scheduler) goes_on "$@" ;;
        *) command manage.py "$@" ;;
    esac
}
goes_on() {
    local process
    BUNKER_PORT=$SPARE_PORT command manage.py "$@" &
    process=$!
    if [[ $1 == serve ]]; then
        command curl -s --retry 100 --retry-connrefused --retry-delay 1 "http://127.0.0.1:$SPARE_PORT/status" >&2
    fi
    # Until it listens to signals: bit 14 is SIGTERM.
    until (( 0x$(awk '/SigCgt/ { print $2 }' "/proc/$process/status") & 0x4000 )); do sleep 0.1; done
    kill -TERM "$process"
    wait "$process"
}
curl() {
    if [[ -z $refused ]]; then
        command curl --silent --show-error --fail-with-body "$@" && echo
    elif command curl --silent --fail-with-body "$@" && echo; then
        echo 'this call was not refused' >&2
        return 1
    fi
}
"""


@dataclass
class Stage:
    """A page's surroundings."""

    vault: Vault
    server: Server
    new_database: Database

    @property
    def folder(self) -> Path:
        return self.vault.folder

    def run(self, before: str, blocks: list[Block]) -> Ended:
        """All blocks in one shell, which the first failure ends; it says at which line."""
        parts = [SHELL, self.here(before)]
        for block in blocks:
            parts.append(f"echo '--- line {block.line}' >&2")
            parts.append(f"refused={'yes' if block.refused else ''}")
            parts.append(self.here(block.text))
        done = subprocess.run(
            ["bash", "-c", "\n".join(parts)],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def here(self, text: str) -> str:
        """The commands with the addresses and places of this stage."""
        text = text.replace(ADDRESS, f"127.0.0.1:{self.server.port}").replace(NEW_DATABASE, self.new_database.url)
        places = "|".join(map(re.escape, FOLDERS))
        return re.sub(rf"(?<![\w.])(?:{places})(?=/)", lambda found: f"{self.folder}{found[0]}", text)

    def _environment(self) -> dict[str, str]:
        environment = self.vault.environment(SPARE_PORT=str(free_port()), HOME=str(self.folder))
        environment["PATH"] = f"{self.folder}/bin:{environment['PATH']}"
        environment["DATABUNKER_MASTERKEY_FILE"] = str(self.folder / "etc/databunker/master.key")
        del environment["DATABUNKER_MASTERKEY"]
        return environment


def furnish(vault: Vault) -> None:
    """The folders that pages name, the programs that they call, and what they tell to copy."""
    folder = vault.folder
    for name in FOLDERS:
        (folder / name.lstrip("/")).mkdir(parents=True)
    (folder / "etc/databunker/master.key").write_text(vault.master_key)
    programs = folder / "bin"
    programs.mkdir()
    for name, command in {"manage.py": f"{sys.executable} {PROJECT}/manage.py", "python": sys.executable}.items():
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {command} "$@"\n')
        program.chmod(0o755)
    (programs / "python3").symlink_to("python")
    (folder / "examples").symlink_to(PROJECT / "examples")
    shutil.copy(PROJECT / "audit/verifier.py", folder)


def _demonstration(folder: Path, database: Database) -> tuple[str, str]:
    """A vault whose root token everybody knows, with the people of the pages; its master key and root token."""
    vault = Vault(database, folder, settings={"DATABUNKER_DEMO": "true", "DATABUNKER_ROOTTOKEN": "DEMO"})
    done = vault.manage("init")
    assert done.code == 0, done.err
    vault.script(PEOPLE)
    return vault.master_key, "DEMO"


# What `make demo` sets, but for the keys, which each copy has of its own.
OF_THE_DEMONSTRATION = {name: value for name, value in ENVIRONMENT.items() if "MASTERKEY" not in name}


def _company(folder: Path, database: Database) -> tuple[str, str]:
    """The vault of `make demo`, as a newcomer has it; its master key and root token."""
    vault = Vault(database, folder, settings=OF_THE_DEMONSTRATION)
    done = vault.manage("init")
    assert done.code == 0, done.err
    vault.script("from databunker.management.demo import furnish\nassert furnish()", seconds=600)
    return vault.master_key, "DEMO"


@contextmanager
def stage(folder: Path, *, company: bool = False, **settings: str) -> Iterator[Stage]:
    """With three people, or with the whole company of `make demo` and its settings."""
    if company:
        settings = OF_THE_DEMONSTRATION | settings
    settings |= {"DATABUNKER_DEMO": "true", "KEYRING_CACHE_SECONDS": "1"}
    settings |= {"ERASURE_JOURNAL_FILE": str(folder / "journals/erasures.jsonl")}
    new_folder = folder / "new"
    new_folder.mkdir()
    with (
        copied_database(folder, _company if company else _demonstration) as copy,
        scratch_database(new_folder) as new_database,
    ):
        vault = Vault(copy.database, folder, copy.master_key, settings, copy.root_token)
        furnish(vault)
        with Server(vault) as server:
            yield Stage(vault, server, new_database)
