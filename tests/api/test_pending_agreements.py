"""Agreements given by e-mail or phone before the person exists, through the door."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.crypto import envelope, store
from gdpr import actions
from gdpr.models import Agreement, AgreementEvent
from tests.api.helpers import assert_refused, contents, subject_of, told_by
from tests.conftest import Api

NOW = 1_900_000_000
EMAIL, PHONE = "ann@example.com", "+447700900001"


@pytest.fixture(autouse=True)
def _bases(api: Api) -> None:
    for brief in ("news", "terms"):
        assert api.post(f"/v1/lbasis/{brief}", {"shortdesc": brief}).status_code == 200


def accept(api: Api, path: str, **wish: Any) -> None:
    answer = api.post(f"/v1/agreement/{path}", wish)
    assert answer.json() == {"status": "ok"}, answer.content


def statuses(api: Api, path: str) -> dict[str, str]:
    answer = api.get(f"/v1/agreements/{path}")
    assert answer.status_code == 200, answer.content
    return {row["brief"]: row["status"] for row in answer.json()["rows"]}


def history(api: Api, path: str) -> list[dict[str, Any]]:
    answer = api.get(f"/v1/agreement/{path}/history")
    assert answer.status_code == 200, answer.content
    rows: list[dict[str, Any]] = answer.json()["rows"]
    return rows


def pending() -> int:
    return Agreement.objects.filter(subject=None).count()


# --- before ----------------------------------------------------------------------------------------------------------


def test_what_is_pending_is_seen_by_its_identity(api: Api) -> None:
    accept(api, "news/email/Ann@Example.com", referencecode="A-7")
    data = api.get(f"/v1/agreement/news/email/{EMAIL}").json()["data"]
    assert (data["token"], data["who"], data["mode"], data["referencecode"]) == ("", EMAIL, "email", "A-7")
    assert api.delete(f"/v1/agreement/news/email/{EMAIL}").status_code == 200
    assert statuses(api, f"email/{EMAIL}") == {"news": "no"}
    assert [row["status"] for row in history(api, f"news/email/{EMAIL}")] == ["yes", "no"]
    assert_refused(api.get(f"/v1/agreement/terms/email/{EMAIL}"), 404, "not found")
    for path in ("email/other@example.com", "phone/07700900001"):
        assert_refused(api.get(f"/v1/agreements/{path}"), 404, "record not found")


@pytest.mark.parametrize("mode", ["login", "custom", "token"])
def test_only_an_email_or_a_phone_waits_for_its_person(api: Api, mode: str) -> None:
    identity = "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1" if mode == "token" else "ann"
    assert_refused(api.post(f"/v1/agreement/news/{mode}/{identity}", {}), 404, "record not found")
    assert not Agreement.objects.exists()


def test_a_pending_agreement_ends_in_time(api: Api, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    accept(api, f"news/email/{EMAIL}", expiration="10s")
    time_machine.shift(20)
    accept(api, f"news/email/{EMAIL}", referencecode="again")
    assert [(row["status"], row["when"] - NOW) for row in history(api, f"news/email/{EMAIL}")] == [
        ("yes", 0),
        ("expired", 10),
        ("yes", 20),
    ]


def test_the_trail_tells_of_it_without_the_identity(api: Api) -> None:
    with told_by() as told:
        accept(api, f"news/email/{EMAIL}")
        statuses(api, f"email/{EMAIL}")
        api.delete(f"/v1/agreement/news/email/{EMAIL}")
    assert [(event.code, event.outcome, event.subject) for event in told] == [
        ("agreement.accept", "ok", None),
        ("agreement.list", "ok", None),
        ("agreement.withdraw", "ok", None),
    ]
    assert all(set(event.detail) <= {"mode", "digest", "brief"} for event in told)


# --- and then the person comes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("look", ["list", "read", "history", "accept", "withdraw"])
def test_the_person_has_it_as_soon_as_there_is_one(api: Api, look: str) -> None:
    accept(api, f"news/email/{EMAIL}", referencecode="by mail")
    accept(api, "terms/phone/07700900001", status="no")
    accept(api, "news/email/other@example.com")
    token = api.create(email=EMAIL, phone=PHONE)
    path = f"news/token/{token}"
    with told_by() as told:
        if look == "list":
            assert statuses(api, f"token/{token}") == {"news": "yes", "terms": "no"}
        elif look == "read":
            assert api.get(f"/v1/agreement/{path}").json()["data"]["who"] == EMAIL
        elif look == "history":
            assert [row["referencecode"] for row in history(api, path)] == ["by mail"]
        elif look == "accept":
            accept(api, path, referencecode="by token")
        else:
            assert api.delete(f"/v1/agreement/{path}").status_code == 200
    assert told[0].code == "agreement.link"
    assert (told[0].subject, told[0].detail) == (subject_of(token), {"agreements": 2})
    assert pending() == 1
    assert Agreement.objects.filter(subject=subject_of(token)).count() == 2
    rows = history(api, path)
    assert [row["status"] for row in rows] == {"accept": ["yes", "yes"], "withdraw": ["yes", "no"]}.get(look, ["yes"])
    assert (rows[0]["mode"], rows[0]["who"], rows[0]["referencecode"]) == ("email", EMAIL, "by mail")


def test_what_is_bound_is_sealed_under_the_persons_key(api: Api) -> None:
    accept(api, f"news/email/{EMAIL}")
    (event,) = AgreementEvent.objects.all()
    assert event.subject is None
    assert envelope.key_id_of(event.words) in store.current_keyring()
    token = api.create(email=EMAIL)
    statuses(api, f"token/{token}")
    (bound,) = AgreementEvent.objects.all()
    assert bound.subject == subject_of(token)
    assert envelope.key_id_of(bound.words) == 1  # the generation of the record key
    assert bound.words != event.words
    assert (bound.at, bound.number, bound.actor_kind, bound.request) == (
        event.at, event.number, event.actor_kind, event.request,
    )  # fmt: skip


def test_of_two_identities_the_last_word_stands_and_both_histories_are_kept(api: Api, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    accept(api, f"news/email/{EMAIL}")
    time_machine.shift(1)
    accept(api, f"news/phone/{PHONE}", status="no")
    time_machine.shift(1)
    accept(api, f"news/email/{EMAIL}")
    token = api.create(email=EMAIL, phone=PHONE)
    assert statuses(api, f"token/{token}") == {"news": "yes"}
    rows = history(api, f"news/token/{token}")
    assert [(row["mode"], row["when"] - NOW, row["status"]) for row in rows] == [
        ("phone", 1, "no"),
        ("email", 0, "yes"),
        ("email", 2, "yes"),
    ]
    assert api.get(f"/v1/agreement/news/token/{token}").json()["data"]["creationtime"] == NOW
    assert not pending()


@pytest.mark.parametrize(
    ("own", "theirs", "later", "stands"),
    [
        ("no", "yes", True, "no"),
        ("no", "yes", False, "no"),
        ("yes", "no", True, "no"),
        ("yes", "no", False, "yes"),
        ("yes", "yes", True, "yes"),
    ],
)
def test_who_agrees_for_a_future_email_of_somebody_never_agrees_for_that_person(
    api: Api, time_machine: Any, own: str, theirs: str, later: bool, stands: str
) -> None:
    """The person's own word stands, unless it was withdrawn later."""
    time_machine.move_to(NOW, tick=False)
    token = api.create(login="ann")
    steps = [(f"news/token/{token}", own), ("news/email/new@example.com", theirs)]
    for path, status in steps if later else reversed(steps):
        accept(api, path, status=status)
        time_machine.shift(1)
    assert api.put(f"/v1/user/token/{token}", {"email": "new@example.com"}).status_code == 200
    assert statuses(api, f"token/{token}") == {"news": stands}
    rows = history(api, f"news/token/{token}")
    assert len(rows) == 2
    assert rows[-1]["status"] == stands
    assert {row["mode"] for row in rows} == {"token", "email"}
    accept(api, f"news/token/{token}", status="yes")
    assert statuses(api, "email/new@example.com") == {"news": "yes"}
    assert len(history(api, f"news/token/{token}")) == 3


