"""No audit, no answer: while no event can be written, no route answers and nothing changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection

from databunker.access.models import TokenKind
from tests.api.helpers import assert_refused, contents
from tests.conftest import Api, new_token


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
    settings.SELFSERVICE_USER_RECORD_CHANGE = settings.SELFSERVICE_FORGET_ME = True
    token = committed_api.create(login="ann", household="h")
    gone = committed_api.create(login="gone")
    committed_api.delete(f"/v1/user/token/{gone}")
    event = committed_api.get(f"/v1/audit/list/{token}").json()["rows"][0]["atoken"]
    admin, person = Api(new_token(TokenKind.ADMIN)), committed_api.as_person(token)
    own: list[tuple[str, str, Any]] = [
        ("GET", f"/v1/user/token/{token}", None),
        ("GET", "/v1/user/login/ann", None),
        ("PUT", f"/v1/user/token/{token}", {"note": 1}),
        ("PUT", f"/v1/user/token/{token}", {"login": "anna"}),
        ("PUT", f"/v1/user/token/{token}", {}),
        ("DELETE", f"/v1/user/token/{token}", None),
        ("DELETE", "/v1/user/login/ann", None),
        ("GET", f"/v1/audit/list/{token}", None),
        ("GET", f"/v1/audit/get/{event}", None),
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
        ("GET", "/v1/audit/admin", None),
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
