"""Agreements of people, through the door."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from gdpr.models import Agreement, AgreementEvent
from tests.api.helpers import assert_refused, contents, subject_of, told_by
from tests.conftest import Api

NOW = 1_900_000_000
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def ann(api: Api) -> str:
    """Somebody, and two legal bases."""
    assert api.post("/v1/lbasis/news", {"shortdesc": "Letters", "usercontrol": True}).status_code == 200
    assert api.post("/v1/lbasis/terms", {"shortdesc": "Terms", "basistype": "contract"}).status_code == 200
    return api.create(login="ann", email="ann@example.com", phone="+447700900001", custom="c-1")


def accept(api: Api, path: str = "news/login/ann", **wish: Any) -> None:
    answer = api.post(f"/v1/agreement/{path}", wish)
    assert answer.json() == {"status": "ok"}, answer.content


def agreement(api: Api, path: str = "news/login/ann") -> dict[str, Any]:
    answer = api.get(f"/v1/agreement/{path}")
    assert answer.status_code == 200, answer.content
    data: dict[str, Any] = answer.json()["data"]
    return data


def history(api: Api, path: str = "news/login/ann") -> list[dict[str, Any]]:
    answer = api.get(f"/v1/agreement/{path}/history")
    assert answer.status_code == 200, answer.content
    body = answer.json()
    assert body["total"] == len(body["rows"])
    assert {row["textversion"] for row in body["rows"]} == {text["textversion"] for text in body["texts"]}
    rows: list[dict[str, Any]] = body["rows"]
    return rows


def test_an_agreement_says_who_when_how_and_to_which_texts(api: Api, ann: str, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    accept(
        api,
        "news/email/Ann@Example.com",
        status="yes",
        agreementmethod="paper",
        referencecode="A-7",
        lastmodifiedby="clerk",
        starttime=NOW + 5,
        expiration="10d",
    )
    assert agreement(api) == {
        "brief": "news",
        "token": ann,
        "status": "yes",
        "mode": "email",
        "who": "ann@example.com",
        "creationtime": NOW,
        "when": NOW,
        "starttime": NOW + 5,
        "endtime": NOW + 5 + 10 * 86_400,
        "agreementmethod": "paper",
        "referencecode": "A-7",
        "lastmodifiedby": "clerk",
        "textversion": 1,
    }


@pytest.mark.parametrize("mode", ["token", "login", "email", "phone", "custom"])
def test_a_person_is_found_in_every_mode(api: Api, ann: str, mode: str) -> None:
    identity = {
        "token": ann,
        "login": "ann",
        "email": "ann@example.com",
        "phone": "07700%20900001",
        "custom": "c-1",
    }[mode]
    accept(api, f"news/{mode}/{identity}")
    found = agreement(api, f"news/{mode}/{identity}")
    spelled = "+447700900001" if mode == "phone" else identity
    assert (found["mode"], found["who"], found["agreementmethod"]) == (mode, spelled, "api")


YES = [
    "accept",
    "agree",
    "approve",
    "given",
    "good",
    "ok",
    "on",
    "true",
    "y",
    "yes",
    "active",
    "1",
    "YES",
    " Ok ",
    1,
    True,
]
NO = ["no", "n", "off", "false", "0", "decline", "", "yess", 0, False, 7]


@pytest.mark.parametrize(("word", "status"), [*((word, "yes") for word in YES), *((word, "no") for word in NO)])
def test_words_for_yes_are_known_and_all_else_is_no(api: Api, ann: str, word: Any, status: str) -> None:
    accept(api, status=word)
    assert agreement(api)["status"] == status


def test_without_a_status_it_is_accepted(api: Api, ann: str) -> None:
    accept(api)
    assert agreement(api)["status"] == "yes"


@pytest.mark.parametrize("version", [1, "1", "", None])
def test_the_texts_that_were_shown_may_be_named(api: Api, ann: str, version: Any) -> None:
    accept(api, textversion=version)
    assert agreement(api)["textversion"] == 1


@pytest.mark.parametrize("path", ["news/login/ann", "news/email/nobody@example.com"])
def test_nobody_agrees_to_texts_that_have_changed(api: Api, ann: str, path: str) -> None:
    api.post("/v1/lbasis/news", {"fulldesc": "Other words."})
    refused = api.post(f"/v1/agreement/{path}", {"textversion": 1})
    assert (refused.status_code, refused.json()["message"]) == (409, "the texts of the legal basis have changed")
    assert api.get(f"/v1/agreement/{path}").status_code == 404
    accept(api, path, textversion=2)
    assert agreement(api, path)["textversion"] == 2


def test_who_takes_it_back_need_not_know_the_texts(api: Api, ann: str) -> None:
    accept(api)
    api.post("/v1/lbasis/news", {"fulldesc": "Other words."})
    accept(api, status="no", textversion=1)
    assert agreement(api)["status"] == "no"


def test_a_form_will_do(api: Api, ann: str) -> None:
    body = b"status=agree&referencecode=A-7&expiration=5h"
    assert api.post("/v1/agreement/news/login/ann", body, content_type=FORM).status_code == 200
    assert agreement(api)["referencecode"] == "A-7"


@pytest.mark.parametrize(
    "wish",
    [
        {"status": []}, {"status": {}}, {"status": 1.5}, {"agreementmethod": 5}, {"referencecode": []},
        {"lastmodifiedby": {}}, {"starttime": "soon"}, {"starttime": -1}, {"starttime": True}, {"starttime": 10**18},
        {"starttime": []}, {"expiration": "soon"}, {"expiration": []}, {"expiration": True}, {"expiration": 1.5},
        {"textversion": "one"}, {"textversion": -1},
        {"textversion": 1.0}, {"textversion": True}, {"textversion": 10**9}, {"referencecode": "x" * 1025}, {"referencecode": "a\x00"}, [], "yes",
    ],
)  # fmt: skip
def test_fields_of_another_type_are_refused(api: Api, ann: str, wish: Any) -> None:
    import json

    before = contents()
    assert_refused(api.post("/v1/agreement/news/login/ann", json.dumps(wish)), 400)
    assert contents() == before


def test_nobody_agrees_to_what_there_is_not(api: Api, ann: str) -> None:
    for path in ("absent/login/ann", "absent/email/nobody@example.com"):
        assert_refused(api.post(f"/v1/agreement/{path}", {}), 404, "legal basis not found")
    assert_refused(api.get("/v1/agreement/absent/login/ann"), 404, "legal basis not found")
    assert_refused(api.get("/v1/agreement/news/login/ann"), 404, "not found")
    assert_refused(api.get("/v1/agreement/news/login/ann/history"), 404, "not found")
    assert_refused(api.delete("/v1/agreement/absent"), 404, "legal basis not found")
    assert_refused(api.post("/v1/agreement/news/login/nobody", {}), 404, "record not found")
    assert_refused(api.post("/v1/agreement/news/mood/ann", {}), 400, "bad mode")
    assert_refused(api.post("/v1/agreement/news/token/ann", {}), 400, "bad uuid")
    assert not Agreement.objects.exists()


def test_a_withdrawal_needs_no_body_and_may_have_one(api: Api, ann: str) -> None:
    accept(api)
    assert api.delete("/v1/agreement/news/login/ann").json() == {"status": "ok"}
    assert (agreement(api)["status"], agreement(api)["endtime"]) == ("no", 0)
    accept(api, "terms/login/ann")
    body = {"lastmodifiedby": "clerk", "referencecode": "W-1"}
    assert api.delete("/v1/agreement/terms/login/ann", body).status_code == 200
    found = agreement(api, "terms/login/ann")
    assert (found["status"], found["lastmodifiedby"], found["referencecode"]) == ("no", "clerk", "W-1")


def test_a_refusal_is_kept_too(api: Api, ann: str) -> None:
    accept(api, status="no")
    assert api.delete("/v1/agreement/terms/login/ann").status_code == 200
    rows = api.get("/v1/agreements/login/ann").json()["rows"]
    assert {row["brief"]: row["status"] for row in rows} == {"news": "no", "terms": "no"}


def test_the_history_has_every_change_with_its_texts(api: Api, ann: str, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    accept(api, referencecode="first")
    time_machine.shift(10)
    assert api.post("/v1/lbasis/news", {"fulldesc": "Now by mail, too"}).status_code == 200
    accept(api, referencecode="second", expiration="60s")
    time_machine.shift(10)
    person = api.as_person(ann)
    assert person.delete(f"/v1/agreement/news/token/{ann}").status_code == 200
    accept(api, expiration="60s")
    time_machine.shift(100)
    accept(api)
    assert api.delete("/v1/agreement/news").json() == {"status": "ok", "revoked": 1}
    rows = history(api)
    assert [(row["status"], row["when"] - NOW, row["textversion"]) for row in rows] == [
        ("yes", 0, 1),
        ("yes", 10, 2),
        ("no", 20, 2),
        ("yes", 20, 2),
        ("expired", 80, 2),
        ("yes", 120, 2),
        ("revoked", 120, 2),
    ]
    assert [row["by"].split()[0] for row in rows] == ["root", "root", "person", "root", "time", "root", "root"]
    assert [row["referencecode"] for row in rows[:2]] == ["first", "second"]
    assert (rows[2]["mode"], rows[2]["who"]) == ("token", ann)
    assert (rows[4]["mode"], rows[4]["who"]) == ("", "")
    texts = api.get("/v1/agreement/news/login/ann/history").json()["texts"]
    assert [(text["textversion"], text["shortdesc"], text["fulldesc"]) for text in texts] == [
        (1, "Letters", ""),
        (2, "Letters", "Now by mail, too"),
    ]
    assert agreement(api)["status"] == "revoked"


def test_what_is_over_is_seen_as_expired_at_once(api: Api, ann: str, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    accept(api, expiration="10s")
    accept(api, "terms/login/ann", expiration=NOW + 11)
    time_machine.shift(9)
    assert agreement(api)["status"] == "yes"
    time_machine.shift(1)
    found = agreement(api)
    assert (found["status"], found["when"], found["endtime"]) == ("expired", NOW + 10, NOW + 10)
    assert agreement(api, "terms/login/ann")["status"] == "yes"
    time_machine.shift(1)
    rows = api.get("/v1/agreements/login/ann").json()["rows"]
    assert [row["status"] for row in rows] == ["expired", "expired"]
    assert [row["status"] for row in history(api)] == ["yes", "expired"]


@pytest.mark.parametrize("expiration", [None, "", 0, "0"])
def test_without_an_end_it_lasts(api: Api, ann: str, expiration: Any, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    accept(api, expiration=expiration)
    time_machine.shift(100 * 366 * 86_400)
    found = agreement(api)
    assert (found["status"], found["endtime"]) == ("yes", 0)


def test_an_agreement_follows_its_basis_under_a_new_name(api: Api, ann: str) -> None:
    accept(api)
    assert api.post("/v1/lbasis/news", {"brief": "letters"}).status_code == 200
    assert agreement(api, "letters/login/ann")["brief"] == "letters"
    assert_refused(api.get("/v1/agreement/news/login/ann"), 404, "legal basis not found")
    # A new basis under the old name is another one.
    assert api.post("/v1/lbasis/news", {}).status_code == 200
    assert_refused(api.get("/v1/agreement/news/login/ann"), 404, "not found")


# --- who may ---------------------------------------------------------------------------------------------------------


def test_a_person_withdraws_alone_only_what_is_under_its_control(api: Api, ann: str) -> None:
    person = api.as_person(ann)
    for brief in ("news", "terms"):
        accept(person, f"{brief}/token/{ann}")
    before = contents()
    asked = person.delete("/v1/agreement/terms/login/ann").json()
    assert asked["result"] == "request-created"
    again = person.post("/v1/agreement/terms/login/ann", {"status": "no"})
    assert (again.status_code, again.json()["rtoken"]) == (409, asked["rtoken"])
    after = contents()
    assert len(after.pop("gdpr_request")) == 1
    del before["gdpr_request"]
    assert after == before
    assert person.delete("/v1/agreement/news/login/ann").status_code == 200
    assert agreement(person)["status"] == "no"
    assert api.delete("/v1/agreement/terms/login/ann").status_code == 200


def test_nobody_reaches_somebody_elses(api: Api, ann: str) -> None:
    accept(api)
    ben = api.as_person(api.create(login="ben"))
    before = contents()
    for caller in (ben, Api()):
        for path in (
            f"news/token/{ann}",
            "news/login/ann",
            "news/email/ann@example.com",
            "news/email/absent@example.com",
        ):
            assert_refused(caller.get(f"/v1/agreement/{path}"), 403, "Access denied")
            assert_refused(caller.get(f"/v1/agreement/{path}/history"), 403, "Access denied")
            assert_refused(caller.post(f"/v1/agreement/{path}", {"status": "no"}), 403, "Access denied")
            assert_refused(caller.delete(f"/v1/agreement/{path}"), 403, "Access denied")
        assert_refused(caller.get("/v1/agreements/login/ann"), 403, "Access denied")
        assert_refused(caller.delete("/v1/agreement/news"), 403, "Access denied")
    assert contents() == before


def test_each_call_is_told(api: Api, ann: str) -> None:
    with told_by() as told:
        accept(api)
        agreement(api)
        api.get("/v1/agreements/login/ann")
        history(api)
        api.delete("/v1/agreement/news/login/ann")
        api.delete("/v1/agreement/news")
    assert [(event.code, event.outcome) for event in told] == [
        ("agreement.accept", "ok"),
        ("agreement.read", "ok"),
        ("agreement.list", "ok"),
        ("agreement.history", "ok"),
        ("agreement.withdraw", "ok"),
        ("agreement.revoke_all", "ok"),
    ]
    assert {event.subject for event in told[:5]} == {subject_of(ann)}
    assert told[0].detail == {"mode": "login", "identity": "ann", "brief": "news"}
    assert told[5].detail == {"brief": "news", "agreements": 0}


# --- the end of it ---------------------------------------------------------------------------------------------------


def test_revoking_for_everyone_takes_what_was_given_and_nothing_else(api: Api, ann: str) -> None:
    people = ["ann", "ben", "cem"]
    for login in people[1:]:
        api.create(login=login)
    for login in people:
        accept(api, f"news/login/{login}")
        accept(api, f"terms/login/{login}")
    api.delete("/v1/agreement/news/login/ben")
    accept(api, "news/email/pending@example.com")
    assert api.delete("/v1/agreement/news").json()["revoked"] == 3
    assert [agreement(api, f"news/login/{login}")["status"] for login in people] == ["revoked", "no", "revoked"]
    assert {agreement(api, f"terms/login/{login}")["status"] for login in people} == {"yes"}
    assert agreement(api, "news/email/pending@example.com")["status"] == "revoked"
    assert api.delete("/v1/agreement/news").json()["revoked"] == 0
    assert [row["status"] for row in history(api)] == ["yes", "revoked"]
    # It may be given again.
    accept(api)
    assert agreement(api)["status"] == "yes"


def test_revoking_for_everyone_takes_as_many_statements_for_many_as_for_one(api: Api, ann: str) -> None:
    counts = []
    for people in (1, 30):
        for number in range(people):
            accept(api, f"news/email/p{number}@example.com")
        with CaptureQueriesContext(connection) as captured:
            assert api.delete("/v1/agreement/news").json()["revoked"] == people
        counts.append(len(captured.captured_queries))
    assert counts[0] == counts[1]


def test_nothing_is_left_of_a_forgotten_persons_agreements(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    for login in ("ann", "ben"):
        accept(api, f"news/login/{login}", referencecode="A-7")
        api.delete(f"/v1/agreement/news/login/{login}")
    assert api.delete("/v1/user/login/ann").status_code == 200
    subject = subject_of(ann)
    assert not Agreement.objects.filter(subject=subject).exists()
    assert not AgreementEvent.objects.filter(subject=subject).exists()
    assert Agreement.objects.filter(subject=subject_of(ben)).count() == 1
    assert AgreementEvent.objects.count() == 2
    assert api.get(f"/v1/agreements/token/{ann}").json() == {"status": "ok", "total": 0, "rows": []}
    assert_refused(api.get(f"/v1/agreement/news/token/{ann}"), 404, "not found")
    assert_refused(api.post(f"/v1/agreement/news/token/{ann}", {}), 404, "record not found")
    assert_refused(api.delete(f"/v1/agreement/news/token/{ann}"), 404, "record not found")


# --- written by SQL --------------------------------------------------------------------------------------------------


def test_a_consent_can_not_be_invented_by_sql(api: Api, ann: str) -> None:
    """Neither by turning a no into a yes, nor by a line of history of its own."""
    accept(api, status="no")
    Agreement.objects.update(status=1)
    assert_refused(api.get("/v1/agreement/news/login/ann"), 500, "internal error")
    AgreementEvent.objects.update(status=1)
    assert_refused(api.get("/v1/agreement/news/login/ann"), 500, "internal error")
    event = AgreementEvent.objects.get()
    AgreementEvent.objects.create(
        agreement=event.agreement, number=2, tenant=1, subject=event.subject, basis=event.basis, status=1,
        text_version=1, at=event.at,
    )  # fmt: skip
    Agreement.objects.update(number=2, said=2, changed=event.at)
    for path in ("news/login/ann", "news/login/ann/history"):
        assert_refused(api.get(f"/v1/agreement/{path}"), 500, "internal error")
