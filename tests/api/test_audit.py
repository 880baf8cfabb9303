"""The trail through the door: who may read what of it, what of it outlives the person, and that it is whole."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from audit import trail
from audit.models import Event
from audit.trail import EventRow
from databunker.access.models import TokenKind
from databunker.crypto import store
from databunker.crypto.keyring import Purpose
from tests.api.helpers import assert_refused, opened, subject_of, told_by
from tests.api.people import ANN, NOBODY, People
from tests.conftest import Api, new_token
from tests.support.damage import flipped


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
