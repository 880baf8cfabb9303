"""Forgetting wins every race: whoever was at work at that moment leaves nothing readable behind."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from databunker.access.actor import Actor
from databunker.erasure import journal
from databunker.erasure.entries import read_lines
from databunker.erasure.models import Receipt
from databunker.errors import NotFound
from tests.api.helpers import subject_of, told_by
from tests.conftest import Api
from vault import actions
from vault.models import AppRecord, AppVersion, Identity, Record, RecordState, RecordVersion, Session

from .conftest import THREADS, racing

ROUNDS = 8


def test_whatever_races_a_forget_me_nothing_is_readable_afterwards(committed_api: Api, root_actor: Actor) -> None:
    for turn in range(ROUNDS):
        login = f"ann{turn}"
        token = committed_api.create(login=login, email=f"{login}@example.com", custom=login, name="Ann")
        racers = _racers(committed_api, root_actor, token, login)
        codes = racing(lambda race: race(), racers)
        assert codes[0] == 200
        assert set(codes) <= {200, 404}, codes
        subject = subject_of(token)
        record = Record.objects.get(subject=subject)
        assert (record.state, record.generation, record.digests) == (RecordState.FORGOTTEN, 2, b"")
        for model in (Identity, RecordVersion, AppRecord, AppVersion, Session):
            assert not model.objects.filter(subject=subject).exists(), model
        assert committed_api.get(f"/v1/user/token/{token}").json()["data"] == {}
        for path in (
            f"login/{login}",
            f"email/{login}@example.com",
            f"login/{login}-new",
            f"email/new{turn}@example.com",
        ):
            assert committed_api.get(f"/v1/user/{path}").status_code == 404
        assert committed_api.put(f"/v1/user/token/{token}", {"name": "Ann"}).status_code == 404
    assert not Identity.objects.exists()


def _racers(api: Api, actor: Actor, token: str, login: str) -> list[Callable[[], int]]:
    path = f"/v1/user/token/{token}"
    turn = login.removeprefix("ann")

    def app_data() -> int:
        return _code(lambda: actions.store_app_data(actor, mode="token", identity=token, app="shop", data={"a": login}))

    def session() -> int:
        return _code(lambda: actions.store_session(actor, session=str(uuid.uuid4()), data={"token": token, "a": login}))

    return [
        lambda: api.delete(path if int(turn) % 2 else f"/v1/user/custom/{login}").status_code,
        lambda: api.put(path, {"name": "Anna"}).status_code,
        lambda: api.put(path, {"login": f"{login}-new"}).status_code,
        lambda: api.put(f"/v1/user/email/{login}@example.com", {"email": f"new{turn}@example.com"}).status_code,
        lambda: api.get(path).status_code,
        lambda: api.get(f"/v1/user/login/{login}").status_code,
        app_data,
        session,
    ]


def _code(act: Callable[[], Any]) -> int:
    try:
        act()
    except NotFound:
        return 404
    return 200


def test_a_person_is_forgotten_once(committed_api: Api) -> None:
    token = committed_api.create(login="ann")
    with told_by() as told:
        codes = racing(lambda _: committed_api.delete(f"/v1/user/token/{token}").status_code, range(6))
    assert codes == [200] * 6
    assert Record.objects.get(subject=subject_of(token)).generation == 2
    assert [event.code for event in told] == ["record.forget"] * 6


def test_who_is_found_by_login_is_forgotten_once(committed_api: Api) -> None:
    token = committed_api.create(login="ann")
    codes = racing(lambda _: committed_api.delete("/v1/user/login/ann").status_code, range(6))
    assert set(codes) <= {200, 404}
    assert 200 in codes
    assert Record.objects.get(subject=subject_of(token)).generation == 2


def test_an_identity_of_somebody_forgotten_is_free_at_once(committed_api: Api) -> None:
    """Creates that race the forgetting either find it taken or get it; one at most."""
    for turn in range(ROUNDS):
        email = f"ann{turn}@example.com"
        old = committed_api.create(email=email)

        def act(number: int, old: str = old, email: str = email) -> Any:
            if number == 0:
                return committed_api.delete(f"/v1/user/token/{old}")
            return committed_api.post("/v1/user", {"email": email, "number": number})

        answers = racing(act, range(6))
        assert answers[0].status_code == 200
        assert {answer.status_code for answer in answers[1:]} <= {200, 409}
        new = [answer.json()["token"] for answer in answers[1:] if answer.status_code == 200]
        assert len(new) <= 1
        found = committed_api.get(f"/v1/user/email/{email}")
        assert found.status_code == (200 if new else 404)
        assert not new or found.json()["token"] == new[0]


def test_everybody_who_races_to_be_forgotten_is_in_the_journal_once(
    committed_api: Api, settings: Any, tmp_path: Path
) -> None:
    """Numbered without a gap, in one chain, in the table and in the file that all of them write."""
    settings.ERASURE_JOURNAL_FILE = str(tmp_path / "erasures.jsonl")
    tokens = [committed_api.create(login=f"p{number}") for number in range(THREADS * 2)]
    answers = racing(lambda token: committed_api.delete(f"/v1/user/token/{token}"), [*tokens, *tokens])
    assert {answer.status_code for answer in answers} == {200}
    entries = list(journal.entries_after(0))
    assert [entry.sequence for entry in entries] == list(range(1, len(tokens) + 1))
    assert {entry.subject for entry in entries} == {subject_of(token) for token in tokens}
    assert list(journal.check_chain()) == []
    lines = (tmp_path / "erasures.jsonl").read_bytes().splitlines(keepends=True)
    assert list(read_lines(lines)) == entries
    assert len(lines) == len(tokens) + 1
    assert len({answer.json()["receipt"] for answer in answers}) == len(tokens)
    assert Receipt.objects.count() == len(tokens)
