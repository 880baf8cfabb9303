"""Many speak of one agreement at once: each word is a line of the history, and the last line is the state."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gdpr import actions
from gdpr.models import Agreement, AgreementEvent
from tests.api.helpers import subject_of
from tests.conftest import Api

from .conftest import racing

ROUNDS = 4


@pytest.fixture(autouse=True)
def _basis(committed_api: Api) -> None:
    assert committed_api.post("/v1/lbasis/news", {"shortdesc": "Letters"}).status_code == 200


def assert_histories_are_whole() -> None:
    for row in Agreement.objects.all():
        events = list(AgreementEvent.objects.filter(agreement=row.id).order_by("number"))
        assert [event.number for event in events] == list(range(events[0].number, row.number + 1))
        assert (events[-1].status, events[-1].at, events[-1].subject) == (row.status, row.changed, row.subject)
    numbers = set(Agreement.objects.values_list("id", flat=True))
    assert set(AgreementEvent.objects.values_list("agreement", flat=True)) == numbers


@pytest.mark.parametrize("path", ["login/ann", "email/nobody@example.com"])
def test_no_word_is_lost(committed_api: Api, path: str) -> None:
    committed_api.create(login="ann")

    def speak(number: int) -> int:
        status = "yes" if number % 2 else "no"
        return committed_api.post(f"/v1/agreement/news/{path}", {"status": status}).status_code

    assert racing(speak, range(12)) == [200] * 12
    assert Agreement.objects.count() == 1
    assert AgreementEvent.objects.count() == 12
    assert_histories_are_whole()


def test_revoking_deleting_and_expiring_race_with_those_who_agree(committed_api: Api, time_machine: Any) -> None:
    tokens = [committed_api.create(login=f"p{number}") for number in range(4)]
    for turn in range(ROUNDS):
        for token in tokens:
            committed_api.post(f"/v1/agreement/news/token/{token}", {"expiration": "1s"})
        over = Agreement.objects.order_by("-ends").values_list("ends", flat=True)[0]

        def accept(token: str) -> int:
            return committed_api.post(f"/v1/agreement/news/token/{token}", {}).status_code

        acts: list[Callable[[], int]] = [
            lambda: committed_api.delete("/v1/agreement/news").status_code,
            lambda: 200 if actions.expire_agreements(over, 100) >= 0 else 500,  # noqa: B023
            *(lambda token=token: accept(token) for token in tokens),
            lambda: committed_api.delete("/v1/agreement/news").status_code,
            lambda: committed_api.delete(f"/v1/agreement/news/token/{tokens[0]}").status_code,
        ]
        assert racing(lambda act: act(), acts) == [200] * len(acts), turn
        assert_histories_are_whole()


def test_nobody_agrees_to_a_basis_that_is_gone(committed_api: Api) -> None:
    """Each either agreed in time and was revoked with the others, or finds no basis."""
    for turn in range(ROUNDS):
        committed_api.post("/v1/lbasis/news", {"shortdesc": str(turn)})
        people = [f"p{turn}-{number}@example.com" for number in range(6)]

        def act(who: str | None) -> int:
            if who is None:
                return committed_api.delete("/v1/lbasis/news").status_code
            return committed_api.post(f"/v1/agreement/news/email/{who}", {}).status_code

        codes = racing(act, [*people[:3], None, *people[3:]])
        assert codes[3] == 200
        assert set(codes) <= {200, 404}
        assert not Agreement.objects.filter(status=1).exists()
        assert_histories_are_whole()


def test_what_is_pending_is_bound_once_whoever_looks(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        email = f"ann{turn}@example.com"
        for status in ("yes", "no"):
            committed_api.post(f"/v1/agreement/news/email/{email}", {"status": status})
        token = committed_api.create(email=email)
        acts: list[Callable[[], int]] = [
            *[lambda: committed_api.get(f"/v1/agreements/token/{token}").status_code] * 3,  # noqa: B023
            *[lambda: committed_api.get(f"/v1/agreement/news/email/{email}/history").status_code] * 3,  # noqa: B023
            lambda: 200 if actions.bind_pending(100) >= 0 else 500,
            lambda: committed_api.post(f"/v1/agreement/news/token/{token}", {}).status_code,  # noqa: B023
        ]
        assert racing(lambda act: act(), acts) == [200] * len(acts)
        row = Agreement.objects.get(subject=subject_of(token))
        assert (row.number, row.status) == (3, 1)
        assert_histories_are_whole()


def test_of_a_forgotten_person_nothing_is_left_whatever_races(committed_api: Api) -> None:
    for turn in range(ROUNDS):
        email = f"ann{turn}@example.com"
        committed_api.post(f"/v1/agreement/news/email/{email}", {})
        token = committed_api.create(email=email)
        acts: list[Callable[[], int]] = [
            lambda: committed_api.post(f"/v1/agreement/news/token/{token}", {}).status_code,  # noqa: B023
            lambda: committed_api.delete(f"/v1/user/token/{token}").status_code,  # noqa: B023
            lambda: committed_api.delete("/v1/agreement/news").status_code,
            lambda: committed_api.get(f"/v1/agreements/token/{token}").status_code,  # noqa: B023
            lambda: committed_api.put(f"/v1/user/token/{token}", {"email": f"b{turn}@example.com"}).status_code,  # noqa: B023
            lambda: 200 if actions.bind_pending(100) >= 0 else 500,
        ]
        codes = racing(lambda act: act(), acts)
        assert codes[1] == 200
        assert set(codes) <= {200, 404}, codes
        subject = subject_of(token)
        assert not Agreement.objects.filter(subject=subject).exists()
        assert not AgreementEvent.objects.filter(subject=subject).exists()
        assert not Agreement.objects.filter(digest__isnull=False).exists()
        assert_histories_are_whole()
