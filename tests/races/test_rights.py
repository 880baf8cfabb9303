"""Rights that are exercised while others are at work on the person: each stands once, and binds whoever comes later."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.access.actor import Actor, ActorKind, operator
from databunker.errors import NotFound, VaultError
from gdpr import actions
from gdpr.models import ExercisedRight
from tests.api.helpers import subject_of, told_by
from tests.conftest import Api
from vault.actions import change
from vault.models import Record, RecordState

from .conftest import THREADS, racing

ROUNDS = 4


def test_processing_is_restricted_once(committed_api: Api) -> None:
    token = committed_api.create(login="ann")
    path = f"/v1/restriction/token/{token}"
    with told_by() as told:
        answers = racing(lambda n: committed_api.post(path, {"ground": "claims", "reason": f"{n}"}), range(THREADS))
    assert sorted(answer.status_code for answer in answers) == [200] + [409] * (THREADS - 1)
    assert [event.outcome for event in told if event.code == "restriction.set"].count("ok") == 1
    assert ExercisedRight.objects.count() == 1
    assert Record.objects.get().state == RecordState.RESTRICTED


def test_a_change_that_was_begun_before_the_restriction_is_not_made_after_it(
    committed_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The restriction comes between the reading of the record and the writing of its change."""
    token = committed_api.create(login="ann", name="Ann")
    preview, restricted = change.preview_change, []

    def meanwhile(*args: Any) -> Any:
        found = preview(*args)
        if not restricted:
            restricted.append(True)
            racing(
                lambda _: actions.restrict_processing(operator(), mode="token", identity=token, ground="accuracy"), [0]
            )
        return found

    monkeypatch.setattr(change, "preview_change", meanwhile)
    assert committed_api.put(f"/v1/user/token/{token}", {"name": "Anna"}).status_code == 409
    assert Record.objects.get().version == 1
    committed_api.delete(f"/v1/restriction/token/{token}")
    assert committed_api.get(f"/v1/user/token/{token}").json()["data"]["name"] == "Ann"


def test_an_erasure_is_withdrawn_or_carried_out_and_nothing_between(committed_api: Api, settings: Any) -> None:
    settings.FORGET_ME_COOLING_OFF = "7d"
    officer = Actor(ActorKind.OPERATOR)
    for turn in range(ROUNDS):
        token = committed_api.create(login=f"ann{turn}")
        scheduled = actions.schedule_erasure(officer, mode="token", identity=token)
        kept = racing(lambda act: act(), _racers(token, scheduled.due))
        gone = Record.objects.get(subject=subject_of(token)).state == RecordState.FORGOTTEN
        # Who was told that it is withdrawn keeps the person; who was told that nobody is there does not.
        assert sorted(kept) == [f"carried out: {int(gone)}", "gone" if gone else "withdrawn"]
        assert not ExercisedRight.objects.exists()
        assert committed_api.get(f"/v1/user/token/{token}").json()["data"] == ({} if gone else {"login": f"ann{turn}"})


def _racers(token: str, due: int) -> list[Any]:
    def withdraw() -> str:
        try:
            actions.withdraw_erasure(operator(), mode="token", identity=token)
        except NotFound:
            return "gone"
        return "withdrawn"

    return [withdraw, lambda: f"carried out: {actions.carry_out_erasures(due, 10)}"]


def test_several_hosts_carry_out_each_erasure_once(committed_api: Api, settings: Any) -> None:
    settings.FORGET_ME_COOLING_OFF = "7d"
    due = [
        actions.schedule_erasure(operator(), mode="token", identity=committed_api.create(login=f"ann{number}")).due
        for number in range(20)
    ]
    with told_by() as told:
        done = sum(racing(lambda _: actions.carry_out_erasures(max(due), 100), range(THREADS)))
        done += actions.carry_out_erasures(max(due), 100)
    assert done == len(due)
    assert [event.code for event in told].count("record.forget") == len(due)
    assert not ExercisedRight.objects.exists()


def test_the_same_objection_stands_once(committed_api: Api) -> None:
    token = committed_api.create(login="ann")

    def make(_: int) -> bool:
        try:
            actions.object_to_processing(operator(), mode="token", identity=token)
        except VaultError:
            return False
        return True

    assert racing(make, range(THREADS)).count(True) == 1
    assert ExercisedRight.objects.count() == 1
