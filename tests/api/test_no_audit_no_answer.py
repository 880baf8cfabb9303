"""No audit, no answer: while no event can be written, no route answers and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from databunker.access.models import TokenKind
from tests.api.helpers import assert_refused, contents, routes
from tests.api.matrix import MATRIX, ROOT, Row, Scene, make_scene, set_up
from tests.conftest import Api, new_token
from tests.support.login import solved


@contextmanager
def renamed_table() -> Iterator[None]:
    """The table of events is gone."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_event RENAME TO audit_event_away")
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE audit_event_away RENAME TO audit_event")


_TRIGGERS = {
    "sqlite": (
        ["CREATE TRIGGER refuse_events BEFORE INSERT ON audit_event BEGIN SELECT RAISE(ABORT, 'disk full'); END"],
        ["DROP TRIGGER refuse_events"],
    ),
    "postgresql": (
        [
            "CREATE FUNCTION refuse_events() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE disk_full; END $$",
            "CREATE TRIGGER refuse_events BEFORE INSERT ON audit_event FOR EACH ROW EXECUTE FUNCTION refuse_events()",
        ],
        ["DROP TRIGGER refuse_events ON audit_event", "DROP FUNCTION refuse_events()"],
    ),
    "mysql": (
        ["CREATE TRIGGER refuse_events BEFORE INSERT ON audit_event FOR EACH ROW SIGNAL SQLSTATE '45000'"],
        ["DROP TRIGGER refuse_events"],
    ),
}


@contextmanager
def refusing_trigger() -> Iterator[None]:
    """The table of events is there and takes no row."""
    make, drop = _TRIGGERS[connection.vendor]
    with connection.cursor() as cursor:
        for statement in make:
            cursor.execute(statement)
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            for statement in drop:
                cursor.execute(statement)


@pytest.mark.parametrize("broken_trail", [renamed_table, refusing_trigger])
def test_no_route_answers_and_nothing_changes(committed_api: Api, settings: Any, broken_trail: Any) -> None:
    settings.LIST_USERS = "legacy"
    settings.IDENTITY_FIELDS = ["household:shared"]
    token = committed_api.create(login="ann", household="h")
    rtoken = committed_api.as_person(token).put(f"/v1/user/token/{token}", {"note": 5}).json()["rtoken"]
    settings.SELFSERVICE_USER_RECORD_CHANGE = settings.SELFSERVICE_FORGET_ME = True
    gone = committed_api.create(login="gone")
    assert committed_api.post("/v1/lbasis/news", {"usercontrol": True}).status_code == 200
    for who in ("login/ann", "email/pending@example.com"):
        assert committed_api.post(f"/v1/agreement/news/{who}", {}).status_code == 200
    committed_api.delete(f"/v1/user/token/{gone}")
    event = committed_api.get(f"/v1/audit/list/{token}").json()["rows"][0]["atoken"]
    link = committed_api.post(f"/v1/exp/start/token/{token}").json()["exptoken"]
    admin, person = Api(new_token(TokenKind.ADMIN)), committed_api.as_person(token)
    own: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/user/token/{token}", None),
        ("GET", "/v1/user/login/ann", None),
        ("PUT", f"/v1/user/token/{token}", {"note": 1}),
        ("PUT", f"/v1/user/token/{token}", {"login": "anna"}),
        ("PUT", f"/v1/user/token/{token}", {}),
        ("DELETE", f"/v1/user/token/{token}", None),
        ("DELETE", "/v1/user/login/ann", None),
        ("GET", f"/v1/exp/status/token/{token}", None),
        ("GET", f"/v1/exp/retain/{link}", None),
        ("POST", f"/v1/exp/retain/{link}", None),
        ("GET", f"/v1/exp/delete/{link}", None),
        ("POST", f"/v1/exp/delete/{link}", None),
        ("POST", "/v1/exp/delete/x", None),
        ("POST", "/v1/agreement/news/login/ann", {"status": "no"}),
        ("DELETE", f"/v1/agreement/news/token/{token}", None),
        ("GET", f"/v1/agreement/news/token/{token}", None),
        ("GET", f"/v1/agreement/news/token/{token}/history", None),
        ("GET", "/v1/agreements/login/ann", None),
        ("GET", f"/v1/audit/list/{token}", None),
        ("GET", f"/v1/audit/get/{event}", None),
        ("PUT", f"/v1/userapp/token/{token}/shop", {"a": 1}),
        ("POST", f"/v1/userapp/token/{token}/shop", {"a": 1}),
        ("GET", f"/v1/requests/token/{token}", None),
        ("GET", f"/v1/request/{rtoken}", None),
        ("DELETE", f"/v1/request/{rtoken}", None),
    ]
    everyones: list[tuple[str, str, Any]] = [
        *own,
        ("POST", "/v1/user", {"login": "new"}),
        ("GET", f"/v1/user/token/{gone}", None),
        ("DELETE", f"/v1/user/token/{gone}", None),
        ("GET", "/v1/user/household/h", None),
        ("GET", "/v1/user/household/nobody", None),
        ("POST", "/v1/users", None),
        ("POST", "/v1/users?offset=99", None),
        ("POST", "/v1/users/unlock", None),
        ("POST", "/v1/users/bulk", {"records": [{"login": "new"}]}),
        ("POST", "/v1/users/bulk", {"records": []}),
        ("POST", "/v1/exp/start/login/ann", {"expiration": "1d"}),
        ("DELETE", "/v1/exp/cancel/login/ann", None),
        ("POST", "/v1/agreement/news/email/nobody@example.com", {}),
        ("GET", "/v1/agreements/email/pending@example.com", None),
        ("DELETE", "/v1/agreement/news", None),
        ("GET", "/v1/lbasis", None),
        ("POST", "/v1/lbasis/news", {"shortdesc": "new"}),
        ("POST", "/v1/lbasis/new", {}),
        ("DELETE", "/v1/lbasis/news", None),
        ("GET", "/v1/pactivity", None),
        ("POST", "/v1/pactivity/letters", {}),
        ("GET", "/v1/audit/admin", None),
        ("GET", "/v1/requests", None),
        ("POST", f"/v1/request/{rtoken}", {"reason": "x"}),
        ("POST", f"/v1/request/{rtoken}/extend", {"reason": "x"}),
        ("POST", f"/v1/request/{rtoken}/identity", {"proof": "ask", "reason": "x"}),
        ("POST", f"/v1/request/{rtoken}/identity", {"proof": "verified"}),
        # Refusals leave an event too, so they aren't answered either: nobody can probe unseen.
        ("GET", "/v1/user/login/nobody", None),
        ("GET", "/v1/user/token/x", None),
        ("POST", "/v1/user", {"login": "ann"}),
        ("POST", "/v1/user", b"not JSON"),
        ("PUT", f"/v1/user/token/{token}", {"phone": "rubbish"}),
        ("GET", "/v1/audit/get/x", None),
    ]
    before = contents()
    with broken_trail():
        for caller, calls in (
            (committed_api, everyones),
            (admin, everyones),
            (person, own),
            (Api(), own),
            (Api("x"), own),
        ):
            for method, path, body in calls:
                answer = caller.call(method, path, body)
                assert_refused(answer, 503, "service unavailable")
                assert contents() == before, (method, path)
        # These tell nothing of anybody, and leave no event.
        assert Api().get("/v1/status").status_code == 200
        assert committed_api.get("/v1/metrics").status_code == 200
    for method, path, body in own[:3]:
        assert committed_api.call(method, path, body).status_code == 200


