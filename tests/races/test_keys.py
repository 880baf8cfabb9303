"""Data keys come and go under live traffic, while whoever re-wraps is killed again and again: nothing is ever unreadable."""

from __future__ import annotations

import json
import random
import secrets
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from databunker.access.actor import operator
from databunker.crypto import store
from databunker.crypto.keyring import REQUIRED
from databunker.crypto.masterkey import fingerprint_of
from databunker.keys import rewrap_keyring, rotate_key
from tests.conftest import Api
from tests.support.clients import Client
from tests.support.vaults import Server, Vault, ended, new_vault

from .conftest import THREADS, racing, two_hosts

CACHE_SECONDS = 1
PEOPLE = 2_000
ROUNDS = 3
KILLS = 3
WRITERS = 3
SHARED = 8


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    with two_hosts(tmp_path_factory.mktemp("keys"), cache_seconds=CACHE_SECONDS) as both:
        yield both


@dataclass
class Traffic:
    """Callers that store, change, forget and read; whatever is not as it must be is in `wrong`."""

    servers: tuple[Server, Server]
    known: dict[str, str]
    wrong: list[str] = field(default_factory=list)
    forgotten: set[str] = field(default_factory=set)
    calls: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def write(self, number: int) -> None:
        """People of its own, through both hosts; what is written at one is read at the other."""
        draw = random.Random(number)
        with closing(self.servers[0].client()) as one, closing(self.servers[1].client()) as other:
            turn = 0
            while not self.over.is_set():
                turn += 1
                here, there = draw.sample((one, other), 2)
                login, session = f"w{number}t{turn}", f"00000000-0000-4000-8000-{number:04x}{turn:08x}"
                answer = here.call("POST", "/v1/user", {"login": login, "n": 0})
                self.expect(answer.status == 200, f"create {login}: {answer.status}")
                token = answer.json().get("token", "")
                status = there.call("PUT", f"/v1/user/login/{login}", {"n": turn}).status
                self.expect(status == 200, f"change {login}: {status}")
                self.look(here, login, token, n=turn)
                here.call("POST", f"/v1/session/{session}", {"n": turn})
                answer = there.call("GET", f"/v1/session/{session}")
                self.expect(answer.status == 200 and answer.json()["data"]["n"] == turn, f"session: {answer.status}")
                if turn % 4:
                    self.known[login] = token
                else:
                    status = here.call("DELETE", f"/v1/user/token/{token}").status
                    self.expect(status == 200, f"forget {login}: {status}")
                    self.forgotten.add(token)

    def change(self) -> None:
        """The same few people over and over, whose rows are re-wrapped at the same time."""
        with closing(self.servers[1].client()) as caller:
            names = list(self.known)[:SHARED]
            turn = 0
            while not self.over.is_set():
                turn += 1
                name = names[turn % SHARED]
                status = caller.call("PUT", f"/v1/user/login/{name}", {"turn": turn}).status
                self.expect(status == 200, f"change {name}: {status}")

    def read(self) -> None:
        draw = random.Random(99)
        with closing(self.servers[0].client()) as caller:
            while not self.over.is_set():
                login = draw.choice(list(self.known))
                self.look(caller, login, self.known[login])

    def look(self, caller: Client, login: str, token: str, n: int | None = None) -> None:
        answer = caller.call("GET", f"/v1/user/login/{login}")
        right = answer.status == 200 and answer.json()["token"] == token
        self.expect(right and n in (None, answer.json()["data"]["n"]), f"{login}: {answer.status}")
        answer = caller.call("GET", f"/v1/user/token/{token}")
        self.expect(answer.status == 200 and answer.json()["data"]["login"] == login, f"{token}: {answer.status}")

    def expect(self, holds: bool, otherwise: str) -> None:
        self.calls += 1
        if not holds:
            self.wrong.append(otherwise)

    def __enter__(self) -> Traffic:
        acts: list[Any] = [*((self.write, number) for number in range(WRITERS)), (self.change,), (self.read,)]
        self._threads = [threading.Thread(target=act, args=given) for act, *given in acts]
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()


def kill_at_random(running: subprocess.Popen[str], draw: random.Random) -> None:
    """At any moment from its start to long after it has begun to work, if it lasts so long."""
    deadline = time.monotonic() + draw.uniform(0.5, 4)
    while running.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    running.kill()
    running.communicate()


def run(vault: Vault, *arguments: str) -> str:
    done = vault.manage("keys", *arguments)
    assert done.code == 0, done.err
    return done.out


def round_of(vault: Vault, draw: random.Random) -> None:
    """A new data key, everything under it, and the end of the old one."""
    old = vault.database.value("SELECT max(id) FROM crypto_key WHERE purpose = 'data'")
    run(vault, "rotate")
    for _ in range(KILLS):
        both = [vault.start_manage("keys", "rewrap") for _ in range(2)]
        kill_at_random(both[0], draw)
        kill_at_random(both[1], draw)
    finishing = [ended(host) for host in [vault.start_manage("keys", "rewrap") for _ in range(2)]]
    assert [host.code for host in finishing] == [0, 0], [host.err for host in finishing]
    assert json.loads(run(vault, "status", "--json"))["outdated"] == 0
    assert "try again in" in run(vault, "retire")
    # As if ten minutes had gone by. Every process has read the keyring since: that takes a second here.
    vault.database.rows("UPDATE crypto_key SET created = created - 3600 WHERE purpose = 'data'")
    assert f"Key {old} is destroyed." in run(vault, "retire")


