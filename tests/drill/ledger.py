"""Writers that keep account, outside of the vault, of what it has acknowledged.

Each writer has people of its own, so that what must be in the vault can be told exactly. Of a call that was never
answered (the server died, the database was away) nobody knows whether it happened: its person may be as before or
as after it, whole in either case, and is left alone from then on.
"""

from __future__ import annotations

import copy
import http.client
import json
import random
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from tests.support.clients import Answer, Client

__all__ = ["BRIEF", "Ledger", "Person", "Writers", "prepare"]

BRIEF = "drill"
Facts = dict[str, Any]
NOBODY: Facts = {"exists": False}


def _created(profile: dict[str, Any]) -> Facts:
    return {
        "exists": True,
        "forgotten": False,
        "profile": profile,
        "version": 1,
        "apps": {},
        "sessions": {},
        "agreement": None,
        "requests": 0,
        "events": {"record.create": 1},
        "jobs": {"profilenew": 1},
    }


@dataclass
class Person:
    """What must be in the vault of one person: one of `facts`, and so exactly that where it is only one."""

    login: str
    round: int
    facts: list[Facts]
    token: str = ""
    own_token: str = ""

    @property
    def in_doubt(self) -> bool:
        return len(self.facts) > 1

    @property
    def now(self) -> Facts:
        return self.facts[0]

    def as_json(self) -> str:
        return json.dumps({"login": self.login, "token": self.token, "round": self.round, "facts": self.facts})


@dataclass
class Ledger:
    """Everybody that writers have dealt with."""

    people: list[Person] = field(default_factory=list)
    acknowledged: int = 0
    unanswered: int = 0
    unavailable: int = 0
    wrong: list[str] = field(default_factory=list)
    """Answers that nothing excuses."""

    def text(self) -> str:
        return "".join(person.as_json() + "\n" for person in self.people)

    @property
    def in_doubt(self) -> int:
        return sum(person.in_doubt for person in self.people)


@dataclass
class _Step:
    """One call, and what is true afterwards."""

    method: str
    path: str
    body: Any
    after: Facts
    token: str = ""


def _told(facts: Facts, event: str, job: str = "") -> None:
    facts["events"][event] = facts["events"].get(event, 0) + 1
    if job:
        facts["jobs"][job] = facts["jobs"].get(job, 0) + 1


def _change(person: Person, lot: random.Random) -> _Step:
    after = copy.deepcopy(person.now)
    number = after["version"]
    change: dict[str, Any] = {"n": number, "note": "x" * lot.randrange(300)}
    if lot.random() < 0.4:
        change["email"] = f"{person.login}.{number}@example.com"
    after["profile"] |= change
    after["version"] += 1
    _told(after, "record.change", "profilechange")
    return _Step("PUT", f"/v1/user/token/{person.token}", change, after)


def _read(person: Person, lot: random.Random) -> _Step:
    after = copy.deepcopy(person.now)
    _told(after, "record.read")
    return _Step("GET", f"/v1/user/login/{person.login}", None, after)


def _store_app(person: Person, lot: random.Random) -> _Step:
    after = copy.deepcopy(person.now)
    app = lot.choice(["shop", "news"])
    data = {"n": lot.randrange(1_000_000)}
    after["apps"][app] = data
    _told(after, "app.store")
    return _Step("POST", f"/v1/userapp/token/{person.token}/{app}", data, after)


def _store_session(person: Person, lot: random.Random) -> _Step:
    after = copy.deepcopy(person.now)
    known = list(after["sessions"])
    session = lot.choice(known) if known and lot.random() < 0.3 else str(uuid.uuid4())
    data = {"token": person.token, "n": lot.randrange(1_000_000)}
    after["sessions"][session] = data
    _told(after, "session.store")
    return _Step("POST", f"/v1/session/{session}", data, after)


def _agree(person: Person, lot: random.Random) -> _Step:
    after = copy.deepcopy(person.now)
    path = f"/v1/agreement/{BRIEF}/token/{person.token}"
    if after["agreement"] == "yes":
        after["agreement"] = "no"
        _told(after, "agreement.withdraw", "consentchange")
        return _Step("DELETE", path, None, after)
    after["agreement"] = "yes"
    _told(after, "agreement.accept", "consentchange")
    return _Step("POST", path, {"status": "yes"}, after)


def _forget(person: Person, lot: random.Random) -> _Step:
    after = copy.deepcopy(person.now)
    after |= {"forgotten": True, "profile": {}, "apps": {}, "sessions": {}, "agreement": None}
    after |= {"jobs": {"forgetme": 1}, "version": after["version"] + 1}
    _told(after, "record.forget")
    return _Step("DELETE", f"/v1/user/token/{person.token}", None, after)


