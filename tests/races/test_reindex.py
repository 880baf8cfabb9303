"""A new index key under live traffic, its maker killed again and again: everybody is found at every moment, once."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest

from tests.support.clients import Client
from tests.support.vaults import Server, ended

from .conftest import two_hosts

CACHE_SECONDS = 1
MARGIN = "0.4"
WRITERS = 3


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Server]]:
    with two_hosts(tmp_path_factory.mktemp("reindex"), cache_seconds=CACHE_SECONDS) as both:
        yield both


@dataclass
class Traffic:
    """Callers that create, move, forget and look up; each knows what must be found of what it has done."""

    servers: tuple[Server, Server]
    wrong: list[str] = field(default_factory=list)
    found: dict[str, str] = field(default_factory=dict)
    gone: list[str] = field(default_factory=list)
    calls: int = 0
    over: threading.Event = field(default_factory=threading.Event)

    def write(self, number: int) -> None:
        """One after the other, through both hosts, what nobody else touches."""
        draw = random.Random(number)
        with closing(self.servers[0].client()) as one, closing(self.servers[1].client()) as other:
            turn = 0
            while not self.over.is_set():
                turn += 1
                here, there = draw.sample((one, other), 2)
                email = f"w{number}t{turn}@example.com"
                answer = here.call("POST", "/v1/user", {"email": email})
                self.expect(answer.status == 200, f"create {email}: {answer.status}")
                token = answer.json().get("token", "")
                self.look(there, email, token)
                self.expect(there.call("POST", "/v1/user", {"email": email}).status == 409, f"a second {email}")
                if turn % 3 == 0:
                    moved = f"m{email}"
                    status = there.call("PUT", f"/v1/user/email/{email}", {"email": moved}).status
                    self.expect(status == 200, f"change {email}: {status}")
                    self.look(here, email, None)
                    email = moved
                if turn % 5 == 0:
                    status = here.call("DELETE", f"/v1/user/token/{token}").status
                    self.expect(status == 200, f"forget {email}: {status}")
                    self.look(there, email, None)
                    self.gone.append(email)
                else:
                    self.look(here, email, token)
                    self.found[email] = token

    def rivals(self) -> None:
        """Both hosts are asked at once for the same new person: one of them says yes."""
        turn = 0
        with closing(self.servers[0].client()) as one, closing(self.servers[1].client()) as other:
            while not self.over.is_set():
                turn += 1
                email, answers = f"rival{turn}@example.com", [0, 0]

                def ask(at: int, caller: Client, email: str = email, answers: list[int] = answers) -> None:
                    answers[at] = caller.call("POST", "/v1/user", {"email": email}).status

                thread = threading.Thread(target=ask, args=(0, one))
                thread.start()
                ask(1, other)
                thread.join()
                self.expect(sorted(answers) == [200, 409], f"{email}: {answers}")

    def look(self, caller: Client, email: str, token: str | None) -> None:
        answer = caller.call("GET", f"/v1/user/email/{email}")
        if token is None:
            self.expect(answer.status == 404, f"{email} is still found")
        else:
            self.expect(answer.status == 200 and answer.json()["token"] == token, f"{email}: {answer.status}")

    def expect(self, holds: bool, otherwise: str) -> None:
        self.calls += 1
        if not holds:
            self.wrong.append(otherwise)

    def __enter__(self) -> Traffic:
        self._threads = [threading.Thread(target=self.write, args=(number,)) for number in range(WRITERS)]
        self._threads.append(threading.Thread(target=self.rivals))
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.slow
def test_everybody_is_found_once_while_the_index_key_changes_and_its_maker_is_killed(
    servers: tuple[Server, Server],
) -> None:
    vault = servers[0].vault
    draw = random.Random(5)
    with closing(servers[0].client()) as caller:
        people = [{"login": f"old{number}"} for number in range(400)]
        rows = caller.call("POST", "/v1/users/bulk", {"records": people}).json()["rows"]
    tokens = {person["login"]: row["token"] for person, row in zip(people, rows, strict=True)}
    kills = 0
    with Traffic(servers) as traffic:
        while True:
            running = vault.start_manage("keys", "reindex", "--margin", MARGIN)
            # Long enough to come through a wait and into what follows it; then it takes as long as it needs.
            patience = CACHE_SECONDS + float(MARGIN) + draw.uniform(0.6, 2.5) if kills < 5 else 60
            deadline = time.monotonic() + patience
            while running.poll() is None and time.monotonic() < deadline:
                time.sleep(0.02)
            if running.poll() is not None:
                break
            running.kill()
            running.communicate()
            kills += 1
        done = ended(running)
    assert done.code == 0, done.err
    assert kills > 0
    assert traffic.wrong == [], traffic.wrong[:10]
    assert traffic.calls > 100
    with closing(servers[1].client()) as caller:
        for email, token in list(traffic.found.items())[:200]:
            assert caller.call("GET", f"/v1/user/email/{email}").json()["token"] == token
        for login, token in tokens.items():
            assert caller.call("GET", f"/v1/user/login/{login}").json()["token"] == token
        for email in traffic.gone:
            assert caller.call("GET", f"/v1/user/email/{email}").status == 404
    found = vault.script(
        "from vault import integrity\n"
        "from databunker.crypto.models import WrappedKey\n"
        "checked = list(integrity.check_records())\n"
        "print([problem for part in checked for problem in part.problems])\n"
        "print(list(integrity.check_strays(sum(part.identities for part in checked))))\n"
        "print(WrappedKey.objects.filter(purpose='index').count())"
    )
    assert found.split() == ["[]", "[]", "1"]
