"""Several hosts look for what has expired at the same moment: each thing happens once, and is told once."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from audit.models import Event
from gdpr import maintenance
from gdpr.models import Expiration, ExpirationStatus
from tests.api.helpers import subject_of, told_by
from tests.conftest import Api
from tests.support.vaults import Vault, ended, new_vault
from vault.models import Record, RecordState, Session, SharedRecord

from .conftest import racing

HOSTS = 6
PEOPLE = 24


def one_pass(_: int) -> dict[str, int]:
    outcomes = maintenance.run(maintenance.tasks(), seconds=60)
    assert [outcome for outcome in outcomes if outcome.failure] == []
    return {outcome.name: outcome.done for outcome in outcomes}


def total(passes: list[dict[str, int]], name: str) -> int:
    return sum(done[name] for done in passes)


def test_each_person_is_forgotten_once(committed_api: Api) -> None:
    for number in range(PEOPLE):
        committed_api.create(login=f"p{number}")
        wish = {"expiration": 0 if number % 3 else "1d"}
        assert committed_api.post(f"/v1/exp/start/login/p{number}", wish).status_code == 200
    due = sum(number % 3 > 0 for number in range(PEOPLE))
    with told_by() as told:
        passes = racing(one_pass, range(HOSTS))
        passes.append(one_pass(0))
    assert total(passes, "people") == due
    forgotten = [event for event in told if event.code == "record.forget"]
    assert len(forgotten) == len({event.subject for event in forgotten}) == due
    assert set(Record.objects.filter(state=RecordState.FORGOTTEN).values_list("generation", flat=True)) == {2}
    assert Expiration.objects.filter(status=ExpirationStatus.EXPIRED).count() == due


def test_each_row_is_deleted_and_counted_once(committed_api: Api, monkeypatch: Any) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 7)
    committed_api.create(login="ann")
    for number in range(60):
        committed_api.post(f"/v1/session/{uuid.uuid4()}", {"expiration": 30})
        if number % 2:
            committed_api.post("/v1/sharedrecord/login/ann", {"fields": "login", "expiration": 30})
    # Time passes, without waiting for it.
    Session.objects.update(expires=1)
    SharedRecord.objects.update(expires=1)
    with told_by() as told:
        passes = racing(one_pass, range(HOSTS))
        passes.append(one_pass(0))
    assert (total(passes, "sessions"), total(passes, "shared records")) == (60, 30)
    assert (Session.objects.count(), SharedRecord.objects.count()) == (0, 0)
    counted = [event.detail["message"].split(": ") for event in told if event.code == "maintenance.expire"]
    for name, number in (("sessions", 60), ("shared records", 30)):
        assert sum(int(count) for what, count in counted if what == name) == number


def test_each_old_event_is_deleted_once(committed_api: Api, settings: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(maintenance, "BATCH", 7)
    for number in range(40):
        committed_api.create(login=f"p{number}")
    before = Event.objects.count()
    settings.MAX_AUDIT_RETENTION = "1s"
    time.sleep(2.1)
    passes = racing(one_pass, range(HOSTS))
    passes.append(one_pass(0))
    assert total(passes, "audit events") == before
    assert set(Event.objects.values_list("type", flat=True)) == {245}


def test_whatever_races_the_end_of_a_person_one_thing_wins(committed_api: Api) -> None:
    """The link, an administrator who cancels or starts anew, forget-me and two hosts at work."""
    for turn in range(8):
        token = committed_api.create(login=f"ann{turn}")
        path = f"token/{token}"
        link = committed_api.post(f"/v1/exp/start/{path}", {"expiration": 0}).json()["exptoken"]
        racers: list[Callable[[], Any]] = [
            lambda: one_pass(0),
            lambda: one_pass(1),
            lambda link=link: Api().post(f"/v1/exp/retain/{link}").status_code,
            lambda link=link: Api().post(f"/v1/exp/delete/{link}").status_code,
            lambda path=path: committed_api.delete(f"/v1/exp/cancel/{path}").status_code,
            lambda path=path: committed_api.post(f"/v1/exp/start/{path}", {"expiration": "1d"}).status_code,
            *([lambda path=path: committed_api.delete(f"/v1/user/{path}").status_code] if turn % 2 else []),
        ]
        with told_by() as told:
            answers = racing(lambda race: race(), racers)
        forgotten = Record.objects.get(subject=subject_of(token)).state == RecordState.FORGOTTEN
        codes = [event.code for event in told if event.outcome == "ok"]
        by_link = codes.count("retention.delete"), codes.count("retention.retain")
        assert by_link in ((0, 0), (1, 0), (0, 1)), "a link is used once"
        assert set(answers[2:4]) <= {200, 403}
        assert set(answers[4:]) <= {200, 404}
        assert codes.count("record.forget") == int(forgotten) or turn % 2
        status = committed_api.get(f"/v1/exp/status/{path}").json()["expstatus"]
        assert status in (("expired", "") if forgotten else ("wait", "retain", ""))
        assert Record.objects.get(subject=subject_of(token)).generation == 1 + forgotten


@pytest.mark.slow
def test_hosts_share_the_work(tmp_path: Path) -> None:
    """Two `manage.py maintenance` at once."""
    with new_vault(tmp_path) as vault:
        vault.script(
            "from databunker.access.actor import operator\n"
            "from vault.actions import create_record\n"
            "from gdpr.actions import start_expiration\n"
            f"for number in range({PEOPLE}):\n"
            "    create_record(operator(), profile={'login': f'p{number}'})\n"
            "    start_expiration(operator(), mode='login', identity=f'p{number}', wish={'expiration': 0})\n"
        )
        done = [ended(host) for host in [vault.start_manage("maintenance") for _ in range(2)]]
        assert [host.code for host in done] == [0] * 2, done
        assert sum(people_in(host.out) for host in done) == PEOPLE
        assert forgotten_in(vault) == PEOPLE


def people_in(out: str) -> int:
    (count,) = [line.split()[1] for line in out.splitlines() if line.split()[0] == "people"]
    return int(count)


def forgotten_in(vault: Vault) -> int:
    assert vault.database.value("SELECT count(*) FROM audit_event WHERE type = 103") == PEOPLE
    return int(vault.database.value("SELECT count(*) FROM vault_record WHERE state = 2 AND generation = 2"))