def _request(person: Person, lot: random.Random) -> _Step:
    """The person asks to be forgotten, which the data protection officer decides."""
    after = copy.deepcopy(person.now)
    after["requests"] += 1
    _told(after, "request.open")
    return _Step("DELETE", f"/v1/user/token/{person.token}", None, after, token=person.own_token)


_ACTS: list[tuple[int, Callable[[Person, random.Random], _Step]]] = [
    (30, _change), (15, _read), (15, _store_app), (15, _store_session), (15, _agree), (10, _forget),
]  # fmt: skip


class _Writer:
    """One caller on one connection."""

    def __init__(self, name: str, client: Client, ledger: Ledger, waiting: list[Person], *, round_number: int) -> None:
        self._name = name
        self._client = client
        self._ledger = ledger
        self._waiting = waiting
        self._round = round_number
        self._lot = random.Random(name)
        self._known: list[Person] = []
        self._born = 0

    def run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            person, step = self._next()
            if not self._take(person, step):
                stop.wait(0.1)
        self._client.close()

    def _next(self) -> tuple[Person, _Step]:
        if self._waiting and self._lot.random() < 0.1:
            person = self._waiting.pop()
            return person, _request(person, self._lot)
        if not self._known or self._lot.random() < 0.25:
            self._born += 1
            login = f"{self._name}-{self._born}"
            profile = {"login": login, "email": f"{login}@example.com", "n": 0}
            person = Person(login, self._round, [copy.deepcopy(NOBODY)])
            self._ledger.people.append(person)
            return person, _Step("POST", "/v1/user", profile, _created(profile))
        person = self._lot.choice(self._known)
        (act,) = self._lot.choices([act for _, act in _ACTS], [weight for weight, _ in _ACTS])
        return person, act(person, self._lot)

    def _take(self, person: Person, step: _Step) -> bool:
        """Do it; whether it was acknowledged."""
        before = person.now
        # Until there is an answer both may be, whatever happens to this program.
        person.facts = [before, step.after]
        headers = {"X_Bunker_Token": step.token} if step.token else {}
        try:
            answer = self._client.call(step.method, step.path, step.body, **headers)
        except ConnectionRefusedError:
            # It was never sent.
            person.facts = [before]
            if before == NOBODY:
                self._ledger.people.remove(person)
            return False
        except (OSError, http.client.HTTPException):
            self._ledger.unanswered += 1
            self._retire(person)
            return False
        return self._settle(person, step, before, answer)

    def _settle(self, person: Person, step: _Step, before: Facts, answer: Answer) -> bool:
        if answer.headers.get("connection", "").lower() == "close":
            self._client.close()
        if answer.status == 503:
            # The database may have died after it had committed: 503 says that it can't be told.
            self._ledger.unavailable += 1
            self._retire(person)
            return False
        if answer.status != 200:
            self._ledger.wrong.append(
                f"{step.method} {step.after.get('events')}: {answer.status} {answer.body[:200]!r}"
            )
            self._retire(person)
            return False
        self._ledger.acknowledged += 1
        person.facts = [step.after]
        if before == NOBODY:
            person.token = answer.json()["token"]
            self._known.append(person)
        elif step.after["forgotten"]:
            self._retire(person)
        if step.method == "GET" and answer.json()["data"] != before["profile"]:
            self._ledger.wrong.append(f"read something else of {person.login} than what was acknowledged")
        return True

    def _retire(self, person: Person) -> None:
        self._known = [known for known in self._known if known is not person]


class Writers:
    """Several of them in threads of their own, running inside the `with` block."""

    def __init__(
        self, clients: Sequence[Client], ledger: Ledger, *, name: str, round_number: int, waiting: list[Person]
    ) -> None:
        self._stop = threading.Event()
        writers = [
            _Writer(f"{name}-{number}", client, ledger, waiting, round_number=round_number)
            for number, client in enumerate(clients)
        ]
        self._threads = [threading.Thread(target=writer.run, args=(self._stop,)) for writer in writers]
        self._ledger = ledger

    def __enter__(self) -> Writers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, number: int, *, seconds: float = 30) -> None:
        """Until so many more calls have been acknowledged."""
        wanted, deadline = self._ledger.acknowledged + number, time.monotonic() + seconds
        while self._ledger.acknowledged < wanted:
            assert time.monotonic() < deadline, "the vault acknowledges nothing"
            time.sleep(0.005)


def prepare(client: Client, ledger: Ledger, people: int) -> list[Person]:
    """A legal basis to agree to, and people who will ask something by themselves; their access tokens are missing."""
    answer = client.call("POST", f"/v1/lbasis/{BRIEF}", {"shortdesc": "drill", "basistype": "consent"})
    assert answer.status == 200, answer
    made = []
    for number in range(people):
        profile = {"login": f"asker-{number}", "n": 0}
        person = Person(profile["login"], 0, [_created(profile)], token=client.create(**profile))
        made.append(person)
    ledger.people += made
    return made
