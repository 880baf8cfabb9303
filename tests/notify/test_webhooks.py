"""What a receiver is told of people: in the peer's words, signed, and not a word more than happened."""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from databunker.notify import outbox, webhooks
from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job
from tests.api.helpers import subject_of
from tests.conftest import Api
from tests.support.receivers import Receiver

from .conftest import SECRET


def test_a_new_profile_is_told_of(api: Api, receiver: Receiver) -> None:
    token = api.create(login="ann", name={"first": "Ann"}, number=2**60 + 1)
    assert receiver.received == []
    assert deliver_due() == 1
    assert receiver.bodies() == [
        {
            "action": "profilenew",
            "identity": token,
            "mode": "token",
            "profile": {"login": "ann", "name": {"first": "Ann"}, "number": 2**60 + 1},
        }
    ]
    assert not Job.objects.exists()


@pytest.mark.parametrize("change", [{"name": "Anna"}, {"login": "anna"}, [{"op": "add", "path": "/x", "value": 0.10}]])
def test_a_change_is_told_of_with_old_and_new(api: Api, receiver: Receiver, change: Any) -> None:
    token = api.create(login="ann", name="Ann")
    deliver_due()
    api.put("/v1/user/login/ann", change)
    assert deliver_due() == 1
    new = api.get(f"/v1/user/token/{token}").json()["data"]
    assert receiver.bodies()[1] == {
        "action": "profilechange",
        "identity": token,
        "mode": "token",
        "old": {"login": "ann", "name": "Ann"},
        "profile": new,
    }


def test_a_person_who_is_forgotten_is_told_of_with_the_profile(api: Api, receiver: Receiver) -> None:
    token = api.create(login="ann")
    deliver_due()
    receipt = api.delete(f"/v1/user/token/{token}").json()["receipt"]
    (job,) = Job.objects.all()
    assert (job.generation, bytes(job.subject or b"")) == (0, subject_of(token))
    assert deliver_due() == 1
    assert receiver.bodies()[1] == {
        "action": "forgetme",
        "identity": token,
        "mode": "token",
        "profile": {"login": "ann"},
        "receipt": receipt,
    }


def test_each_of_many_new_people_is_told_of(api: Api, receiver: Receiver) -> None:
    api.create(login="p1")
    deliver_due()
    records = [{"login": "p0"}, {"login": "p1"}, "no profile", {"login": "p2"}]
    rows = api.post("/v1/users/bulk", {"records": records}).json()["rows"]
    assert deliver_due() == 2
    assert {(body["identity"], body["profile"]["login"]) for body in receiver.bodies()[1:]} == {
        (rows[0]["token"], "p0"),
        (rows[3]["token"], "p2"),
    }


@pytest.mark.parametrize(
    "call",
    [
        lambda api, token: api.get(f"/v1/user/token/{token}"),
        lambda api, token: api.put(f"/v1/user/token/{token}", {"login": "ann"}),
        lambda api, token: api.put(f"/v1/user/token/{token}", {"login": "bob"}),
        lambda api, token: api.put(f"/v1/user/token/{token}", [{"op": "test", "path": "/login", "value": "x"}]),
        lambda api, token: api.post("/v1/user", {"login": "ann"}),
        lambda api, token: api.post("/v1/user", {"name": "nobody"}),
        lambda api, token: api.delete("/v1/user/login/nobody"),
        lambda api, token: Api().delete(f"/v1/user/token/{token}"),
    ],
    ids=["read", "no change", "taken", "failed test", "duplicate", "no identity", "absent", "refused"],
)
def test_what_changed_nothing_is_not_told_of(api: Api, receiver: Receiver, call: Callable[[Api, str], Any]) -> None:
    api.create(login="bob")
    token = api.create(login="ann")
    deliver_due()
    call(api, token)
    assert not Job.objects.exists()


def test_a_person_is_forgotten_and_told_of_once(api: Api, receiver: Receiver) -> None:
    token = api.create(login="ann")
    for _ in range(2):
        api.delete(f"/v1/user/token/{token}")
    deliver_due()
    assert [body["action"] for body in receiver.bodies()] == ["forgetme"]


def test_what_is_rolled_back_is_not_told_of(committed_api: Api, receiver: Receiver) -> None:
    class Undo(Exception):
        pass

    with pytest.raises(Undo), transaction.atomic():
        committed_api.create(login="ann")
        assert Job.objects.exists()
        raise Undo
    assert deliver_due() == 0
    assert receiver.received == []


def test_nothing_is_written_where_no_receiver_is_set(api: Api, settings: Any) -> None:
    assert settings.NOTIFICATION_URL == ""
    token = api.create(login="ann")
    api.put(f"/v1/user/token/{token}", {"name": "Ann"})
    api.post("/v1/users/bulk", {"records": [{"login": "bob"}]})
    api.delete(f"/v1/user/token/{token}")
    assert not Job.objects.exists()
    assert outbox.webhook_insert(1, webhooks.bad_login(mode="email", identity="x")) is None


def test_the_other_bodies_are_the_peers() -> None:
    assert webhooks.consent_change(brief="news", status="no", mode="email", identity="ann@example.com") == {
        "action": "consentchange",
        "brief": "news",
        "status": "no",
        "mode": "email",
        "identity": "ann@example.com",
    }
    assert webhooks.bad_login(mode="phone", identity="+447700900001") == {
        "action": "badlogin",
        "mode": "phone",
        "identity": "+447700900001",
    }


# --- signature -------------------------------------------------------------------------------------------------------


def test_a_webhook_is_signed_over_id_time_and_body(api: Api, receiver: Receiver) -> None:
    api.create(login="ann")
    deliver_due()
    (got,) = receiver.received
    assert (got.method, got.path, got.headers["content-type"]) == ("POST", "/hook", "application/json")
    at, signature = (part.partition("=")[2] for part in got.headers["x-databunker-signature"].split(","))
    assert abs(int(at) - time.time()) < 5
    message = f"{got.headers['x-databunker-delivery']}.{at}.".encode() + got.body
    assert signature == hmac.new(SECRET.encode(), message, "sha256").hexdigest()


def test_a_repetition_has_the_same_id_and_a_signature_of_its_own_time(
    api: Api, receiver: Receiver, make_due: Callable[[], None], time_machine: Any
) -> None:
    receiver.statuses = [500]
    time_machine.move_to(2_000_000_000, tick=False)
    api.create(login="ann")
    deliver_due()
    time_machine.move_to(2_000_000_100, tick=False)
    make_due()
    deliver_due()
    first, second = (got.headers for got in receiver.received)
    assert first["x-databunker-delivery"] == second["x-databunker-delivery"]
    assert first["x-databunker-signature"].startswith("t=2000000000,")
    assert second["x-databunker-signature"].startswith("t=2000000100,")


def test_an_answer_does_not_wait_for_a_receiver(committed_api: Api, receiver: Receiver) -> None:
    """It never answers; nobody even connects to it until `deliver_due` runs."""
    receiver.answer = lambda wire: wire.over.wait(30) and None
    started = time.monotonic()
    for number in range(20):
        committed_api.create(login=f"ann{number}")
    assert time.monotonic() - started < 2
    assert receiver.received == []
    assert Job.objects.count() == 20


def test_payloads_are_json_and_nothing_else(api: Api, receiver: Receiver) -> None:
    api.post("/v1/user", b'{"login":"ann","huge":123456789012345678901234567890,"exact":0.10}')
    deliver_due()
    assert b'"huge":123456789012345678901234567890,"exact":0.10' in receiver.received[0].body
    assert json.loads(receiver.received[0].body)["action"] == "profilenew"
