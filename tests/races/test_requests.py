"""Several decide at once: a request is granted once, never on what it was not asked for, and never after the person."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from django.db import IntegrityError

from databunker.ids import new_token
from gdpr.models import Request
from gdpr.requests import OpenRequest, request_digest, seal_request
from tests.api.helpers import subject_of, told_by
from tests.conftest import Api
from vault import storage
from vault.models import AppRecord, Record

from .conftest import racing, statuses

ROUNDS = 6
SEALED = ("sealed_id", "terms", "original", "change", "reasons")


def ask(api: Api, token: str, change: Any) -> str:
    rtoken: str = api.as_person(token).put(f"/v1/user/token/{token}", change).json()["rtoken"]
    return rtoken


def version(token: str) -> int:
    return Record.objects.get(subject=subject_of(token)).version


def test_of_several_who_approve_at_once_one_does_it(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}", n=0)
        rtoken = ask(committed_api, token, {"n": 1})
        with told_by() as told:
            answers = racing(lambda _, path=f"/v1/request/{rtoken}": committed_api.post(path), range(6))
        assert statuses(answers) == [200] + [409] * 5
        assert {answer.json()["message"] for answer in answers if answer.status_code == 409} == {
            "wrong status: approved"
        }
        assert version(token) == 2
        codes = Counter((event.code, event.outcome) for event in told)
        assert codes == {
            ("request.approve", "ok"): 1,
            ("record.change", "ok"): 1,
            ("request.approve", "conflict"): 5,
        }


def test_a_forget_me_is_approved_once(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}")
        person = committed_api.as_person(token)
        rtoken = person.delete(f"/v1/user/token/{token}").json()["rtoken"]
        with told_by() as told:
            answers = racing(lambda _, path=f"/v1/request/{rtoken}": committed_api.post(path), range(6))
        assert statuses(answers) == [200] + [409] * 5
        assert Record.objects.get(subject=subject_of(token)).generation == 2
        assert sum(event.code == "record.forget" for event in told) == 1


def test_approving_and_refusing_at_once_end_in_one_of_the_two(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}", n=0)
        rtoken = ask(committed_api, token, {"n": 1})
        person = committed_api.as_person(token)
        path = f"/v1/request/{rtoken}"
        acts = [
            lambda path=path: committed_api.post(path),
            lambda path=path: committed_api.delete(path),
            lambda path=path, person=person: person.delete(path),
        ]
        answers = racing(lambda act: act(), acts)
        assert statuses(answers) == [200, 409, 409]
        state = committed_api.get(path).json()["state"]
        assert state == ("approved", "refused", "canceled")[[answer.status_code for answer in answers].index(200)]
        n = committed_api.get(f"/v1/user/token/{token}").json()["data"]["n"]
        assert n == (1 if state == "approved" else 0)


@pytest.mark.parametrize("field", ["n", "login"])
def test_whoever_changes_the_same_field_meanwhile_is_not_overwritten(committed_api: Api, field: str) -> None:
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}{field}", custom=f"c{turn}{field}", n=0)
        rtoken = ask(committed_api, token, {field: f"asked{turn}"})
        acts = [
            lambda rtoken=rtoken: committed_api.post(f"/v1/request/{rtoken}"),
            lambda token=token, turn=turn: committed_api.put(f"/v1/user/token/{token}", {field: f"other{turn}"}),
            lambda token=token, turn=turn: committed_api.put(f"/v1/user/token/{token}", {"beside": turn}),
        ]
        approved, changed, beside = racing(lambda act: act(), acts)
        assert (changed.status_code, beside.status_code) == (200, 200)
        assert approved.status_code in (200, 409), approved.content
        data = committed_api.get(f"/v1/user/token/{token}").json()["data"]
        # Approved first, and then changed by the other; or refused, as the other came first.
        assert (data[field], data["beside"]) == (f"other{turn}", turn)
        state = committed_api.get(f"/v1/request/{rtoken}").json()["state"]
        assert state == ("approved" if approved.status_code == 200 else "open")
        assert version(token) == (4 if approved.status_code == 200 else 3)


def test_application_data_changed_meanwhile_is_not_overwritten(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}")
        path = f"/v1/userapp/token/{token}/shop"
        committed_api.post(path, {"n": 0})
        rtoken = committed_api.as_person(token).put(path, {"n": 1}).json()["rtoken"]
        acts = [
            lambda rtoken=rtoken: committed_api.post(f"/v1/request/{rtoken}"),
            lambda path=path: committed_api.put(path, {"n": 2}),
        ]
        approved, changed = racing(lambda act: act(), acts)
        assert changed.status_code == 200
        assert committed_api.get(path).json()["data"] == {"n": 2}
        assert AppRecord.objects.get(subject=subject_of(token)).version == (3 if approved.status_code == 200 else 2)


def test_forgetting_wins_over_every_decision(committed_api: Api) -> None:
    """Whatever races it: afterwards no request is undecided, none has anything sealed, and nothing came back."""
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}", n=0)
        person = committed_api.as_person(token)
        profile, forget = ask(committed_api, token, {"n": 1}), person.delete(f"/v1/user/token/{token}").json()["rtoken"]
        acts = [
            lambda token=token: committed_api.delete(f"/v1/user/token/{token}"),
            lambda rtoken=forget: committed_api.post(f"/v1/request/{rtoken}"),
            lambda rtoken=profile: committed_api.post(f"/v1/request/{rtoken}"),
            lambda rtoken=profile: committed_api.post(f"/v1/request/{rtoken}/extend", {"reason": "many"}),
            lambda rtoken=profile: committed_api.get(f"/v1/request/{rtoken}"),
            lambda person=person, token=token: person.post(f"/v1/userapp/token/{token}/shop", {"a": 1}),
            lambda: committed_api.get("/v1/requests?limit=1000"),
        ]
        answers = racing(lambda act: act(), acts)
        codes = [answer.status_code for answer in answers]
        assert codes[0] == 200
        assert set(codes[1:4]) <= {200, 409}, [answer.content for answer in answers]
        assert set(codes[4:6]) <= {200, 403, 404}, [answer.content for answer in answers]
        assert codes[6] == 200, answers[6].content
        assert committed_api.get(f"/v1/user/token/{token}").json()["data"] == {}
        rows = list(Request.objects.filter(subject=subject_of(token)).values())
        assert len(rows) in (2, 3)
        assert {row["slot"] for row in rows} == {None}
        assert all(row[name] is None for row in rows for name in SEALED)
        assert committed_api.get(f"/v1/request/{forget}").json()["state"] == "approved"
        assert Record.objects.get(subject=subject_of(token)).generation == 2


def test_the_same_wish_sent_many_times_at_once_is_one_request(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}", n=0)
        person = committed_api.as_person(token)
        answers = racing(
            lambda _, person=person, token=token: person.put(f"/v1/user/token/{token}", {"n": 1}), range(6)
        )
        assert statuses(answers) == [200] * 6
        assert sorted(answer.json()["result"] for answer in answers) == ["request-created"] + ["request-exists"] * 5
        assert len({answer.json()["rtoken"] for answer in answers}) == 1


def test_of_different_wishes_at_once_one_is_taken(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}", n=0)
        person = committed_api.as_person(token)
        answers = racing(
            lambda n, person=person, token=token: person.put(f"/v1/user/token/{token}", {"n": n}), range(1, 7)
        )
        assert statuses(answers) == [200] + [409] * 5
        assert len({answer.json()["rtoken"] for answer in answers}) == 1, "the others are told which one"


def test_it_is_the_database_that_allows_one_of_a_kind(committed_api: Api) -> None:
    """Without any of our locks and looks."""
    token = committed_api.create(login="ann", n=0)
    rtoken = ask(committed_api, token, {"n": 1})
    stored = Request.objects.get()
    record = storage.by_subject(1, subject_of(token))
    assert record is not None
    wish = OpenRequest(stored, record).wish()
    with pytest.raises(IntegrityError):
        seal_request(wish, holder=record)[1].save(force_insert=True)
    # A decided one makes room, as often as one likes.
    for _ in range(3):
        assert committed_api.delete(f"/v1/request/{rtoken}").status_code == 200
        rtoken = ask(committed_api, token, {"n": 1})
    assert Request.objects.count() == 4
    assert not Request.objects.filter(digest=request_digest(new_token(), tenant=1)).exists()