def test_what_was_given_under_an_identity_stays_the_persons_when_that_changes(api: Api) -> None:
    """Nobody has looked in between."""
    accept(api, f"news/email/{EMAIL}")
    token = api.create(email=EMAIL)
    assert api.put(f"/v1/user/token/{token}", {"email": "new@example.com"}).status_code == 200
    assert not pending()
    assert statuses(api, f"token/{token}") == {"news": "yes"}
    ben = api.create(email=EMAIL)
    assert statuses(api, f"token/{ben}") == {}


def test_nothing_pending_is_left_of_a_forgotten_person(api: Api) -> None:
    accept(api, f"news/email/{EMAIL}")
    accept(api, f"terms/phone/{PHONE}")
    accept(api, "news/email/other@example.com")
    token = api.create(email=EMAIL, phone=PHONE)
    assert api.delete(f"/v1/user/token/{token}").status_code == 200
    assert (Agreement.objects.count(), AgreementEvent.objects.count()) == (1, 1)
    assert_refused(api.get(f"/v1/agreements/email/{EMAIL}"), 404)
    # Whoever gets the address next has nothing of it.
    assert statuses(api, f"token/{api.create(email=EMAIL)}") == {}


def test_a_pending_agreement_can_not_be_moved_to_another_identity_by_sql(api: Api) -> None:
    accept(api, f"news/email/{EMAIL}")
    accept(api, "terms/email/mallory@example.com", status="no")
    mine, hers = Agreement.objects.get(status=1), Agreement.objects.get(status=2)
    Agreement.objects.filter(pk=mine.pk).update(digest=hers.digest)
    assert_refused(api.get("/v1/agreements/email/mallory@example.com"), 500, "internal error")
    token = api.create(email="mallory@example.com")
    assert_refused(api.get(f"/v1/agreements/token/{token}"), 500, "internal error")


