"""What each call leaves in the trail, and what of it stands there in clear."""

from __future__ import annotations

import uuid
from typing import Any, NamedTuple

import pytest

from audit.models import Event
from tests.api.helpers import Told, subject_of, told_by
from tests.api.people import NOBODY, People
from tests.conftest import Api

MARKER = "zx9marker"


class Call(NamedTuple):
    """A call, and the events that it leaves: (code, outcome, whom it concerns, what its sealed detail holds)."""

    method: str
    path: str
    body: Any
    events: list[tuple[str, str, str | None, dict[str, Any]]]


# `{ann}` and `{ben}` are people's tokens, `{event}` an event of Ann's.
CALLS: list[Call] = [
    Call("POST", "/v1/user", {"login": "new"}, [("record.create", "ok", "new", {"version": 1})]),
    Call(
        "POST",
        "/v1/user",
        {"email": "ANN@example.com"},
        [("record.create", "conflict", "ann", {"message": "duplicate index: email"})],
    ),
    Call(
        "POST",
        "/v1/user",
        {"a": MARKER},
        [("record.create", "invalid", None, {"message": "failed to create user, all user lookup fields are missing"})],
    ),
    Call("GET", "/v1/user/token/{ann}", None, [("record.read", "ok", "ann", {})]),
    Call("GET", "/v1/user/login/ann", None, [("record.read", "ok", "ann", {"mode": "login", "identity": "ann"})]),
    Call(
        "GET",
        "/v1/user/email/ANN%40example.com",
        None,
        [("record.read", "ok", "ann", {"mode": "email", "identity": "ann@example.com"})],
    ),
    Call("HEAD", "/v1/user/login/ann", None, [("record.read", "ok", "ann", {"mode": "login", "identity": "ann"})]),
    Call(
        "GET", f"/v1/user/token/{NOBODY}", None, [("record.read", "not_found", NOBODY, {"message": "record not found"})]
    ),
    Call("GET", "/v1/user/token/x", None, [("record.read", "invalid", None, {"message": "bad uuid"})]),
    Call("GET", "/v1/user/name/x", None, [("record.read", "invalid", None, {"message": "bad mode"})]),
    Call("PUT", "/v1/user/token/{ann}", {"n": 1}, [("record.change", "ok", "ann", {"version": 2})]),
    Call(
        "PUT",
        "/v1/user/login/ann",
        [{"op": "add", "path": "/n", "value": 1}],
        [("record.change", "ok", "ann", {"mode": "login", "identity": "ann", "version": 2})],
    ),
    Call(
        "PUT",
        "/v1/user/token/{ann}",
        {"login": "anna", "custom": "c"},
        [("record.change", "ok", "ann", {"version": 2})],
    ),
    Call("PUT", "/v1/user/token/{ann}", {}, [("record.change", "ok", "ann", {"version": 1, "unchanged": True})]),
    Call(
        "PUT",
        "/v1/user/token/{ben}",
        {"login": "ann"},
        [("record.change", "conflict", "ann", {"message": "duplicate login index"})],
    ),
    Call(
        "PUT",
        "/v1/user/token/{ann}",
        [{"op": "test", "path": "/login", "value": MARKER}],
        [("record.change", "conflict", None, {"message": "a test operation of the JSON Patch does not hold"})],
    ),
    Call(
        "PUT",
        "/v1/user/token/{gone}",
        {"n": 1},
        [("record.change", "not_found", "gone", {"message": "record not found"})],
    ),
    Call("DELETE", "/v1/user/token/{ann}", None, [("record.forget", "ok", "ann", {})]),
    Call("DELETE", "/v1/user/login/ann", None, [("record.forget", "ok", "ann", {})]),
    Call("DELETE", "/v1/user/token/{gone}", None, [("record.forget", "ok", "gone", {})]),
    Call(
        "DELETE",
        f"/v1/user/token/{NOBODY}",
        None,
        [("record.forget", "not_found", NOBODY, {"message": "record not found"})],
    ),
    Call(
        "POST",
        "/v1/users",
        None,
        [("record.list", "ok", "ann", {}), ("record.list", "ok", "ben", {}), ("record.list", "ok", "gone", {})],
    ),
    Call("POST", "/v1/users?offset=9", None, [("record.list", "ok", None, {})]),
    Call("POST", "/v1/users/unlock", None, [("unlock.grant", "ok", None, {})]),
    Call(
        "POST",
        "/v1/users/bulk",
        {"records": [{"login": "new"}, {}]},
        [("record.create", "ok", "new", {"version": 1}), ("record.load", "ok", None, {"created": 1, "rejected": 1})],
    ),
    Call("GET", "/v1/audit/list/{ann}", None, [("audit.list", "ok", "ann", {})]),
    Call(
        "GET", f"/v1/audit/list/{NOBODY}", None, [("audit.list", "not_found", NOBODY, {"message": "record not found"})]
    ),
    Call("GET", "/v1/audit/list/x", None, [("audit.list", "invalid", None, {"message": "bad uuid"})]),
    Call("GET", "/v1/audit/admin", None, [("audit.list_all", "ok", None, {})]),
    Call(
        "GET",
        "/v1/audit/admin?offset=x",
        None,
        [("audit.list_all", "invalid", None, {"message": "offset must be a whole number"})],
    ),
    Call("GET", "/v1/audit/get/{event}", None, [("audit.get", "ok", "ann", {})]),
    Call("GET", f"/v1/audit/get/{NOBODY}", None, [("audit.get", "not_found", None, {"message": "event not found"})]),
    Call("GET", "/v1/audit/get/x", None, [("audit.get", "invalid", None, {"message": "bad uuid"})]),
    # Nothing personal is touched.
    Call("GET", "/v1/status", None, []),
    Call("GET", "/v1/metrics", None, []),
    Call("GET", "/v1/nowhere", None, []),
    Call("PATCH", "/v1/user/token/{ann}", None, []),
    Call("OPTIONS", "/v1/user/token/{ann}", None, []),
]


