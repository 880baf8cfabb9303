"""Whoever reads a canary is told of, by whatever way; nothing else tells it from anybody."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import orjson
import pytest

from audit.models import Event
from databunker.access import scopes, tokens
from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.models import TokenKind
from databunker.crypto.errors import IntegrityFailure
from databunker.errors import AccessDenied, NotFound
from databunker.ids import unix_now
from databunker.notify import jobs
from databunker.notify.models import Job
from databunker.watch import canaries
from databunker.watch.canaries import add_canaries, count_canaries, list_canaries, remove_canary, watch_canaries
from databunker.watch.models import Canary, Incident
from tests.api.helpers import contents, subject_of, told_by
from tests.conftest import Api, new_token
from tests.support.damage import flipped
from vault.actions import Created

from .conftest import HOUR, Told

EMAIL = "bait@example.com"


class Trap(NamedTuple):
    """A canary, somebody else, and an application."""

    canary: str
    other: str
    app: Api


@pytest.fixture
def trap(api: Api, settings: Any) -> Trap:
    settings.LIST_USERS = "legacy"
    settings.IDENTITY_FIELDS = ["household:text:shared"]
    (result,) = add_canaries(operator(), profiles=[{"email": EMAIL, "login": "bait", "household": "h1"}])
    assert isinstance(result, Created)
    other = api.create(email="other@example.com", login="other", household="h2")
    return Trap(str(result.token), other, Api(new_token(TokenKind.ADMIN)))


def share_of(api: Api, token: str) -> str:
    return api.post(f"/v1/sharedrecord/token/{token}", {"fields": "login"}).json()["record"]


READS: dict[str, Callable[[Api, str], Any]] = {
    "by token": lambda api, token: api.get(f"/v1/user/token/{token}"),
    "by e-mail": lambda api, token: api.get(f"/v1/user/email/{EMAIL}"),
    "by a shared identity": lambda api, token: api.get("/v1/user/household/h1"),
    "listed": lambda api, token: api.post("/v1/users"),
    "report": lambda api, token: api.get(f"/v1/user/token/{token}/report"),
    "its events": lambda api, token: api.get(f"/v1/audit/list/{token}"),
    "its applications": lambda api, token: api.get(f"/v1/userapp/token/{token}"),
    "its sessions": lambda api, token: api.get(f"/v1/sessions/email/{EMAIL}"),
    "its agreements": lambda api, token: api.get(f"/v1/agreements/token/{token}"),
    "its requests": lambda api, token: api.get(f"/v1/requests/token/{token}"),
    "what is shared of it": lambda api, token: api.get(f"/v1/sharedrecord/token/{token}"),
    "its expiration": lambda api, token: api.get("/v1/exp/status/login/bait"),
    "shared": lambda api, token: api.post(f"/v1/sharedrecord/token/{token}", {}),
    "changed": lambda api, token: api.put(f"/v1/user/token/{token}", {"a": 1}),
    "forgotten": lambda api, token: api.delete(f"/v1/user/token/{token}"),
}


@pytest.mark.parametrize("name", READS)
def test_whatever_way_it_is_read_it_is_told(trap: Trap, told: Told, name: str) -> None:
    assert watch_canaries(unix_now(), 500) == 0
    assert READS[name](trap.app, trap.canary).status_code == 200
    with told_by() as events:
        assert watch_canaries(unix_now(), 500) == 1
    ((code, _, who, subject, detail, _),) = events
    assert (code, who, subject) == ("incident.canary", "operator", None)
    assert re.fullmatch(r"a canary was read: admin \d+", detail["message"])
    assert watch_canaries(unix_now(), 500) == 0


def test_a_share_of_it_is_told_of_whoever_reads_it(trap: Trap, told: Told) -> None:
    share = share_of(trap.app, trap.canary)
    watch_canaries(unix_now(), 500)
    assert Api().get(f"/v1/get/{share}").status_code == 200
    assert watch_canaries(unix_now(), 500) == 1
    assert {incident.actor_kind for incident in Incident.objects.all()} == {ActorKind.ADMIN, ActorKind.ANYONE}


def test_a_refused_reading_is_told_of_too(trap: Trap) -> None:
    Api().get(f"/v1/user/token/{trap.canary}")
    assert watch_canaries(unix_now(), 500) == 0, "a stranger's guess concerns nobody"
    text = "narrowed-token-of-some-length-001"
    tokens.add_token(token=text, kind=TokenKind.ADMIN, scope=scopes.make(fields=["login"]), label="x")
    assert Api(text).put(f"/v1/user/email/{EMAIL}", {"a": 1}).status_code == 403
    assert watch_canaries(unix_now(), 500) == 1


def test_others_may_be_read(trap: Trap, told: Told) -> None:
    trap.app.get(f"/v1/user/token/{trap.other}")
    trap.app.get("/v1/user/email/other@example.com")
    trap.app.create(login="new")
    assert watch_canaries(unix_now(), 500) == 0
    assert told.numbers == (0, 1, 0), "somebody was created, and told of as usual"


def test_it_is_told_once_for_each_caller_and_hour(trap: Trap, told: Told, clock: Any) -> None:
    for _ in range(3):
        trap.app.get(f"/v1/user/token/{trap.canary}")
        watch_canaries(unix_now(), 500)
    assert Incident.objects.count() == 1
    Api(new_token(TokenKind.ADMIN)).get(f"/v1/user/token/{trap.canary}")
    assert watch_canaries(unix_now(), 500) == 1
    clock.shift(HOUR)
    trap.app.get(f"/v1/user/token/{trap.canary}")
    assert watch_canaries(unix_now(), 500) == 1


def test_what_is_told_does_not_say_which_one(trap: Trap, told: Told, caplog: pytest.LogCaptureFixture) -> None:
    trap.app.get(f"/v1/user/email/{EMAIL}")
    watch_canaries(unix_now(), 500)
    job = Job.objects.filter(topic="canary").get()
    body = jobs.open_payload(job)
    assert body is not None
    assert set(orjson.loads(body)) == {"action", "who", "when"}
    for text in (caplog.text, body.decode()):
        assert trap.canary not in text
        assert EMAIL not in text
    assert job.subject is None


def test_the_answers_are_like_any_others(trap: Trap) -> None:
    def answers(token: str, login: str) -> list[tuple[int, list[str], set[str]]]:
        found = [
            trap.app.get(path)
            for path in (f"/v1/user/token/{token}", f"/v1/user/login/{login}", f"/v1/user/token/{token}/report")
        ]
        return [(answer.status_code, sorted(answer.headers), set(answer.json())) for answer in found]

    assert answers(trap.canary, "bait") == answers(trap.other, "other")


# --- in the database -------------------------------------------------------------------------------------------------


def test_no_row_says_which_one_it_is(trap: Trap) -> None:
    subject, token = subject_of(trap.canary), uuid.UUID(trap.canary).bytes
    (row,) = Canary.objects.all()
    for secret in (subject, token):
        assert secret not in row.sealed
    others = {table: rows for table, rows in contents().items() if not table.startswith("watch_")}
    holding = {table for table, rows in others.items() if any(subject in map(_plain, row) for row in rows)}
    assert holding == {"vault_record", "vault_identity"}, "where everybody's reference stands"


def _plain(value: Any) -> Any:
    return bytes(value) if isinstance(value, memoryview) else value


def test_in_the_trail_it_looks_like_a_load(api: Api) -> None:
    number = 4711
    with told_by() as told:
        add_canaries(operator(), profiles=[{"login": "a"}], like=Actor(kind=ActorKind.ADMIN, token_id=number))
    assert [(event.code, event.who) for event in told] == [("record.create", "admin"), ("record.load", "admin")]
    assert set(Event.objects.order_by("-id").values_list("actor_token", flat=True)[:2]) == {number}
    assert told[1].detail == {"created": 1, "rejected": 0, "message": "canaries, by operator"}


def test_a_canary_that_was_exchanged_by_sql_is_noticed(trap: Trap) -> None:
    row = Canary.objects.get()
    Canary.objects.update(sealed=flipped(row.sealed))
    with pytest.raises(IntegrityFailure):
        watch_canaries(unix_now(), 500)


# --- looking after them ----------------------------------------------------------------------------------------------


def test_they_are_listed_counted_and_removed(trap: Trap) -> None:
    assert [str(token) for token in list_canaries(operator())] == [trap.canary]
    assert count_canaries(1) == 1
    with pytest.raises(NotFound):
        remove_canary(operator(), token=trap.other)
    remove_canary(operator(), token=trap.canary)
    assert (count_canaries(1), list_canaries(operator())) == (0, [])
    assert trap.app.get("/v1/user/login/bait").status_code == 404
    assert trap.app.get("/v1/user/login/other").status_code == 200
    assert watch_canaries(unix_now(), 500) == 0


def test_only_who_decides_about_tokens_may(trap: Trap) -> None:
    person = Actor(kind=ActorKind.PERSON, subject=b"x" * 16)
    for act in (
        lambda: add_canaries(person, profiles=[{"login": "x"}]),
        lambda: list_canaries(person),
        lambda: remove_canary(person, token=trap.canary),
    ):
        with pytest.raises(AccessDenied):
            act()


def test_without_any_nothing_is_asked_of_the_trail(vault: None, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        assert canaries.watch_canaries(unix_now(), 500) == 0