# --- without a token -------------------------------------------------------------------------------------------------


def test_without_the_setting_nobody_agrees_without_a_token(api: Api) -> None:
    before = contents()
    assert_refused(Api().post(f"/v1/agreement/news/email/{EMAIL}", {}), 403, "Access denied")
    assert contents() == before


@pytest.fixture
def stranger(settings: Any) -> Api:
    settings.ANONYMOUS_AGREEMENTS = True
    return Api()


def test_a_stranger_may_accept_for_who_is_not_there_yet(api: Api, stranger: Api) -> None:
    accept(stranger, f"news/email/{EMAIL}", status="agree", agreementmethod="web form")
    token = api.create(email=EMAIL)
    (line,) = history(api, f"news/token/{token}")
    assert (line["by"], line["status"], line["agreementmethod"]) == ("anyone", "yes", "web form")


def test_a_stranger_may_do_nothing_else(api: Api, stranger: Api) -> None:
    api.create(login="ann")
    accept(stranger, f"news/email/{EMAIL}")
    before = contents()
    for method, path, body in (
        ("POST", f"news/email/{EMAIL}", {"status": "no"}),
        ("POST", "news/login/ann", {}),
        ("POST", "news/login/nobody", {}),
        ("POST", "news/custom/nobody", {}),
        ("POST", "news/token/7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1", {}),
        ("DELETE", f"news/email/{EMAIL}", None),
        ("GET", f"news/email/{EMAIL}", None),
        ("GET", f"news/email/{EMAIL}/history", None),
        ("DELETE", "news", None),
    ):
        assert_refused(stranger.call(method, f"/v1/agreement/{path}", body), 403, "Access denied")
    assert_refused(stranger.get(f"/v1/agreements/email/{EMAIL}"), 403, "Access denied")
    assert_refused(Api("wrong").post(f"/v1/agreement/news/email/{EMAIL}", {}), 403, "Access denied")
    assert contents() == before


@pytest.mark.parametrize("own", [None, "yes", "no"])
def test_for_somebody_who_exists_a_stranger_changes_nothing_and_learns_nothing(
    api: Api, stranger: Api, own: str | None
) -> None:
    token = api.create(email=EMAIL)
    if own:
        accept(api, f"news/token/{token}", status=own)
    before = contents()
    with told_by() as told:
        there = stranger.post(f"/v1/agreement/news/email/{EMAIL}", {"status": "yes"})
    assert contents() == before
    with told_by() as told_of_nobody:
        absent = stranger.post("/v1/agreement/news/email/absent@example.com", {"status": "yes"})
    assert (there.status_code, there.content) == (absent.status_code, absent.content)
    assert statuses(api, f"token/{token}") == ({"news": own} if own else {})
    for events in (told, told_of_nobody):
        assert [(event.code, event.outcome, event.who, event.subject) for event in events] == [
            ("agreement.accept", "ok", "anyone", None)
        ]
    assert set(told[0].detail) == set(told_of_nobody[0].detail) == {"mode", "digest", "brief"}
    for path in ("absent/email/absent@example.com", f"absent/email/{EMAIL}"):
        assert_refused(stranger.post(f"/v1/agreement/{path}", {}), 404, "legal basis not found")


