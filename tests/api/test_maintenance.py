"""What has to happen in time: each thing once, in small batches, whatever becomes of the other tasks."""

from __future__ import annotations

import io
import logging
import time
import uuid
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, OperationalError

from audit.models import Event
from databunker.access import tokens
from databunker.access.models import AccessToken, TokenKind, Unlock
from gdpr import maintenance, purging
from gdpr.maintenance import Outcome, Task
from gdpr.models import Expiration, ExpirationStatus
from tests.api.helpers import told_by, unreachable_database
from tests.conftest import Api, new_token
from tests.support.trail import sealed
from vault.models import Session, SharedRecord

NOW = 1_900_000_000
LATER = NOW + 3_601


def run() -> dict[str, Outcome]:
    """But for the sealing of events, which is tried in tests/audit."""
    tasks = [task for task in maintenance.tasks() if task.name != "audit: seal"]
    return {outcome.name: outcome for outcome in maintenance.run(tasks, seconds=60)}


@pytest.fixture
def clock(time_machine: Any) -> Any:
    time_machine.move_to(NOW, tick=False)
    return time_machine


def test_each_task_has_a_name_of_its_own() -> None:
    names = [task.name for task in maintenance.tasks()]
    assert len(names) == len(set(names))


# --- what expires ----------------------------------------------------------------------------------------------------


def sessions(api: Api, number: int, **data: Any) -> None:
    for _ in range(number):
        assert api.post(f"/v1/session/{uuid.uuid4()}", data).status_code == 200


def test_what_has_ended_is_deleted_and_nothing_else(api: Api, clock: Any, settings: Any) -> None:
    settings.KEY_LIFETIME = "100y"
    person = api.create(login="ann")
    sessions(api, 3, login="ann", expiration="1h")
    sessions(api, 2, expiration="30s")
    for expiration in ("1h", "2d"):
        api.post("/v1/sharedrecord/login/ann", {"fields": "login", "expiration": expiration})
    api.post("/v1/users/unlock")
    ends: list[tuple[TokenKind, int | None]] = [
        (TokenKind.PERSON, NOW + 600), (TokenKind.PERSON, LATER + 1), (TokenKind.PERSON, None), (TokenKind.ADMIN, NOW + 600),
    ]  # fmt: skip
    for kind, expires in ends:
        new_token(kind, expires=expires, person=person if kind == TokenKind.PERSON else None)
    assert {name: outcome.done for name, outcome in run().items() if outcome.done} == {}
    clock.move_to(NOW + 30, tick=False)
    assert {name: outcome.done for name, outcome in run().items() if outcome.done} == {"sessions": 2}
    clock.move_to(LATER, tick=False)
    with told_by() as told:
        outcomes = run()
    assert {name: outcome.done for name, outcome in outcomes.items() if outcome.done} == {
        "sessions": 3, "shared records": 1, "tokens of people": 1, "unlocks": 1,
    }  # fmt: skip
    assert all(outcome.complete and not outcome.failure for outcome in outcomes.values())
    assert (Session.objects.count(), SharedRecord.objects.count(), Unlock.objects.count()) == (0, 1, 0)
    # The root caller's, two of the person's, and that of the application, which `access_token list` still shows.
    assert AccessToken.objects.count() == 4
    assert {(event.code, event.who) for event in told} == {("maintenance.expire", "operator")}
    assert sorted(event.detail["message"] for event in told) == [
        "sessions: 3", "shared records: 1", "tokens of people: 1", "unlocks: 1",
    ]  # fmt: skip
    with told_by() as told:
        assert not any(outcome.done for outcome in run().values())
    assert told == []


def test_batches_go_on_until_nothing_is_left(api: Api, clock: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 2)
    sessions(api, 5, expiration="1h")
    clock.move_to(LATER, tick=False)
    with told_by() as told:
        assert run()["sessions"].done == 5
    assert sorted(event.detail["message"] for event in told) == ["sessions: 1", "sessions: 2", "sessions: 2"]


