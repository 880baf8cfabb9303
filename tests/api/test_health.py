"""Whether this process lives and can serve: one word for whoever asks, and nothing that a stranger could use."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext

from databunker.crypto import store
from databunker.crypto.models import WrappedKey
from databunker.ids import unix_now
from databunker.notify import jobs, kinds
from databunker.notify.models import Job, JobState
from tests.api.helpers import told_by, unreachable_database
from tests.conftest import Api


def readiness(caller: Api) -> tuple[int, str]:
    answer = caller.get("/readyz")
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
    return answer.status_code, answer.content.decode()


def due_since(seconds: int, *, kind: str = kinds.WEBHOOK, state: JobState = JobState.DUE) -> None:
    row = jobs.build(1, kind=kind, payload=b"{}")
    Job.objects.create(**row._replace(state=state, next_attempt=unix_now() - seconds)._asdict())


def test_both_are_ok_for_everybody_and_leave_no_event(api: Api) -> None:
    with told_by() as told:
        for caller in (Api(), Api("wrong"), api):
            assert readiness(caller) == (200, "ok")
            answer = caller.get("/livez")
            assert (answer.status_code, answer.content) == (200, b"ok")
    assert told == []


def test_a_process_lives_while_its_database_is_away_but_is_not_ready(api: Api) -> None:
    with unreachable_database():
        assert readiness(Api()) == (503, "database")
        assert Api().get("/livez").status_code == 200
    assert readiness(Api()) == (200, "ok")


def test_a_migration_that_is_missing(api: Api) -> None:
    MigrationRecorder.Migration.objects.filter(app="vault").delete()
    assert readiness(Api()) == (503, "migrations")


def test_a_database_that_a_newer_release_has_migrated_is_ready(api: Api) -> None:
    MigrationRecorder.Migration.objects.create(app="vault", name="9999_of_a_newer_release")
    assert readiness(Api()) == (200, "ok")


def test_a_keyring_that_cannot_be_opened(api: Api, settings: Any) -> None:
    store.forget_cached()
    WrappedKey.objects.update(wrapped=b"\0" * 80)
    try:
        assert readiness(Api()) == (503, "keyring")
    finally:
        store.forget_cached()


def test_messages_that_nobody_delivers(api: Api, settings: Any) -> None:
    settings.READY_OUTBOX_LAG_SECONDS = 60
    due_since(50)
    due_since(-5)
    due_since(500, state=JobState.DEAD)
    assert readiness(Api()) == (200, "ok"), "none is late, and a dead letter waits for a person"
    due_since(70, kind=kinds.MAIL)
    assert readiness(Api()) == (503, "outbox")
    settings.READY_OUTBOX_LAG_SECONDS = 0
    assert readiness(Api()) == (200, "ok"), "0: it isn't looked at"


def test_the_metric_says_how_late_messages_are(api: Api) -> None:
    due_since(70, kind=kinds.MAIL)
    lines = api.get("/v1/metrics").content.decode().splitlines()
    late = {line.partition(" ")[0]: float(line.rpartition(" ")[2]) for line in lines if "_outbox_lag_seconds{" in line}
    assert 70 <= late['databunker_outbox_lag_seconds{kind="mail"}'] < 90
    assert late['databunker_outbox_lag_seconds{kind="webhook"}'] == 0


@pytest.mark.parametrize(("path", "most"), [("/livez", 0), ("/readyz", 4)])
def test_it_is_cheap(api: Api, path: str, most: int) -> None:
    Api().get(path)
    with CaptureQueriesContext(connection) as asked:
        assert Api().get(path).status_code == 200
    assert len(asked) <= most
