"""Status and metrics: what the machines around the vault ask."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.test import RequestFactory
from django.urls import get_resolver

from audit import sealing
from audit.models import Event, Head, Leaf, Node, Tree
from databunker.access.models import TokenKind
from databunker.api.errors import server_error
from databunker.crypto.keyring import REQUIRED
from databunker.ids import first_event_id, unix_now
from databunker.notify import delivery
from gdpr import maintenance, task_runs
from gdpr.models import TaskRun
from tests.api.helpers import assert_refused, routes, told_by, unreachable_database
from tests.conftest import Api, new_token

MARKER = "Zx9marker"
STATUS_PATHS = ("/status", "/status/", "/v1/status", "/v1/status/")


@pytest.mark.parametrize("path", STATUS_PATHS)
def test_status_tells_whether_the_database_answers(api: Api, path: str) -> None:
    for caller in (Api(), Api("wrong"), api):
        answer = caller.get(path)
        assert (answer.status_code, answer.content) == (200, b"OK")
        assert answer.headers["Content-Type"] == "text/plain; charset=utf-8"
        assert answer.headers["Cache-Control"] == "no-store"
    with unreachable_database():
        answer = Api().get(path)
        assert (answer.status_code, answer.content) == (500, b"error")
    assert Api().get(path).content == b"OK", "and again when it is back"


def test_status_needs_no_keyring_and_leaves_no_event(db: None) -> None:
    with told_by() as told:
        assert Api().get("/status").content == b"OK"
    assert told == []


def test_metrics_are_prometheus_text(api: Api) -> None:
    answer = api.get("/v1/metrics")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    text = answer.content.decode()
    for name in ("databunker_request_seconds", "databunker_requests", "databunker_refusals_unrecorded"):
        assert f"# HELP {name}" in text


def test_metrics_answer_an_allowed_address_while_the_database_is_gone(api: Api, settings: Any) -> None:
    admin = Api(new_token(TokenKind.ADMIN))
    with unreachable_database():
        settings.METRICS_ALLOWED_ADDRESSES = ["127.0.0.1"]
        assert Api().get("/v1/metrics").status_code == 200
        settings.METRICS_ALLOWED_ADDRESSES = []
        assert_refused(admin.get("/v1/metrics"), 503, "service unavailable")


LABELS = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


def labels(text: str) -> dict[str, set[str]]:
    """Every value of every label of our own metrics."""
    found: dict[str, set[str]] = {}
    for line in text.splitlines():
        if line.startswith("databunker_"):
            for name, value in LABELS.findall(line):
                found.setdefault(name, set()).add(value)
    return found


def test_labels_are_templates_methods_and_codes_and_nothing_of_a_request(api: Api) -> None:
    token = api.create(login=MARKER)
    for caller in (api, Api(MARKER), Api()):
        for method in ("GET", "PUT", "DELETE", "POST", "PATCH", MARKER, "FETCH1", "FETCH2"):
            for path in (
                f"/v1/user/login/{MARKER}",
                f"/v1/user/{MARKER}/x",
                f"/v1/audit/get/{MARKER}",
                f"/{MARKER}",
                f"/v1/users?limit={MARKER}",
            ):
                caller.call(method, path, {"a": MARKER}, HTTP_X_REQUEST_ID=MARKER)
    text = api.get("/v1/metrics").content.decode()
    assert MARKER.lower() not in text.lower()
    assert token not in text
    found = labels(text)
    # A worker's number, where there are several.
    found.pop("pid", None)
    assert set(found) == {"route", "method", "status", "le", "kind", "purpose", "task"}
    assert found["kind"] == {"hour", "day", "canary", *delivery.kinds()}
    assert found["purpose"] == {purpose.value for purpose in REQUIRED}
    assert found["task"] == {task.name for task in maintenance.tasks()}
    assert found["route"] <= {route for route, _ in routes()}
    assert found["status"] <= {"200", "204", "400", "403", "404", "405", "409", "413", "415", "429", "500", "503"}
    assert "FETCH1" not in found["method"], "else a stranger could make ever new series, until memory is full"


def measured(name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", Api().get("/v1/metrics").content.decode(), re.MULTILINE)
    assert found, name
    return float(found[1])


def test_a_task_that_fails_is_told(api: Api, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as the witness, of a database that went back: its file knows of more than this vault."""
    monkeypatch.setattr(task_runs, "_written", {})
    settings.AUDIT_WITNESS_FILE = str(tmp_path / "heads.jsonl")
    name = "audit: witness file"
    series = f'databunker_task_failed{{task="{name}"}}'
    (task,) = [task for task in maintenance.tasks() if task.name == name]
    assert measured(series) == 0, "it has not run yet"

    def run() -> str:
        return maintenance.run([task], seconds=1)[0].failure

    api.create(login="ann")
    sealing.seal_everything(tell=lambda _: None)
    assert (run(), measured(series)) == ("", 0)
    for model in (Head, Leaf, Node, Tree):
        model.objects.all().delete()
    assert (run(), measured(series)) == ("RolledBack", 1)
    TaskRun.objects.update(ended=unix_now() - 3600)
    assert measured(series) == 0, "nobody runs it any more"
    TaskRun.objects.update(ended=unix_now())
    settings.AUDIT_WITNESS_FILE = ""
    assert measured(series) == 1, "this host has no such task, another one has"
    settings.AUDIT_WITNESS_FILE = str(tmp_path / "another.jsonl")
    assert (run(), measured(series)) == ("", 0)


def test_how_long_events_wait_to_be_sealed_is_told(api: Api) -> None:
    api.create(login="ann")
    sealing.seal_everything(tell=lambda _: None)
    assert measured("databunker_audit_unsealed_seconds") == 0
    Head.objects.update(at=unix_now() - 1000)
    newest = Event.objects.latest("id")
    Event.objects.filter(id=newest.id).update(id=UUID(int=first_event_id((unix_now() - 700) * 1000).int + 1))
    assert 700 <= measured("databunker_audit_unsealed_seconds") < 760
    Head.objects.all().delete()
    assert measured("databunker_audit_unsealed_seconds") >= 700, "also while nothing was ever sealed"


def test_what_fails_before_a_view_is_reached_is_logged_with_its_request(
    caplog: pytest.LogCaptureFixture, rf: RequestFactory
) -> None:
    try:
        int(MARKER)
    except ValueError:
        answer = server_error(rf.get("/v1/user"))
    assert answer.status_code == 500
    (line,) = caplog.records
    assert line.request_id == answer.headers["X-Request-ID"]  # type: ignore[attr-defined]
    assert line.exc_info is not None
    assert line.exc_info[0] is ValueError
    assert MARKER not in answer.content.decode()


def count(text: str, route: str, method: str, status: int) -> float:
    line = f'databunker_requests_total{{method="{method}",route="{route}",status="{status}"}} '
    found = [float(row[len(line) :]) for row in text.splitlines() if row.startswith(line)]
    return found[0] if found else 0.0


def test_every_answer_is_counted(api: Api) -> None:
    api.create(login="ann")
    route = get_resolver().resolve("/v1/user/login/ann").route
    before = api.get("/v1/metrics").content.decode()
    for _ in range(3):
        api.get("/v1/user/login/ann")
    api.get("/v1/user/login/nobody")
    Api().get("/v1/user/login/ann")
    after = api.get("/v1/metrics").content.decode()
    assert {
        status: count(after, route, "GET", status) - count(before, route, "GET", status) for status in (200, 403, 404)
    } == {
        200: 3,
        403: 1,
        404: 1,
    }
