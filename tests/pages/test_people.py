"""People at the console: looked up, seen masked, revealed for a purpose, restricted, and forgotten after a preview."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest

from databunker.access.models import TokenKind
from gdpr.models import ExercisedRight
from tests.api.helpers import told_by
from tests.conftest import Api, new_token
from vault.models import Record, RecordState

from .conftest import Visitor, make_account, text_of


@pytest.fixture
def ann(vault: None) -> str:
    return Api(new_token(TokenKind.ROOT)).create(login="ann", email="ann@example.com", name="Ann Example")


@pytest.fixture
def officer(vault: None) -> Visitor:
    return make_account("dora", "dpo").sign_in()


@pytest.mark.parametrize(
    ("mode", "identity"),
    [("email", "Ann@Example.com"), ("login", "ann"), ("token", "")],
    ids=["e-mail", "login", "token"],
)
def test_somebody_is_looked_up_and_no_identity_stands_in_the_address(
    officer: Visitor, ann: str, mode: str, identity: str
) -> None:
    answer = officer.post("/console/people", mode=mode, identity=identity or ann)
    assert (answer.status_code, answer["Location"]) == (303, f"/console/people/{ann}")
    page = text_of(officer.get(f"/console/people/{ann}"))
    assert "a***@e***.com" in page
    assert "Ann Example" not in page


def test_a_look_up_of_nobody_says_so_and_keeps_what_was_typed(officer: Visitor, ann: str) -> None:
    answer = officer.post("/console/people", mode="email", identity="nobody@example.com")
    assert answer.status_code == 422
    assert "Nobody has this." in text_of(answer)
    assert 'value="nobody@example.com"' in answer.content.decode()


def test_the_profile_is_revealed_for_a_purpose_that_the_trail_keeps(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/reveal"
    with told_by() as told:
        answer = officer.post(path, purpose=" ", everything="1")
    assert answer.status_code == 422
    assert "Ann Example" not in text_of(answer)
    assert "person.reveal" not in [event.code for event in told]
    with told_by() as told:
        answer = officer.post(path, purpose="a call of the person", everything="1")
    assert "Ann Example" in text_of(answer)
    assert answer["Cache-Control"] == "no-store"
    (event,) = [event for event in told if event.code == "person.reveal"]
    assert (event.outcome, event.who, event.detail) == ("ok", "account", {"purpose": "a call of the person"})


@pytest.mark.parametrize("role", ["support", "auditor"])
def test_others_see_masked_values_and_no_button(vault: None, ann: str, role: str) -> None:
    visitor = make_account("sue", role).sign_in()
    page = text_of(visitor.get(f"/console/people/{ann}"))
    assert "a***@e***.com" in page
    for word in ("Reveal", "Forget this person", "Restrict processing"):
        assert word not in page
    page = text_of(visitor.get(f"/console/people/{ann}/rights"))
    for word in ("Forget this person", "Restrict processing", "Set the end", "Put down an objection"):
        assert word not in page
    for wanted in ({"everything": "1"}, {"field": "/name"}, {}):
        with told_by() as told:
            answer = visitor.post(f"/console/people/{ann}/reveal", purpose="curious", **wanted)
        assert answer.status_code == 403
        assert [event.outcome for event in told if event.code.startswith("person.reveal")] == []


def test_single_fields_are_revealed_and_the_event_names_them(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/reveal"
    with told_by() as told:
        answer = officer.post(path, purpose="a call", field="/name")
    page = text_of(answer)
    assert "Ann Example" in page
    assert "ann@example.com" not in page
    (event,) = [event for event in told if event.code == "person.reveal_fields"]
    assert (event.who, event.detail) == ("account", {"purpose": "a call", "message": "name"})
    assert "person.reveal" not in [event.code for event in told]


def test_what_is_not_ticked_or_not_there_is_not_revealed(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/reveal"
    for wanted, told in [({}, "Choose the fields that you need to see."), ({"field": "/nothing"}, "Choose once more.")]:
        answer = officer.post(path, purpose="a call", **wanted)
        assert answer.status_code == 422
        assert told in text_of(answer)
        assert 'value="a call"' in answer.content.decode()
        assert "Ann Example" not in text_of(answer)


def test_processing_is_restricted_with_its_ground_and_lifted(officer: Visitor, ann: str) -> None:
    wrong = officer.post(f"/console/people/{ann}/restrict", ground="because", reason="typed")
    assert wrong.status_code == 422
    assert "typed" in wrong.content.decode()
    officer.post(f"/console/people/{ann}/restrict", ground="accuracy", reason="the street is wrong")
    assert Record.objects.get().state == RecordState.RESTRICTED
    page = text_of(officer.get(f"/console/people/{ann}"))
    assert "processing restricted" in page
    assert "the street is wrong" in page
    again = officer.post(f"/console/people/{ann}/restrict", ground="claims", reason="for the court")
    assert again.status_code == 422
    assert "processing is restricted already" in text_of(again)
    assert "for the court" in again.content.decode(), "what was typed is kept"
    assert "Lift the restriction" in text_of(again)
    assert "Restrict processing" not in text_of(officer.get(f"/console/people/{ann}/rights"))
    officer.post(f"/console/people/{ann}/lift")
    assert Record.objects.get().state == RecordState.ACTIVE


def test_somebody_is_forgotten_after_the_preview_and_a_typed_word(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/erase"
    page = text_of(officer.get(path))
    assert "What would be erased" in page
    assert "It happens at once, and nobody can undo it." in page
    wrong = officer.post(path, token="00000000", reason="asked by letter")
    assert wrong.status_code == 422
    assert "This is not the beginning of this person&#x27;s token." in wrong.content.decode()
    assert "asked by letter" in wrong.content.decode()
    assert Record.objects.get().state == RecordState.ACTIVE
    assert "No personal data: it may outlive the person, in the event." in page
    with told_by() as told:
        assert officer.post(path, token=ann[:8], reason=" asked by letter ").status_code == 303
    assert Record.objects.get().state == RecordState.FORGOTTEN
    (forgotten,) = [event for event in told if event.code == "record.forget"]
    assert (forgotten.who, forgotten.detail) == ("account", {"message": "asked by letter"}), "still read"
    page = text_of(officer.get(f"/console/people/{ann}"))
    assert "forgotten" in page
    assert "Forget this person" not in page


def test_nobody_is_forgotten_by_who_has_not_said_lately_who_it_is(officer: Visitor, ann: str, settings: Any) -> None:
    settings.CONSOLE_CONFIRM_MINUTES = 0
    path = f"/console/people/{ann}/erase"
    for answer in (officer.get(path), officer.post(path, token=ann[:8])):
        assert (answer.status_code, answer["Location"]) == (303, f"/console/confirm?next={quote(path, safe='')}")
    assert Record.objects.get().state == RecordState.ACTIVE


def test_where_there_is_a_cooling_off_time_it_waits_and_is_withdrawn(officer: Visitor, ann: str, settings: Any) -> None:
    settings.FORGET_ME_COOLING_OFF = "7d"
    path = f"/console/people/{ann}"
    assert "It happens in 7 days" in text_of(officer.get(f"{path}/erase"))
    officer.post(f"{path}/erase", token=ann[:8])
    page = text_of(officer.get(path))
    assert "erasure waits" in page
    assert Record.objects.get().state == RecordState.ACTIVE
    officer.post(f"{path}/keep")
    assert not ExercisedRight.objects.exists()


def test_the_report_is_handed_out_for_a_purpose_that_the_trail_keeps(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/report"
    with told_by() as told:
        asked_for, answer = officer.get(path), officer.post(path, purpose=" ", form="json")
    assert (asked_for.status_code, answer.status_code) == (200, 422)
    assert "Ann Example" not in text_of(asked_for) + text_of(answer)
    assert "report.read" not in [event.code for event in told]
    answer = officer.post(path, purpose="a letter of the person", form="json")
    assert answer["Content-Disposition"] == 'attachment; filename="report.json"'
    assert answer.json()["profile"]["name"] == "Ann Example"
    assert [event["purpose"] for event in answer.json()["accesses"] if "purpose" in event] == ["a letter of the person"]
    assert officer.post(path, purpose="a letter", form="pdf").content.startswith(b"%PDF-")


def test_the_report_is_for_those_who_may_have_it(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/report"
    assert officer.post(path, purpose="a letter", form="exe").status_code == 404
    assert officer.get(f"{path}.json").status_code == 404
    assert make_account("sue", "support").sign_in().post(path, purpose="a letter", form="json").status_code == 403


def test_the_preview_says_how_many_open_requests_end_with_it(officer: Visitor, ann: str) -> None:
    person = Api(new_token(TokenKind.ROOT)).as_person(ann)
    person.put(f"/v1/user/token/{ann}", {"name": "Anna"})
    person.delete(f"/v1/user/token/{ann}")
    assert "Open requests that would end with it: 2" in text_of(officer.get(f"/console/people/{ann}/erase"))
