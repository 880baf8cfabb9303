"""Many create at once: of those who want the same identity one gets it, and nothing is half written."""

from __future__ import annotations

import itertools
from contextlib import closing
from typing import Any

import pytest
from django.db import IntegrityError, OperationalError

from tests.conftest import Api
from tests.support.clients import Answer, Client, at_once
from tests.support.vaults import Server
from vault import storage
from vault.actions import bulk
from vault.models import Record

from .conftest import racing, statuses

CLIENTS = 100


def post_at_once(server: Server, profiles: list[dict[str, Any]]) -> list[Answer]:
    """Each by a client of its own, over a connection that is open already."""

    def send(pair: tuple[Client, dict[str, Any]]) -> Answer:
        with closing(pair[0]):
            return pair[0].call("POST", "/v1/user", pair[1])

    callers = [server.client() for _ in profiles]
    for caller in callers:
        caller.connect()
    return at_once(send, list(zip(callers, profiles, strict=True)))


def growth(server: Server, before: dict[str, int]) -> dict[str, int]:
    """The tables that have grown, and by how many rows."""
    after = server.vault.database.counts()
    return {table: after[table] - before[table] for table in after if after[table] != before[table]}


@pytest.mark.parametrize("spelling", ["{}@example.com", " {}@EXAMPLE.com "])
def test_of_a_hundred_who_want_the_same_email_one_gets_it(server: Server, unique: str, spelling: str) -> None:
    email = f"{unique}{len(spelling)}@example.com"
    before = server.vault.database.counts()
    mixed = itertools.cycle((email, spelling.format(email.partition("@")[0])))
    answers = post_at_once(server, [{"email": next(mixed), "number": number} for number in range(CLIENTS)])
    assert statuses(answers) == [200] + [409] * (CLIENTS - 1)
    assert {answer.body for answer in answers if answer.status == 409} == {
        b'{"status":"error","message":"duplicate index: email"}'
    }
    # One record, one entry in the index, and an event for each call.
    assert growth(server, before) == {"vault_record": 1, "vault_identity": 1, "audit_event": CLIENTS}
    (won,) = [(number, answer) for number, answer in enumerate(answers) if answer.status == 200]
    with closing(server.client()) as caller:
        found = caller.call("GET", f"/v1/user/email/{email}").json()
    assert (found["token"], found["data"]["number"]) == (won[1].json()["token"], won[0])


def test_who_shares_one_of_three_identities_with_each_of_the_others(server: Server, unique: str) -> None:
    """Every person meets rivals over the login, others over the e-mail, others over the custom field: a trap for locks."""
    people = [
        dict(
            [
                ("login", f"{unique}{number % 7}"),
                ("email", f"{unique}{number % 11}@example.com"),
                ("custom", f"{unique}{number % 13}"),
            ][:: 1 if number % 2 else -1]
        )
        for number in range(CLIENTS)
    ]
    before = server.vault.database.counts()
    answers = post_at_once(server, people)
    assert set(statuses(answers)) == {200, 409}
    winners = [person for person, answer in zip(people, answers, strict=True) if answer.status == 200]
    taken = [item for person in winners for item in person.items()]
    assert len(taken) == len(set(taken)) == 3 * len(winners), "an identity was given twice"
    for person, answer in zip(people, answers, strict=True):
        if answer.status == 409:
            field = answer.json()["message"].removeprefix("duplicate index: ")
            assert (field, person[field]) in taken, "refused over an identity that nobody has"
    assert growth(server, before) == {
        "vault_record": len(winners),
        "vault_identity": 3 * len(winners),
        "audit_event": CLIENTS,
    }


def test_sixteen_writers_are_all_served(server: Server, unique: str) -> None:
    """On SQLite above all, where one at a time writes: nobody hears that the database is locked."""
    each = 15

    def write(number: int) -> list[int]:
        with closing(server.client()) as caller:
            codes = []
            for turn in range(each):
                answer = caller.call("POST", "/v1/user", {"login": f"{unique}-{number}-{turn}"})
                path = f"/v1/user/token/{answer.json()['token']}"
                codes += [answer.status, caller.call("PUT", path, {"login": f"{unique}-{number}-{turn}-b"}).status]
                codes += [caller.call("GET", path).status, caller.call("DELETE", path).status if turn % 3 == 0 else 200]
            return codes

    codes = at_once(write, range(16))
    assert codes == [[200] * 4 * each] * 16
    assert "locked" not in server.log_text()


def test_bulk_races_bulk(committed_api: Api) -> None:
    """Four callers with the same sixty people, each in an order of its own and with a few of its own."""
    shared = [{"login": f"shared{number}", "email": f"shared{number}@example.com"} for number in range(60)]

    def load(number: int) -> list[dict[str, Any]]:
        own = [{"login": f"own{number}-{one}"} for one in range(5)]
        mine = [*(shared if number % 2 else reversed(shared)), *own]
        answer = committed_api.post("/v1/users/bulk", {"records": mine})
        assert answer.status_code == 200, answer.content
        return [row | {"login": person["login"]} for row, person in zip(answer.json()["rows"], mine, strict=True)]

    rows = [row for part in racing(load, range(4)) for row in part]
    created = {row["login"]: row["token"] for row in rows if "token" in row}
    assert len(created) == sum("token" in row for row in rows) == 60 + 4 * 5
    assert {row["error"] for row in rows if "error" in row} == {"duplicate index: email"}
    for login, token in created.items():
        assert committed_api.get(f"/v1/user/login/{login}").json()["token"] == token


def test_bulk_races_single_creates(committed_api: Api) -> None:
    people = [{"login": f"ann{number}"} for number in range(30)]

    def act(number: int) -> int:
        if number % 2:
            return int(committed_api.post("/v1/users/bulk", {"records": people}).json()["created"])
        return sum(committed_api.post("/v1/user", person).status_code == 200 for person in people)

    assert sum(racing(act, range(4))) == len(people)


def test_a_bulk_ends_though_somebody_is_always_one_person_ahead(
    committed_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as it has looked who is taken, the next of its people is created by another."""
    people = [{"login": f"ann{number}"} for number in range(30)]
    rival = iter(people[:-1])
    look = storage.taken

    def overtaken(*asked: Any) -> Any:
        found = look(*asked)
        if person := next(rival, None):
            assert committed_api.post("/v1/user", person).status_code == 200
        return found

    assert committed_api.post("/v1/user", next(rival)).status_code == 200
    monkeypatch.setattr(storage, "taken", overtaken)
    answer = committed_api.post("/v1/users/bulk", {"records": people})
    assert answer.status_code == 200, answer.content
    assert answer.json()["created"] == 1
    assert "token" in answer.json()["rows"][-1]


@pytest.mark.parametrize(
    "lost", [IntegrityError("taken"), OperationalError(1213, "deadlock")], ids=["taken", "deadlock"]
)
def test_a_bulk_that_learns_nothing_from_its_tries_ends(
    committed_api: Api, monkeypatch: pytest.MonkeyPatch, lost: Exception
) -> None:
    """As where whoever had the identity lets go of it each time before it is looked for."""
    tries = []

    def lose(*_: Any, **__: Any) -> None:
        tries.append(lost)
        assert len(tries) < 100
        raise lost

    monkeypatch.setattr(bulk, "_insert", lose)
    answer = committed_api.post("/v1/users/bulk", {"records": [{"login": "ann"}, {"login": "bob"}]})
    assert answer.status_code == 503
    assert len(tries) == 10
    assert not Record.objects.exists()
