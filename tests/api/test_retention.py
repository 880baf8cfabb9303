"""A person's expiration, through the door: started, read, cancelled, decided by link, carried out in time."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.access.models import TokenKind
from gdpr import maintenance
from gdpr.actions import expire_people
from gdpr.models import Expiration
from tests.api.helpers import assert_refused, contents, subject_of, told_by
from tests.conftest import FORM, Api, new_token
from vault.models import Record

NOW = 1_900_000_000
DAY = 86_400
NONE = {"status": "ok", "exptime": 0, "expstatus": "", "exptoken": ""}


@pytest.fixture(autouse=True)
def _clock(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(login="ann", email="ann@example.com", name="Ann")


def start(api: Api, **wish: Any) -> str:
    answer = api.post("/v1/exp/start/login/ann", wish or None)
    assert answer.status_code == 200, answer.content
    assert set(answer.json()) == {"status", "exptoken"}
    link: str = answer.json()["exptoken"]
    return link


def status(api: Api, ann: str) -> dict[str, Any]:
    answer = api.get(f"/v1/exp/status/token/{ann}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def is_forgotten(api: Api, ann: str) -> bool:
    return api.get(f"/v1/user/token/{ann}").json()["data"] == {}


# --- start and status ------------------------------------------------------------------------------------------------


def test_nothing_was_started(api: Api, ann: str) -> None:
    assert status(api, ann) == NONE


@pytest.mark.parametrize(
    ("wish", "endtime", "expstatus"),
    [
        ({}, NOW + 93 * DAY, "wait"),
        ({"expiration": "10d"}, NOW + 10 * DAY, "wait"),
        ({"expiration": 3600}, NOW + 3600, "wait"),
        ({"expiration": NOW + 77, "status": "wait"}, NOW + 77, "wait"),
        ({"expiration": "9y"}, NOW + 93 * DAY, "wait"),
        ({"expiration": "1d 1h", "status": "Retain"}, NOW + DAY + 3600, "retain"),
        ({"expiration": None, "status": ""}, NOW + 93 * DAY, "wait"),
    ],
)
def test_an_expiration_is_started(api: Api, ann: str, wish: dict[str, Any], endtime: int, expstatus: str) -> None:
    with told_by() as told:
        link = start(api, **wish)
    assert status(api, ann) == {"status": "ok", "exptime": endtime, "expstatus": expstatus, "exptoken": link}
    ((code, outcome, who, subject, detail, _),) = told
    assert (code, outcome, who, subject) == ("retention.start", "ok", "root", subject_of(ann))
    assert detail == {"mode": "login", "identity": "ann", "endtime": endtime, "expstatus": expstatus}


def test_the_longest_time_is_a_setting(api: Api, ann: str, settings: Any) -> None:
    settings.MAX_USER_RETENTION = "30d"
    start(api, expiration="2m")
    assert status(api, ann)["exptime"] == NOW + 30 * DAY


def test_a_form_is_as_good(api: Api, ann: str) -> None:
    assert api.post("/v1/exp/start/login/ann", b"expiration=5d&status=wait", content_type=FORM).status_code == 200
    assert status(api, ann)["exptime"] == NOW + 5 * DAY


@pytest.mark.parametrize(
    "wish",
    [
        {"expiration": "soon"}, {"expiration": -1}, {"expiration": True}, {"expiration": 1.5}, {"expiration": ["1d"]},
        {"status": "expired"}, {"status": "pending"}, {"status": 1}, {"expiraton": "1d"},
    ],
)  # fmt: skip
def test_what_can_not_be_read_starts_nothing(api: Api, ann: str, wish: dict[str, Any]) -> None:
    before = contents()
    with told_by() as told:
        assert_refused(api.post("/v1/exp/start/login/ann", wish), 400)
    assert contents() == before
    assert [(event.code, event.outcome) for event in told] == [("retention.start", "invalid")]


def test_a_new_start_takes_the_place_of_the_old_one(api: Api, ann: str) -> None:
    first = start(api, expiration="1d")
    second = start(api, expiration="2d")
    assert first != second
    assert Expiration.objects.count() == 1
    assert status(api, ann)["exptoken"] == second
    for verb in ("retain", "delete"):
        assert_refused(Api().post(f"/v1/exp/{verb}/{first}"), 403, "Access denied")


def test_a_person_reads_the_own_end_and_never_the_link(api: Api, ann: str) -> None:
    start(api, expiration="1d")
    person, other = api.as_person(ann), api.as_person(api.create(login="ben"))
    mine = {"status": "ok", "exptime": NOW + DAY, "expstatus": "wait", "exptoken": ""}
    for path in (f"/v1/exp/status/token/{ann}", "/v1/exp/status/email/ann@example.com"):
        assert person.get(path).json() == mine
        assert_refused(other.get(path), 403, "Access denied")
    assert_refused(person.post(f"/v1/exp/start/token/{ann}", {"expiration": "9y"}), 403, "Access denied")
    assert_refused(person.delete(f"/v1/exp/cancel/token/{ann}"), 403, "Access denied")


def test_nobody_has_no_expiration(api: Api) -> None:
    absent = "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"
    for method, verb in (("POST", "start"), ("GET", "status"), ("DELETE", "cancel")):
        for path in (f"token/{absent}", "login/nobody"):
            assert_refused(api.call(method, f"/v1/exp/{verb}/{path}"), 404, "record not found")
        assert_refused(api.call(method, f"/v1/exp/{verb}/token/x"), 400, "bad uuid")


def test_who_is_forgotten_is_not_started(api: Api, ann: str) -> None:
    api.delete("/v1/user/login/ann")
    assert_refused(api.post(f"/v1/exp/start/token/{ann}"), 404, "record not found")
    assert_refused(api.delete(f"/v1/exp/cancel/token/{ann}"), 404, "record not found")
    assert status(api, ann) == NONE


def test_the_listing_shows_when_people_end(api: Api, ann: str, settings: Any) -> None:
    settings.LIST_USERS = "legacy"
    api.create(login="ben")
    start(api, expiration="1d")
    rows = {row["private"]["login"]: row for row in api.post("/v1/users").json()["rows"]}
    assert (rows["ann"]["endtime"], rows["ann"]["expstatus"]) == (NOW + DAY, "wait")
    assert set(rows["ben"]) == {"token", "private"}
    assert "exptoken" not in rows["ann"]


# --- cancel ----------------------------------------------------------------------------------------------------------


def test_cancelling_leaves_nothing(api: Api, ann: str) -> None:
    link = start(api)
    with told_by() as told:
        assert api.delete("/v1/exp/cancel/login/ann").json() == {"status": "ok"}
    assert [(event.code, event.outcome) for event in told] == [("retention.cancel", "ok")]
    assert status(api, ann) == NONE
    assert not Expiration.objects.exists()
    assert_refused(Api().post(f"/v1/exp/delete/{link}"), 403, "Access denied")
    assert api.delete("/v1/exp/cancel/login/ann").json() == {"status": "ok"}


# --- the link --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("caller", ["nobody", "admin", "with a wrong token"])
def test_the_link_keeps_the_person_for_good(api: Api, ann: str, method: str, caller: str) -> None:
    link = start(api, expiration="1d")
    calling = {"nobody": Api(), "admin": Api(new_token(TokenKind.ADMIN)), "with a wrong token": Api("wrong")}[caller]
    with told_by() as told:
        answer = calling.call(method, f"/v1/exp/retain/{link}")
    assert (answer.status_code, answer.content) == (200, b"OK")
    assert [(event.code, event.outcome, event.who, event.subject) for event in told] == [
        ("retention.retain", "ok", "anyone", subject_of(ann))
    ]
    assert status(api, ann) == {"status": "ok", "exptime": 0, "expstatus": "retain", "exptoken": ""}
    assert expire_people(NOW + 1000 * DAY, 10) == 0
    assert not is_forgotten(api, ann)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_the_link_forgets_the_person_now(api: Api, ann: str, method: str) -> None:
    person = api.as_person(ann)
    link = start(api, expiration="1d")
    with told_by() as told:
        answer = Api().call(method, f"/v1/exp/delete/{link}")
    assert (answer.status_code, answer.content) == (200, b"OK")
    assert {event.code: (event.outcome, event.who, event.detail) for event in told} == {
        "record.forget": ("ok", "anyone", {"message": "by the link of the expiration"}),
        "retention.delete": ("ok", "anyone", {}),
    }
    assert len(told) == 2
    assert is_forgotten(api, ann)
    assert_refused(person.get(f"/v1/user/token/{ann}"), 403, "Access denied")
    assert status(api, ann) == {"status": "ok", "exptime": NOW + DAY, "expstatus": "expired", "exptoken": ""}
    row = Expiration.objects.get()
    assert (row.digest, row.sealed_token) == (None, None)


@pytest.mark.parametrize("first", ["retain", "delete"])
@pytest.mark.parametrize("second", ["retain", "delete"])
def test_a_used_link_looks_like_one_that_never_was(api: Api, ann: str, first: str, second: str) -> None:
    link = start(api)
    assert Api().post(f"/v1/exp/{first}/{link}").status_code == 200
    before = contents()
    refusals = [
        Api().call(method, f"/v1/exp/{second}/{text}")
        for text in (link, "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1", "x", ann)
        for method in ("GET", "POST")
    ]
    for refusal in refusals:
        assert_refused(refusal, 403, "Access denied")
    assert len({refusal.content for refusal in refusals}) == 1
    assert contents() == before


def test_refusals_of_the_link_are_told(api: Api, ann: str) -> None:
    for verb, text in (("delete", "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"), ("retain", "x")):
        with told_by() as told:
            Api().get(f"/v1/exp/{verb}/{text}")
        assert [(event.code, event.outcome, event.who, event.subject) for event in told] == [
            (f"retention.{verb}", "denied", "anyone", None)
        ]


def test_the_link_is_written_in_any_case(api: Api, ann: str) -> None:
    assert Api().post(f"/v1/exp/delete/{start(api).upper()}").content == b"OK"


def test_an_expiration_that_starts_as_retain_waits_for_the_link(api: Api, ann: str) -> None:
    link = start(api, expiration="1d", status="retain")
    assert expire_people(NOW + 1000 * DAY, 10) == 0
    assert Api().post(f"/v1/exp/delete/{link}").content == b"OK"
    assert is_forgotten(api, ann)


def test_the_address_of_the_links_holder_does_not_outlive_the_record(api: Api, ann: str, settings: Any) -> None:
    settings.AUDIT_CLIENT_ADDRESS = True
    link = start(api)
    with told_by() as told:
        assert Api().post(f"/v1/exp/delete/{link}", REMOTE_ADDR="192.0.2.7").status_code == 200
    assert len(told) == 2
    assert all("address" not in event.detail for event in told)


def test_somebody_elses_link_reaches_nobody_else(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    link = start(api)
    assert Api().post(f"/v1/exp/delete/{link}").status_code == 200
    assert not is_forgotten(api, ben)


# --- in time ---------------------------------------------------------------------------------------------------------


def test_whose_time_is_over_is_forgotten(api: Api, ann: str, time_machine: Any) -> None:
    ben = api.create(login="ben")
    link = start(api, expiration="1d")
    api.post("/v1/exp/start/login/ben", {"expiration": "2d"})
    for moment, count in ((NOW + DAY - 1, 0), (NOW + DAY, 1), (NOW + DAY, 0)):
        time_machine.move_to(moment, tick=False)
        with told_by() as told:
            (people, *_) = maintenance.run(maintenance.tasks(prompt=False), seconds=60)
        assert (people.name, people.done, people.failure, people.complete) == ("people", count, "", True)
        assert [(event.code, event.who, event.detail) for event in told] == [
            ("record.forget", "operator", {"message": "the time of the expiration was over"})
        ] * count
    assert is_forgotten(api, ann)
    assert not is_forgotten(api, ben)
    assert status(api, ann) == {"status": "ok", "exptime": NOW + DAY, "expstatus": "expired", "exptoken": ""}
    assert_refused(Api().post(f"/v1/exp/retain/{link}"), 403, "Access denied")
    row = next(row for row in api.get(f"/v1/audit/list/{ann}").json()["rows"] if row["title"] == "forgot the person")
    assert row["msg"] == "the time of the expiration was over"


def test_until_it_is_carried_out_the_link_still_keeps(api: Api, ann: str, time_machine: Any) -> None:
    link = start(api, expiration="1d")
    time_machine.move_to(NOW + 2 * DAY, tick=False)
    assert Api().post(f"/v1/exp/retain/{link}").content == b"OK"
    assert expire_people(NOW + 2 * DAY, 10) == 0
    assert not is_forgotten(api, ann)


def test_people_are_forgotten_in_small_batches(api: Api) -> None:
    for number in range(7):
        api.create(login=f"p{number}")
        api.post(f"/v1/exp/start/login/p{number}", {"expiration": number})
    assert [expire_people(NOW + 5, 4), expire_people(NOW + 5, 4), expire_people(NOW + 5, 4)] == [4, 2, 0]
    assert Record.objects.filter(state=2).count() == 6


def test_who_was_forgotten_otherwise_is_not_forgotten_again(api: Api, ann: str) -> None:
    link = start(api, expiration="1d")
    api.delete("/v1/user/login/ann")
    assert status(api, ann)["expstatus"] == "expired"
    with told_by() as told:
        assert expire_people(NOW + 2 * DAY, 10) == 0
    assert told == []
    assert Record.objects.get(subject=subject_of(ann)).generation == 2
    assert_refused(Api().post(f"/v1/exp/delete/{link}"), 403, "Access denied")