def test_the_events_of_a_tenant_stand_in_its_trail(api: Api, clock: Any) -> None:
    sessions(api, 3, expiration="1h")
    Session.objects.filter(pk=Session.objects.values_list("pk", flat=True)[0]).update(tenant=2)
    assert purging.delete_sessions(LATER, 10) == 3
    events = Event.objects.filter(type=245).values_list("tenant", flat=True)
    assert sorted(events) == [1, 2]


# --- the audit trail -------------------------------------------------------------------------------------------------


def test_events_are_kept_for_ever_unless_a_setting_says_how_long(api: Api, clock: Any, settings: Any) -> None:
    api.create(login="old")
    clock.move_to(NOW + 100, tick=False)
    api.create(login="new")
    before = Event.objects.count()
    clock.move_to(NOW + 86_400, tick=False)
    assert run()["audit events"].done == 0
    assert Event.objects.count() == before
    settings.MAX_AUDIT_RETENTION = "1d"
    sealed()
    with told_by() as told:
        assert run()["audit events"].done == 0  # exactly a day old
    assert told == []
    clock.move_to(NOW + 86_401, tick=False)
    with told_by() as told:
        assert run()["audit events"].done == 1
    assert [event.detail["message"] for event in told] == ["events: 1"]
    clock.move_to(NOW + 3 * 86_400, tick=False)
    sealed()
    assert run()["audit events"].done == 2