@pytest.mark.parametrize("with_address", [False, True])
@pytest.mark.parametrize("call", CALLS, ids=[f"{call.method} {call.path} {call.body}"[:60] for call in CALLS])
def test_each_call_leaves_exactly_its_events(
    api: Api, people: People, settings: Any, call: Call, with_address: bool
) -> None:
    settings.AUDIT_CLIENT_ADDRESS = with_address
    request_id = "5d3b6f6e-94f2-4b8b-9f2c-0c9d1b9c0a55"
    path = call.path.format(**people._asdict())
    with told_by() as told:
        answer = api.call(call.method, path, call.body, HTTP_X_REQUEST_ID=request_id, REMOTE_ADDR="192.0.2.7")
    if answer.status_code == 500:
        raise AssertionError(answer.content)
    address = {"address": "192.0.2.7"} if with_address else {}
    new = next((token for token in _tokens_in(answer) if token not in people), None)
    subjects = {
        name: subject_of(token) for name, token in {**people._asdict(), "new": new, NOBODY: NOBODY}.items() if token
    }
    expected = [
        Told(code, outcome, "root", subjects[whom] if whom else None, {**detail, **address}, uuid.UUID(request_id))
        for code, outcome, whom, detail in call.events
    ]
    # Events of one call may be of one instant.
    assert sorted(told, key=repr) == sorted(expected, key=repr)


def _tokens_in(answer: Any) -> list[str]:
    if not answer.headers.get("Content-Type", "").startswith("application/json") or not answer.content:
        return []
    body = answer.json()
    return [row["token"] for row in [body, *body.get("rows", [])] if "token" in row]


def test_no_event_holds_a_value_in_clear(api: Api, people: People) -> None:
    """Neither what was looked for nor what was found stands in a column, and what found nobody not even sealed."""
    for mode, identity in (("login", MARKER), ("email", f"{MARKER}@example.com"), ("custom", MARKER)):
        with told_by() as told:
            api.get(f"/v1/user/{mode}/{identity}")
            api.put(f"/v1/user/{mode}/{identity}", {"a": MARKER})
            api.delete(f"/v1/user/{mode}/{identity}")
        for event in told:
            assert event.outcome == "not_found"
            assert set(event.detail) == {"mode", "digest", "message"}
            assert MARKER not in str(event.detail)
    api.put(f"/v1/user/token/{people.ann}", {"note": MARKER})
    columns = [
        bytes(value) if isinstance(value, memoryview) else value for row in Event.objects.values_list() for value in row
    ]
    for column in columns:
        if isinstance(column, bytes):
            assert MARKER.encode() not in column
            assert b"ann@example.com" not in column
    assert uuid.UUID(people.ann) not in columns


def test_an_auditor_can_confirm_a_known_value_that_found_nobody(api: Api) -> None:
    with told_by() as told:
        api.get("/v1/user/email/once@example.com")
        api.get("/v1/user/email/ONCE@example.com")
        api.get("/v1/user/login/once@example.com")
    digests = [event.detail["digest"] for event in told]
    assert digests[0] == digests[1] != digests[2]


def test_refusals_of_a_person_are_told_of_as_the_persons(api: Api, people: People) -> None:
    person = api.as_person(people.ben)
    with told_by() as told:
        person.get(f"/v1/user/token/{people.ann}")
        person.get("/v1/user/login/ann")
        person.get("/v1/user/login/nobody")
        person.get(f"/v1/audit/get/{people.event}")
        person.get(f"/v1/audit/get/{NOBODY}")
        person.put(f"/v1/user/token/{people.ben}", {"a": 1})
        person.delete(f"/v1/user/token/{people.ben}")
    ann, ben = subject_of(people.ann), subject_of(people.ben)
    assert [(event.code, event.outcome, event.who, event.subject) for event in told] == [
        ("record.read", "denied", "person", ann),
        ("record.read", "denied", "person", ann),
        ("record.read", "denied", "person", None),
        ("audit.get", "denied", "person", ann),
        ("audit.get", "denied", "person", None),
        ("request.open", "ok", "person", ben),
        ("request.open", "ok", "person", ben),
    ]
