"""The trail through the door: what each call leaves, who may read it, and what of it outlives the person."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from audit import trail
from audit.models import Event
from audit.trail import EventRow
from databunker.access.models import TokenKind
from databunker.crypto import store
from databunker.crypto.keyring import Purpose
from tests.api.helpers import Told, assert_refused, opened, subject_of, told_by
from tests.conftest import Api, new_token
from tests.support.damage import flipped

ANN = {"login": "ann", "email": "ann@example.com"}
NOBODY = "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"
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


class People(NamedTuple):
    ann: str
    ben: str
    gone: str
    event: str


@pytest.fixture
def people(api: Api, settings: Any) -> People:
    settings.LIST_USERS = "legacy"
    ann, ben, gone = api.create(**ANN), api.create(login="ben"), api.create(login="gone")
    api.delete(f"/v1/user/token/{gone}")
    (event,) = api.get(f"/v1/audit/list/{ann}?offset=1").json()["rows"]
    return People(ann, ben, gone, event["atoken"])


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


# --- reading the trail -----------------------------------------------------------------------------------------------


def events_of(caller: Api, token: str, query: str = "limit=1000") -> list[dict[str, Any]]:
    answer = caller.get(f"/v1/audit/list/{token}?{query}")
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def test_the_rows_of_a_person_say_what_happened_newest_first(api: Api, time_machine: Any) -> None:
    time_machine.move_to(2_000_000_000, tick=False)
    token = api.create(**ANN)
    admin = Api(new_token(TokenKind.ADMIN))
    person = api.as_person(token)
    for second, (caller, method, path) in enumerate(
        [
            (api, "GET", f"/v1/user/token/{token}"),
            (admin, "GET", "/v1/user/email/ann@example.com"),
            (person, "PUT", f"/v1/user/token/{token}"),
            (admin, "PUT", "/v1/user/login/ann"),
        ],
        start=1,
    ):
        time_machine.move_to(2_000_000_000 + second, tick=False)
        caller.call(method, path, {"n": 1})
    time_machine.move_to(2_000_000_009, tick=False)
    rows = events_of(api, token)
    assert [
        (
            row["when"] - 2_000_000_000,
            row["who"].split()[0],
            row["title"],
            row["status"],
            row["mode"],
            row["identity"],
            row["msg"],
            row["more"],
        )
        for row in rows
    ] == [
        (9, "root", "listed the events of a person", "ok", "token", "", "", False),
        (4, "admin", "changed the record", "ok", "login", "ann", "", True),
        (3, "person", "asked for approval", "ok", "token", "", "", False),
        (2, "admin", "read the record", "ok", "email", "ann@example.com", "", False),
        (1, "root", "read the record", "ok", "token", "", "", False),
        (0, "root", "created the record", "ok", "token", "", "", True),
    ]
    for row in rows:
        assert set(row) == {
            "atoken",
            "when",
            "who",
            "mode",
            "identity",
            "record",
            "app",
            "purpose",
            "title",
            "status",
            "msg",
            "more",
        }
        assert (row["record"], row["app"]) == (token, "")
        assert uuid.UUID(row["atoken"]).version == 7


def test_pages_of_events_join_to_all_of_them(api: Api) -> None:
    token = api.create(**ANN)
    for _ in range(8):
        api.get(f"/v1/user/token/{token}")
    everything = [row["atoken"] for row in events_of(api, token)]
    assert len(everything) == 10, "eight readings, the creation, and this listing"
    # Each listing adds an event in front of the ones before.
    for number, offset in enumerate(range(0, 12, 3), start=1):
        answer = api.get(f"/v1/audit/list/{token}?offset={offset + number}&limit=3").json()
        assert answer["total"] == 10 + number
        assert [row["atoken"] for row in answer["rows"]] == everything[offset : offset + 3]
    assert len(api.get(f"/v1/audit/list/{token}").json()["rows"]) == 10, "ten by default"


def test_a_person_reads_the_own_events_and_no_others(api: Api, people: People) -> None:
    ann = api.as_person(people.ann)
    rows = events_of(ann, people.ann)
    assert {row["record"] for row in rows} == {people.ann}
    for row in rows:
        assert ann.get(f"/v1/audit/get/{row['atoken']}").status_code == 200
    for row in events_of(api, people.ben):
        assert_refused(ann.get(f"/v1/audit/get/{row['atoken']}"), 403, "Access denied")
    assert_refused(ann.get(f"/v1/audit/list/{people.ben}"), 403, "Access denied")
    assert_refused(ann.get("/v1/audit/admin"), 403, "Access denied")


def test_an_admin_reads_the_events_of_everybody_and_of_nobody(api: Api, people: People) -> None:
    api.get("/v1/user/login/nobody")
    answer = api.get("/v1/audit/admin?limit=1000").json()
    assert answer["total"] == len(answer["rows"]) == Event.objects.count()
    assert [row["atoken"] for row in answer["rows"]] == [
        str(key) for key in Event.objects.order_by("-id").values_list("id", flat=True)
    ]
    assert {row["record"] for row in answer["rows"]} == {people.ann, people.ben, people.gone, ""}
    missed = answer["rows"][1]
    assert (missed["status"], missed["mode"], missed["identity"], missed["msg"]) == (
        "not_found",
        "login",
        "",
        "record not found",
    )


@pytest.mark.parametrize(
    "bad", ["x", "7b0ae7b80c0d4fd1a2f536d1f4a4c3d1", "%00", "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3dg"]
)
def test_an_event_number_that_is_none_is_refused(api: Api, bad: str) -> None:
    assert_refused(api.get(f"/v1/audit/get/{bad}"), 400, "bad uuid")
    assert_refused(api.get(f"/v1/audit/list/{bad}"), 400, "bad uuid")


def test_an_unknown_event_and_an_unknown_person_are_not_found(api: Api) -> None:
    assert_refused(api.get(f"/v1/audit/get/{NOBODY}"), 404, "event not found")
    assert_refused(api.get(f"/v1/audit/list/{NOBODY}"), 404, "record not found")


# --- before and after ------------------------------------------------------------------------------------------------


def versions(caller: Api, event: dict[str, Any]) -> tuple[Any, Any]:
    answer = caller.get(f"/v1/audit/get/{event['atoken']}")
    assert answer.status_code == 200, answer.content
    body = answer.json()["event"]
    return body.get("before"), body.get("after")


def test_a_change_can_be_read_before_and_after_while_the_person_exists(api: Api) -> None:
    token = api.create(login="ann", n=1)
    api.put(f"/v1/user/token/{token}", {"n": 2})
    api.put("/v1/user/login/ann", {"n": 3, "login": "anna"})
    api.put(f"/v1/user/token/{token}", {"n": 3})
    unchanged, third, second, created = events_of(api, token)[1:]
    first_profile, second_profile, third_profile = (
        {"login": "ann", "n": 1},
        {"login": "ann", "n": 2},
        {"login": "anna", "n": 3},
    )
    for caller in (api, api.as_person(token)):
        assert versions(caller, created) == (None, first_profile)
        assert versions(caller, second) == (first_profile, second_profile)
        assert versions(caller, third) == (second_profile, third_profile)
    before, after = versions(api, unchanged)
    assert before == after or (before, after) == (None, None), "nothing was changed by this one"

    assert api.delete(f"/v1/user/token/{token}").status_code == 200
    rows = events_of(api, token)
    for row in rows:
        body = api.get(f"/v1/audit/get/{row['atoken']}").json()["event"]
        assert "before" not in body
        assert "after" not in body
        assert (row["identity"], row["record"]) == ("", token), "the event stays, what it sealed is gone"
    titles = [row["title"] for row in rows]
    assert "forgot the person" in titles
    assert "created the record" in titles


def test_a_refused_event_says_why(api: Api, people: People) -> None:
    api.post("/v1/user", {"login": "ann"})
    refused = events_of(api, people.ann)[1]
    body = api.get(f"/v1/audit/get/{refused['atoken']}").json()["event"]
    assert (body["status"], body["debug"]) == ("conflict", "duplicate index: login")


def test_versions_keep_numbers_exactly(api: Api) -> None:
    token = api.post("/v1/user", b'{"login":"ann","n":0.10}').json()["token"]
    api.put(f"/v1/user/token/{token}", b'{"n":9007199254740993}')
    changed = events_of(api, token)[1]
    content = api.get(f"/v1/audit/get/{changed['atoken']}").content
    assert b'"before":{"login":"ann","n":0.10}' in content
    assert b'"after":{"login":"ann","n":9007199254740993}' in content


# --- the client's address --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("proxies", "forwarded", "kept"),
    [
        (0, "", "192.0.2.7"),
        (0, "198.51.100.1", "192.0.2.7"),
        (1, "198.51.100.1", "198.51.100.1"),
        (1, "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        (2, "203.0.113.9, 198.51.100.1", "203.0.113.9"),
        (2, "6.6.6.6,203.0.113.9,198.51.100.1", "203.0.113.9"),
        (2, "198.51.100.1", "192.0.2.7"),
        (1, "", "192.0.2.7"),
        (1, " , ,198.51.100.1 ,", "198.51.100.1"),
    ],
)
def test_the_address_is_what_the_outermost_trusted_proxy_saw(
    api: Api, settings: Any, proxies: int, forwarded: str, kept: str
) -> None:
    settings.AUDIT_CLIENT_ADDRESS = True
    settings.TRUSTED_PROXIES = proxies
    headers = {"HTTP_X_FORWARDED_FOR": forwarded} if forwarded else {}
    with told_by() as told:
        api.get("/v1/user/login/nobody", REMOTE_ADDR="192.0.2.7", **headers)
        Api("wrong").get("/v1/user/login/nobody", REMOTE_ADDR="192.0.2.7", **headers)
    assert [event.detail["address"] for event in told] == [kept, kept]


def test_the_address_goes_with_the_person(api: Api, settings: Any) -> None:
    settings.AUDIT_CLIENT_ADDRESS = True
    token = api.create(**ANN)
    api.get(f"/v1/user/token/{token}", REMOTE_ADDR="192.0.2.7")
    settings.AUDIT_CLIENT_ADDRESS = False
    api.delete(f"/v1/user/token/{token}")
    assert len(events_of(api, token)) == 4
    sealed = Event.objects.filter(subject=subject_of(token)).exclude(detail=None)
    assert sealed.count() == 2
    assert [opened(event) for event in sealed] == [{}, {}]


# --- integrity -------------------------------------------------------------------------------------------------------


def _row_of(event: Event) -> EventRow:
    return EventRow(*(getattr(event, name) for name in EventRow._fields))


def test_the_mac_of_every_stored_event_verifies(api: Api, people: People, settings: Any) -> None:
    settings.AUDIT_CLIENT_ADDRESS = True
    api.get("/v1/user/login/ann")
    api.get("/v1/user/login/nobody")
    api.post("/v1/users/bulk", {"records": [{"login": "new"}, {}]})
    api.as_person(people.ann).get(f"/v1/user/token/{people.ben}")
    Api().get("/v1/user/login/ann")
    keyring = store.current_keyring()
    events = list(Event.objects.all())
    assert len(events) > 8
    for event in events:
        key = keyring.get(event.key_id)
        assert key.purpose is Purpose.AUDIT
        assert trail.event_mac(_row_of(event), key.secret) == event.mac


CHANGES: dict[str, Callable[[Any], Any]] = {
    "id": lambda value: uuid.UUID(int=value.int ^ 1),
    "tenant": lambda value: value + 1,
    "at": lambda value: value + 1,
    "type": lambda value: value + 1,
    "outcome": lambda value: value + 1,
    "actor_kind": lambda value: value + 1,
    "actor_token": lambda value: None,
    "subject": lambda value: bytes(16),
    "request": lambda value: uuid.UUID(int=value.int ^ 1),
    "detail": flipped,
    "key_id": lambda value: value + 1,
}


def test_every_column_has_a_change_in_the_table() -> None:
    assert set(CHANGES) == set(EventRow._fields) - {"mac"}


@pytest.mark.parametrize("column", CHANGES)
def test_the_mac_covers_every_column(api: Api, column: str) -> None:
    api.create(**ANN)
    row = _row_of(Event.objects.get())
    key = store.current_keyring().secret(Purpose.AUDIT)
    assert trail.event_mac(row, key) == row.mac
    assert trail.event_mac(row._replace(**{column: CHANGES[column](getattr(row, column))}), key) != row.mac


def test_a_moved_detail_is_not_shown_as_another_events(api: Api, people: People) -> None:
    """Somebody with write access to the database swaps two events' sealed details."""
    api.get("/v1/user/login/ann")
    api.get("/v1/user/email/ann@example.com")
    first, second = Event.objects.filter(subject=subject_of(people.ann)).order_by("-id")[:2]
    Event.objects.filter(pk=first.pk).update(detail=second.detail)
    answer = api.get(f"/v1/audit/get/{first.pk}")
    assert_refused(answer, 500, "internal error")