def test_a_stranger_does_not_fill_a_history_with_what_it_says_already(api: Api, stranger: Api) -> None:
    for number in range(5):
        accept(stranger, f"news/email/{EMAIL}", referencecode=str(number), expiration=f"{number + 5}d")
    assert [row["referencecode"] for row in history(api, f"news/email/{EMAIL}")] == ["0"]
    # To new texts one may agree anew.
    assert api.post("/v1/lbasis/news", {"fulldesc": "new"}).status_code == 200
    accept(stranger, f"news/email/{EMAIL}", referencecode="new")
    assert [row["textversion"] for row in history(api, f"news/email/{EMAIL}")] == [1, 2]


# --- the maintenance pass --------------------------------------------------------------------------------------------


def test_the_maintenance_pass_binds_what_has_a_person_by_now(api: Api) -> None:
    for number in range(5):
        accept(api, f"news/email/p{number}@example.com")
        accept(api, f"terms/email/p{number}@example.com")
    tokens = [api.create(email=f"p{number}@example.com") for number in range(3)]
    with told_by() as told:
        assert actions.bind_pending(100) == 6
    assert [(event.code, event.who) for event in told] == [("agreement.link", "operator")] * 3
    assert pending() == 4
    assert actions.bind_pending(100) == 0
    for token in tokens:
        assert statuses(api, f"token/{token}") == {"news": "yes", "terms": "yes"}


def test_the_maintenance_pass_binds_no_more_than_it_was_asked_for(api: Api) -> None:
    for number in range(4):
        accept(api, f"news/email/p{number}@example.com")
        api.create(email=f"p{number}@example.com")
    assert actions.bind_pending(0) == 0
    bound = actions.bind_pending(2)
    assert 2 <= bound <= 4
    assert bound + actions.bind_pending(10) == 4


def test_the_maintenance_pass_ends_what_is_over(api: Api, time_machine: Any) -> None:
    time_machine.move_to(NOW, tick=False)
    token = api.create(login="ann")
    for number in range(4):
        accept(api, f"news/email/p{number}@example.com", expiration=f"{10 + number}s")
    accept(api, f"news/token/{token}", expiration="10s")
    accept(api, f"terms/token/{token}")
    with told_by() as told:
        assert actions.expire_agreements(NOW + 9, 100) == 0
        assert actions.expire_agreements(NOW + 12, 2) == 2
        assert actions.expire_agreements(NOW + 12, 100) == 2
        assert actions.expire_agreements(NOW + 12, 100) == 0
    assert [(event.code, event.detail) for event in told] == [("agreement.expire", {"agreements": 2})] * 2
    rows = history(api, f"news/token/{token}")
    assert [(row["status"], row["when"]) for row in rows] == [("yes", NOW), ("expired", NOW + 10)]
    assert rows[1]["by"] == "time"
    assert statuses(api, f"token/{token}") == {"news": "expired", "terms": "yes"}
    assert statuses(api, "email/p3@example.com") == {"news": "yes"}


def test_the_maintenance_pass_deletes_what_nobody_came_for(api: Api, settings: Any, time_machine: Any) -> None:
    settings.PENDING_AGREEMENT_RETENTION = "10d"
    time_machine.move_to(NOW, tick=False)
    token = api.create(login="ann")
    accept(api, f"news/token/{token}")
    for number in range(3):
        accept(api, f"news/email/p{number}@example.com")
    later = NOW + 10 * 86_400
    time_machine.move_to(later - 1, tick=False)
    accept(api, "news/email/p2@example.com", status="no")
    with told_by() as told:
        assert actions.drop_pending(later - 1, 100) == 0
        assert actions.drop_pending(later, 1) == 1
        assert actions.drop_pending(later, 100) == 1
        assert actions.drop_pending(later, 100) == 0
    assert [(event.code, event.detail) for event in told] == [("agreement.drop", {"agreements": 1})] * 2
    assert statuses(api, f"token/{token}") == {"news": "yes"}
    assert statuses(api, "email/p2@example.com") == {"news": "no"}
    assert AgreementEvent.objects.count() == 3