def test_what_can_not_be_audited_is_no_dead_end(committed_api: Api) -> None:
    """Once the trail takes events again everything goes on, on the same connection."""
    for broken_trail in (renamed_table, refusing_trigger):
        with broken_trail():
            assert_refused(committed_api.post("/v1/user", {"login": "ann"}), 503)
        token = committed_api.create(login="ann")
        assert committed_api.get("/v1/user/login/ann").json()["token"] == token
        committed_api.delete(f"/v1/user/token/{token}")


def audited_calls() -> set[tuple[str, str]]:
    """Every method of every route that concerns somebody's data or the vault's settings: it names the event."""
    return {
        (route, method)
        for route, view in routes()
        for method in view.methods()
        if (view.rules[method].event if method in view.rules else view.public[method]) is not None
    }


def test_no_route_at_all_answers(committed_api: Api, settings: Any) -> None:
    """Every row of the permission matrix, which has every route: as root, and as a stranger who is refused."""
    settings.LIST_USERS = "legacy"
    set_up(settings)
    scene = make_scene(committed_api)
    audited = [row for row in MATRIX if (row.route, row.method) in audited_calls()]
    assert {(row.route, row.method) for row in audited} == audited_calls()
    calls = [(caller, row, *asked_of(scene, row)) for row in audited for caller in (scene.callers[ROOT], Api())]
    before = contents_without_counters()
    with refusing_trigger():
        for caller, row, path, body in calls:
            assert_refused(caller.call(row.method, path, body), 503, "service unavailable")
            assert contents_without_counters() == before, (row.method, row.path)


def asked_of(scene: Scene, row: Row) -> tuple[str, Any]:
    """Without a captcha nothing is done before a log-in, and so nothing told."""
    path, body = scene.asked(row)
    if row.path != "/v1/prelogin":
        return path, body
    captcha = solved(Api())
    return path, {**body, "code": captcha.code, "captcha": captcha.answer}


def contents_without_counters() -> dict[str, Any]:
    """What a limit counts, and that a captcha is used up, holds also for calls that fail: or one could try for ever."""
    return {
        table: rows for table, rows in contents().items() if table not in ("access_throttle", "access_used_captcha")
    }