def test_old_events_go_in_batches_the_oldest_first(api: Api, clock: Any, settings: Any) -> None:
    settings.MAX_AUDIT_RETENTION = "1h"
    for number in range(5):
        clock.move_to(NOW + number, tick=False)
        api.create(login=f"p{number}")
    assert purging.delete_events(LATER + 2, 2) == 0, "what has no leaf yet can't be told from what was stolen"
    sealed()
    assert [purging.delete_events(LATER + 2, 2) for _ in range(3)] == [2, 1, 0]
    left = Event.objects.exclude(type=245).order_by("at").values_list("at", flat=True)
    assert [at // 1_000_000 for at in left] == [NOW + 3, NOW + 4]


# --- tasks that fail -------------------------------------------------------------------------------------------------


def broken(error: Exception) -> Any:
    def step(now: int, limit: int) -> int:
        raise error

    return step


def test_a_task_that_fails_keeps_no_other_from_its_turn(vault: None, caplog: pytest.LogCaptureFixture) -> None:
    left = [3, 1, 0]
    chosen = [
        Task("first", broken(ValueError("ann@example.com"))),
        Task("second", broken(DatabaseError("ann@example.com"))),
        Task("third", lambda now, limit: left.pop(0)),
    ]
    with caplog.at_level(logging.ERROR):
        outcomes = maintenance.run(chosen, seconds=60)
    assert outcomes == [
        Outcome("first", 0, "ValueError", complete=False),
        Outcome("second", 0, "DatabaseError", complete=False),
        Outcome("third", 4),
    ]
    assert [(record.task, record.error) for record in caplog.records] == [  # type: ignore[attr-defined]
        ("first", "ValueError"), ("second", "DatabaseError"),
    ]  # fmt: skip
    assert "ann" not in " ".join(record.getMessage() for record in caplog.records)


def test_a_task_ends_with_its_time_and_when_it_is_told_to(vault: None) -> None:
    (outcome,) = maintenance.run([Task("endless", lambda now, limit: limit)], seconds=0)
    assert outcome == Outcome("endless", maintenance.BATCH, complete=False)
    assert maintenance.run([Task("never", lambda now, limit: 1)], seconds=60, stopped=lambda: True) == []
    asked: list[int] = []

    def stopped() -> bool:
        asked.append(1)
        return len(asked) > 4

    (outcome,) = maintenance.run([Task("stopped", lambda now, limit: 1)], seconds=60, stopped=stopped)
    assert (outcome.done, outcome.complete) == (3, False)


def test_a_lost_database_is_told_from_other_failures(committed_vault: None) -> None:
    with unreachable_database():
        outcomes = maintenance.run(maintenance.tasks(), seconds=60)
    lost = [outcome for outcome in outcomes if outcome.name != "audit events"]
    assert all((outcome.failure, outcome.unreachable) == ("OperationalError", True) for outcome in lost)
    (outcome,) = maintenance.run([Task("odd", broken(OperationalError("x")))], seconds=1)
    assert outcome.unreachable


def test_an_end_that_was_moved_in_the_database_forgets_nobody(api: Api, clock: Any) -> None:
    """Nor does it keep others from being forgotten, however many were moved."""
    people = [api.create(login=f"p{number}") for number in range(6)]
    for number in range(6):
        api.post(f"/v1/exp/start/login/p{number}", {"expiration": "1h" if number == 5 else "2d"})
    subjects = list(Expiration.objects.order_by("endtime").values_list("subject", flat=True))[1:]
    changes: list[dict[str, Any]] = [
        {"endtime": 0},
        {"endtime": NOW},
        {"endtime": NOW, "sealed_token": None},
        {"endtime": NOW, "digest": None},
        {"endtime": NOW, "sealed_token": b"x" * 60},
    ]
    for subject, change in zip(subjects, changes, strict=True):
        assert Expiration.objects.filter(subject=subject).update(**change) == 1
    clock.move_to(LATER, tick=False)
    outcome = run()["people"]
    assert (outcome.done, outcome.failure) == (1, "Tampered")
    data = [api.get(f"/v1/user/token/{token}").json()["data"] for token in people]
    assert data == [{"login": f"p{number}"} for number in range(5)] + [{}]


def test_who_waits_for_the_link_is_not_forgotten_by_a_change_of_status(api: Api, clock: Any) -> None:
    token = api.create(login="ann")
    api.post("/v1/exp/start/login/ann", {"expiration": "1h", "status": "retain"})
    Expiration.objects.update(status=ExpirationStatus.WAIT)
    clock.move_to(LATER, tick=False)
    assert run()["people"].failure == "Tampered"
    assert api.get(f"/v1/user/token/{token}").json()["data"] == {"login": "ann"}


# --- the command -----------------------------------------------------------------------------------------------------


def command(*arguments: str) -> str:
    out = io.StringIO()
    call_command("maintenance", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_command_says_what_was_done(committed_api: Api) -> None:
    committed_api.create(login="ann")
    committed_api.post("/v1/exp/start/login/ann", {"expiration": 0})
    rows = [line.split() for line in command().splitlines()]
    assert ["people", "1", "done"] in rows
    assert ["shared", "records", "0", "done"] in rows
    assert len(rows) == len(maintenance.tasks())


def test_the_command_fails_where_a_task_did(committed_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []
    chosen = [
        Task("bad", broken(ValueError("secret"))),
        Task("good", lambda now, limit: seen.append(now) or 0),  # type: ignore[func-returns-value]
    ]
    monkeypatch.setattr(maintenance, "_TASKS", chosen)
    monkeypatch.setattr(maintenance, "_deliveries", list)
    with pytest.raises(CommandError) as failed:
        command()
    assert str(failed.value) == "failed: bad (ValueError); the log says where"
    assert failed.value.returncode == 1
    assert len(seen) == 1


def test_the_command_says_what_it_had_no_time_for(committed_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(now: int, limit: int) -> int:
        time.sleep(0.6)
        return 1

    monkeypatch.setattr(maintenance, "_TASKS", [Task("slow", slow)])
    monkeypatch.setattr(maintenance, "_deliveries", list)
    assert command("--seconds", "1").split() == ["slow", "2", "more", "is", "left"]


def test_the_command_says_what_is_missing(committed_vault: None) -> None:
    with pytest.raises(CommandError, match=r"no root token: run `manage\.py init`"):
        command()


def test_person_tokens_of_the_cache_are_dead_by_their_own_end(api: Api, clock: Any) -> None:
    """Deleting the row is housekeeping: the end of a token needs no maintenance."""
    person = api.create(login="ann")
    caller = Api(new_token(TokenKind.PERSON, expires=NOW + 60, person=person))
    assert caller.get(f"/v1/user/token/{person}").status_code == 200
    clock.move_to(NOW + 60, tick=False)
    assert caller.get(f"/v1/user/token/{person}").status_code == 403
    assert run()["tokens of people"].done == 1
    assert tokens.lookup(caller.token or "") is None