@pytest.mark.slow
def test_nothing_is_unreadable_or_lost_while_data_keys_come_and_go(servers: tuple[Server, Server]) -> None:
    vault = servers[0].vault
    draw = random.Random(7)
    known: dict[str, str] = {}
    with closing(servers[0].client()) as caller:
        for start in range(0, PEOPLE, 500):
            people = [{"login": f"old{number}", "n": 0} for number in range(start, start + 500)]
            rows = caller.call("POST", "/v1/users/bulk", {"records": people}).json()["rows"]
            known |= {person["login"]: row["token"] for person, row in zip(people, rows, strict=True)}
    with Traffic(servers, known) as traffic:
        for _ in range(ROUNDS):
            round_of(vault, draw)
    assert traffic.wrong == [], traffic.wrong[:10]
    assert traffic.calls > 100
    assert vault.database.value("SELECT count(*) FROM crypto_key WHERE purpose = 'data'") == 1
    with closing(servers[1].client()) as caller:
        for login, token in known.items():
            assert caller.call("GET", f"/v1/user/login/{login}").json()["token"] == token
        for token in traffic.forgotten:
            assert caller.call("GET", f"/v1/user/token/{token}").json()["data"] == {}
    found = vault.script(
        "from vault import integrity\n"
        "checked = list(integrity.check_records())\n"
        "print([problem for part in checked for problem in part.problems])"
    )
    assert found.split() == ["[]"]


# All keys are written under the other master key, and nothing is committed yet.
DIES_IN_THE_MIDDLE = """
import os, signal
from audit import trail
from databunker.access.actor import operator
from databunker.keys import rewrap_keyring

trail.record = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
rewrap_keyring(operator())
"""


def masters_of(vault: Vault) -> set[int]:
    """Which master keys the keys of the keyring are under."""
    return {fingerprint_of(bytes(wrapped)) for (wrapped,) in vault.database.rows("SELECT wrapped FROM crypto_key")}


@pytest.mark.slow
def test_the_keyring_is_under_one_master_key_whenever_who_rewraps_it_is_killed(tmp_path: Path) -> None:
    """To and fro between two master keys, which all hosts know, under traffic; in the end with one of them alone."""
    draw = random.Random(11)
    with new_vault(tmp_path, KEYRING_CACHE_SECONDS=str(CACHE_SECONDS)) as vault:
        masters = [vault.master_key, secrets.token_hex(32)]
        known: dict[str, str] = {}

        def both(first: int) -> dict[str, str]:
            return {"DATABUNKER_MASTERKEY": masters[first], "DATABUNKER_MASTERKEY_OLD": masters[1 - first]}

        with Server(vault, **both(1)) as one, Server(vault, BUNKER_WORKERS="1", **both(0)) as other:
            with closing(one.client()) as caller:
                for number in range(SHARED):
                    known[f"old{number}"] = caller.create(login=f"old{number}", n=0)
            with Traffic((one, other), known) as traffic:
                for turn in range(2 * KILLS):
                    before, target = masters_of(vault), both((turn + 1) % 2)
                    vault.dies(DIES_IN_THE_MIDDLE, **target)
                    assert masters_of(vault) == before, "nothing of it was done"
                    kill_at_random(vault.start_manage("keys", "rewrap-keyring", **target), draw)
                    assert len(masters_of(vault)) == 1, "all of it or nothing"
                    assert vault.manage("keys", "rewrap-keyring", **target).code == 0
                    assert masters_of(vault) != before
        assert traffic.wrong == [], traffic.wrong[:10]
        assert traffic.calls > 100
        with Server(vault) as alone, closing(alone.client()) as caller:
            for login, token in known.items():
                assert caller.call("GET", f"/v1/user/login/{login}").json()["token"] == token


def test_keys_that_are_made_while_the_master_key_changes_are_all_under_the_new_one(
    committed_api: Api, settings: Any
) -> None:
    settings.DATABUNKER_MASTERKEY_OLD = settings.DATABUNKER_MASTERKEY
    settings.DATABUNKER_MASTERKEY = secrets.token_hex(32)
    store.forget_cached()

    def act(number: int) -> int:
        return rewrap_keyring(operator()) if number % 3 == 0 else rotate_key(operator()).id

    done = racing(act, range(THREADS))
    made = [one for number, one in enumerate(done) if number % 3]
    assert sorted(made) == list(range(len(REQUIRED) + 1, len(REQUIRED) + 1 + len(made)))
    assert len([one for number, one in enumerate(done) if number % 3 == 0 and one]) == 1
    settings.DATABUNKER_MASTERKEY_OLD = ""
    store.forget_cached()
    assert len(store.current_keyring()) == len(REQUIRED) + len(made)
    committed_api.create(login="ann")
