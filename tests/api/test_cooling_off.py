"""An erasure that waits: asked for, seen, withdrawn or carried out in time; and what it would erase."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from databunker.access.actor import Actor, ActorKind
from databunker.access.roles import PERMISSIONS_OF, Role
from databunker.access.scopes import Scope
from gdpr import actions, maintenance
from gdpr.actions import Tampered
from gdpr.models import ExercisedRight
from tests.api.helpers import assert_refused, subject_of, told_by
from tests.conftest import Api

NOW = 1_900_000_000
DAY = 86_400


@pytest.fixture(autouse=True)
def _clock(time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)


@pytest.fixture
def ann(api: Api, settings: Any) -> str:
    settings.FORGET_ME_COOLING_OFF = "7d"
    settings.SELFSERVICE_FORGET_ME = True
    return api.create(login="ann", email="ann@example.com", name={"first": "Ann", "last": "Example"})


def officer() -> Actor:
    return Actor(ActorKind.ACCOUNT, token_id=4, scope=Scope(PERMISSIONS_OF[Role.DPO]))


def waits(api: Api, ann: str) -> Any:
    return api.get(f"/v1/rights/token/{ann}").json()["erasure"]


def is_forgotten(api: Api, ann: str) -> bool:
    return api.get(f"/v1/user/token/{ann}").json()["data"] == {}


def test_what_the_person_asks_for_waits_and_is_seen(api: Api, ann: str) -> None:
    person = api.as_person(ann)
    with told_by() as told:
        answer = person.delete(f"/v1/user/token/{ann}")
    assert answer.json() == {"status": "ok", "result": "scheduled", "due": NOW + 7 * DAY}
    ((code, outcome, who, subject, detail, _),) = told
    assert (code, outcome, who, subject) == ("erasure.schedule", "ok", "person", subject_of(ann))
    assert detail == {"due": NOW + 7 * DAY}
    assert not is_forgotten(api, ann)
    erasure = waits(person, ann)
    assert (erasure["since"], erasure["due"]) == (NOW, NOW + 7 * DAY)
    assert erasure["who"].startswith("person ")


def test_asking_again_does_not_put_it_off(api: Api, ann: str, time_machine: Any) -> None:
    person = api.as_person(ann)
    person.delete(f"/v1/user/token/{ann}")
    time_machine.move_to(NOW + 300, tick=False)
    assert person.delete(f"/v1/user/token/{ann}").json()["due"] == NOW + 7 * DAY
    assert ExercisedRight.objects.count() == 1


def test_it_is_carried_out_in_time_and_not_before(api: Api, ann: str) -> None:
    api.as_person(ann).delete(f"/v1/user/token/{ann}")
    assert actions.carry_out_erasures(NOW + 7 * DAY - 1, 10) == 0
    assert not is_forgotten(api, ann)
    with told_by() as told:
        assert actions.carry_out_erasures(NOW + 7 * DAY, 10) == 1
    assert [(event.code, event.who) for event in told] == [("record.forget", "operator")]
    assert told[0].detail == {"message": "the cooling-off time of the erasure was over"}
    assert is_forgotten(api, ann)
    assert not ExercisedRight.objects.exists()
    assert actions.carry_out_erasures(NOW + 7 * DAY, 10) == 0


def test_maintenance_carries_it_out(api: Api, ann: str, time_machine: Any) -> None:
    api.as_person(ann).delete(f"/v1/user/token/{ann}")
    time_machine.move_to(NOW + 8 * DAY, tick=False)
    done = {outcome.name: outcome.done for outcome in maintenance.run(maintenance.tasks(), seconds=60)}
    assert done["erasures"] == 1
    assert is_forgotten(api, ann)


@pytest.mark.parametrize("who", ["the person", "an application", "an officer"])
def test_whoever_may_withdraws_it(api: Api, ann: str, who: str) -> None:
    person = api.as_person(ann)
    person.delete(f"/v1/user/token/{ann}")
    if who == "an officer":
        actions.withdraw_erasure(officer(), mode="login", identity="ann")
    else:
        assert (person if who == "the person" else api).delete(f"/v1/erasure/token/{ann}").status_code == 200
    assert waits(api, ann) is None
    assert actions.carry_out_erasures(NOW + 30 * DAY, 10) == 0
    assert not is_forgotten(api, ann)


def test_what_an_officer_decides_waits_too(api: Api, ann: str, settings: Any) -> None:
    outcome = actions.forget_me(officer(), mode="login", identity="ann", reason="asked by letter")
    assert isinstance(outcome, actions.Scheduled)
    assert waits(api, ann)["reason"] == "asked by letter"
    actions.withdraw_erasure(officer(), mode="token", identity=ann)
    settings.SELFSERVICE_FORGET_ME = False
    rtoken = api.as_person(ann).delete(f"/v1/user/token/{ann}").json()["rtoken"]
    assert api.post(f"/v1/request/{rtoken}").json()["result"] == "done"
    assert waits(api, ann)["due"] == NOW + 7 * DAY
    assert not is_forgotten(api, ann)


def test_an_application_means_now(api: Api, ann: str) -> None:
    assert api.delete(f"/v1/user/token/{ann}").json()["result"] == "done"
    assert is_forgotten(api, ann)


def test_without_a_time_nothing_waits(api: Api, ann: str, settings: Any) -> None:
    settings.FORGET_ME_COOLING_OFF = ""
    assert api.as_person(ann).delete(f"/v1/user/token/{ann}").json()["result"] == "done"
    assert is_forgotten(api, ann)


def test_a_restriction_holds_it_up(api: Api, ann: str) -> None:
    api.as_person(ann).delete(f"/v1/user/token/{ann}")
    api.post(f"/v1/restriction/token/{ann}", {"ground": "claims"})
    assert actions.carry_out_erasures(NOW + 8 * DAY, 10) == 0
    api.delete(f"/v1/restriction/token/{ann}")
    assert actions.carry_out_erasures(NOW + 8 * DAY, 10) == 1


def test_nobody_is_forgotten_by_what_was_written_into_the_database(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    actions.forget_me(officer(), mode="token", identity=ann)
    actions.forget_me(officer(), mode="token", identity=ben)
    ExercisedRight.objects.filter(subject=subject_of(ann)).update(due=NOW + 1)
    with pytest.raises(Tampered) as tampered:
        actions.carry_out_erasures(NOW + 8 * DAY, 10)
    assert tampered.value.done == 1
    assert not is_forgotten(api, ann)
    assert is_forgotten(api, ben)


# --- the preview -----------------------------------------------------------------------------------------------------


def preview(api: Api, ann: str) -> dict[str, Any]:
    answer = api.get(f"/v1/erasure/token/{ann}")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()
    return found


def test_the_preview_counts_what_goes_by_kind(api: Api, ann: str, settings: Any, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    marked = {"type": "object", "properties": {"last": {"preserve": True}}}
    schema.write_text(json.dumps({"type": "object", "properties": {"name": marked}}))
    settings.USER_SCHEMA_FILE = str(schema)
    settings.MAX_AUDIT_RETENTION = "10d"
    api.put(f"/v1/user/token/{ann}", {"note": "x"})
    for size in (1, 2):
        api.post(f"/v1/userapp/token/{ann}/shop", {"size": size})
    api.post(f"/v1/userapp/token/{ann}/crm", {"size": 1})
    api.post("/v1/session/3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d", {"token": ann})
    api.post(f"/v1/sharedrecord/token/{ann}", {"fields": "email"})
    api.post("/v1/lbasis/news", {})
    api.post(f"/v1/agreement/news/token/{ann}", {})
    api.post(f"/v1/objection/token/{ann}")
    settings.SELFSERVICE_FORGET_ME = False
    person = api.as_person(ann)
    person.put(f"/v1/user/token/{ann}", {"note": "y"})
    person.delete(f"/v1/user/token/{ann}")
    with told_by() as told:
        found = preview(api, ann)
    assert [(event.code, event.outcome, event.subject) for event in told] == [
        ("erasure.preview", "ok", subject_of(ann))
    ]
    assert {part["part"]: part["number"] for part in found["erased"]} == {
        "profile fields": 4, "identities": 2, "earlier profiles": 1, "application data": 2,
        "earlier application data": 1, "sessions": 1, "shared records": 1, "agreements": 1, "exercised rights": 1,
    }  # fmt: skip
    erased = {part["part"]: part["names"] for part in found["erased"]}
    assert sorted(erased["profile fields"]) == ["email", "login", "name.first", "note"]
    assert erased["application data"] == ["crm", "shop"]
    kept = {part["part"]: part for part in found["kept"]}
    assert kept["profile fields"]["names"] == ["name.last"]
    assert kept["profile fields"]["until"] is None
    assert kept["requests"]["number"] == 2
    assert kept["events"]["number"] > 10
    assert kept["events"]["until"] == NOW + 10 * DAY
    assert (found["fulfilled"], found["lapsing"]) == (1, 1)
    assert (found["restricted"], found["due"], found["waits"]) == (False, None, 7 * DAY)
    assert "Example" not in json.dumps(found)


def test_the_preview_is_what_happens(api: Api, ann: str) -> None:
    """Nobody who was shown nothing of it loses something, and nothing that was said to stay goes."""
    before = preview(api, ann)
    api.delete(f"/v1/user/token/{ann}")
    assert [part["part"] for part in before["kept"]] == ["events", "receipt"]
    assert is_forgotten(api, ann)
    assert api.get("/v1/user/email/ann@example.com").status_code == 404


def test_of_the_forgotten_there_is_nothing_to_see_beforehand(api: Api, ann: str) -> None:
    api.delete(f"/v1/user/token/{ann}")
    assert_refused(api.get(f"/v1/erasure/token/{ann}"), 404, "record not found")
    assert_refused(api.delete(f"/v1/erasure/token/{ann}"), 404, "record not found")


def test_the_preview_says_what_waits_and_what_holds_it_up(api: Api, ann: str) -> None:
    person = api.as_person(ann)
    person.delete(f"/v1/user/token/{ann}")
    person.post(f"/v1/restriction/token/{ann}", {"ground": "claims"})
    found = preview(person, ann)
    assert (found["restricted"], found["due"]) == (True, NOW + 7 * DAY)
    assert_refused(api.get(f"/v1/erasure/token/{ann}"), 409)
