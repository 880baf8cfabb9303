"""GDPR Art. 18, through the door: data that is kept and not processed, by whom all the same, and until when."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.models import TokenKind
from databunker.access.roles import PERMISSIONS_OF, Role
from databunker.access.scopes import Scope
from databunker.crypto.errors import IntegrityFailure
from databunker.errors import AccessDenied
from databunker.ids import unix_now
from databunker.notify.models import Job
from gdpr import actions, queries
from gdpr.models import ExercisedRight
from tests.api.helpers import assert_refused, contents, subject_of, told_by
from tests.conftest import Api, new_token
from vault.models import Record, RecordState
from vault.queries import read_record

SESSION = "7c0e3c8a-8a2f-4e0b-9d1c-0f8f8d5a6b11"
RESTRICTED = "processing of this person's data is restricted"


@pytest.fixture
def ann(api: Api) -> str:
    token = api.create(login="ann", email="ann@example.com", name="Ann")
    api.post(f"/v1/userapp/token/{token}/shop", {"size": 9})
    api.post(f"/v1/session/{SESSION}", {"login": "ann", "cart": 3})
    return token


def restrict(caller: Api, ann: str, ground: str = "accuracy", **more: str) -> None:
    answer = caller.post(f"/v1/restriction/token/{ann}", {"ground": ground, **more})
    assert answer.status_code == 200, answer.content


PROCESSING: list[tuple[str, str, Any]] = [
    ("GET", "/v1/user/token/{ann}", None),
    ("GET", "/v1/user/login/ann", None),
    ("GET", "/v1/user/email/ann@example.com", None),
    ("PUT", "/v1/user/token/{ann}", {"name": "Anna"}),
    ("PUT", "/v1/user/login/ann", {"name": "Anna"}),
    ("DELETE", "/v1/user/token/{ann}", None),
    ("GET", "/v1/userapp/token/{ann}/shop", None),
    ("GET", "/v1/userapp/token/{ann}", None),
    ("POST", "/v1/userapp/token/{ann}/shop", {"size": 10}),
    ("PUT", "/v1/userapp/token/{ann}/shop", {"size": 10}),
    ("DELETE", "/v1/userapp/token/{ann}/shop", None),
    ("GET", f"/v1/session/{SESSION}", None),
    ("GET", "/v1/sessions/login/ann", None),
    ("POST", "/v1/session/0b7d7a20-3f6c-4f0f-a6a5-0f9a37c7b0d1", {"login": "ann"}),
    ("GET", "/v1/sharedrecord/token/{ann}", None),
    ("POST", "/v1/sharedrecord/token/{ann}", {"fields": "name"}),
    ("GET", "/v1/user/token/{ann}/report", None),
]


@pytest.mark.parametrize(("method", "path", "body"), PROCESSING, ids=[f"{row[0]} {row[1]}" for row in PROCESSING])
@pytest.mark.parametrize("kind", [TokenKind.ROOT, TokenKind.ADMIN])
def test_applications_process_nothing_of_it(
    api: Api, ann: str, kind: TokenKind, method: str, path: str, body: Any
) -> None:
    restrict(api, ann)
    caller, before = Api(new_token(kind)), contents()
    with told_by() as told:
        answer = caller.call(method, path.format(ann=ann), body)
    assert_refused(answer, 409, RESTRICTED)
    assert contents() == before
    # One event, that of the refusal: nothing says that the data was read.
    assert [(event.outcome, event.subject) for event in told] == [("conflict", subject_of(ann))]


def test_after_it_is_lifted_everything_is_as_it_was(api: Api, ann: str) -> None:
    before = api.get(f"/v1/user/token/{ann}").json()
    restrict(api, ann)
    assert api.delete(f"/v1/restriction/token/{ann}", {"reason": "verified"}).status_code == 200
    assert api.get(f"/v1/user/token/{ann}").json() == before
    assert api.put(f"/v1/user/token/{ann}", {"name": "Anna"}).status_code == 200
    assert api.get(f"/v1/userapp/token/{ann}/shop").json()["data"] == {"size": 9}
    assert not ExercisedRight.objects.exists()
    # As with an expiration, what isn't there is lifted, too.
    assert api.delete(f"/v1/restriction/token/{ann}").status_code == 200


def test_the_person_still_reads_and_changes_the_own_data(api: Api, ann: str, settings: Any) -> None:
    settings.SELFSERVICE_USER_RECORD_CHANGE = True
    person = api.as_person(ann)
    restrict(api, ann)
    assert person.get(f"/v1/user/token/{ann}").json()["data"]["name"] == "Ann"
    assert person.get("/v1/user/login/ann").status_code == 200
    assert person.put(f"/v1/user/token/{ann}", {"name": "Anna"}).status_code == 200
    assert person.get(f"/v1/user/token/{ann}/report").json()["report"]["rights"]["restriction"]["ground"] == "accuracy"
    # The change has not made a free record of it.
    assert Record.objects.get().state == RecordState.RESTRICTED
    assert_refused(api.get(f"/v1/user/token/{ann}"), 409, RESTRICTED)


def test_accounts_of_the_console_and_operators_still_see_it(api: Api, ann: str) -> None:
    restrict(api, ann)
    officer = Actor(ActorKind.ACCOUNT, token_id=4, scope=Scope(PERMISSIONS_OF[Role.DPO]))
    for actor in (officer, operator()):
        assert read_record(actor, mode="token", identity=ann).profile()["name"] == "Ann"


def test_what_is_no_processing_goes_on(api: Api, ann: str) -> None:
    restrict(api, ann)
    api.post("/v1/lbasis/news", {"usercontrol": True})
    for method, path, body in (
        ("POST", f"/v1/agreement/news/token/{ann}", {"status": "yes"}),
        ("DELETE", f"/v1/agreement/news/token/{ann}", None),
        ("GET", f"/v1/agreements/token/{ann}", None),
        ("GET", f"/v1/rights/token/{ann}", None),
        ("GET", f"/v1/exp/status/token/{ann}", None),
        ("GET", f"/v1/requests/token/{ann}", None),
        ("GET", f"/v1/audit/list/{ann}", None),
        ("DELETE", f"/v1/session/{SESSION}", None),
    ):
        assert api.call(method, path, body).status_code == 200, path


def test_events_still_tell_what_was_done_and_not_what_was_in_it(api: Api, ann: str) -> None:
    api.put(f"/v1/user/token/{ann}", {"name": "Anna"})
    (event,) = [row for row in api.get(f"/v1/audit/list/{ann}").json()["rows"] if row["title"] == "changed the record"]
    assert api.get(f"/v1/audit/get/{event['atoken']}").json()["event"]["before"]["name"] == "Ann"
    restrict(api, ann)
    told = api.get(f"/v1/audit/get/{event['atoken']}").json()["event"]
    assert "before" not in told
    assert "after" not in told


def test_a_shared_record_shows_nothing_meanwhile(api: Api, ann: str) -> None:
    share = api.post(f"/v1/sharedrecord/token/{ann}", {"fields": "name"}).json()["record"]
    assert Api().get(f"/v1/get/{share}").json()["data"] == {"name": "Ann"}
    restrict(api, ann)
    assert_refused(Api().get(f"/v1/get/{share}"), 403, "Access denied")
    api.delete(f"/v1/restriction/token/{ann}")
    assert Api().get(f"/v1/get/{share}").status_code == 200


def test_lists_show_that_there_is_somebody_and_no_more(api: Api, ann: str, settings: Any) -> None:
    settings.LIST_USERS = "legacy"
    restrict(api, ann)
    api.create(login="ben")
    rows = {row["token"]: row["private"] for row in api.post("/v1/users").json()["rows"]}
    assert rows.pop(ann) == {}
    assert list(rows.values()) == [{"login": "ben"}]


def test_a_purpose_of_the_law_is_let_through_and_told(api: Api, ann: str, settings: Any) -> None:
    settings.RESTRICTED_PURPOSES = ["Legal-Claims"]
    restrict(api, ann)
    with told_by() as told:
        answer = api.get(f"/v1/user/token/{ann}", HTTP_X_BUNKER_PURPOSE="legal-claims")
    assert answer.json()["data"]["name"] == "Ann"
    assert [event.detail for event in told] == [{"purpose": "legal-claims"}]
    assert_refused(api.get(f"/v1/user/token/{ann}", HTTP_X_BUNKER_PURPOSE="marketing"), 409, RESTRICTED)


def test_nobody_is_forgotten_in_time_while_it_stands(api: Api, ann: str) -> None:
    api.post(f"/v1/exp/start/token/{ann}", {"expiration": "1d"})
    restrict(api, ann, "claims")
    later = unix_now() + 2 * 86_400
    assert actions.expire_people(later, 10) == 0
    api.delete(f"/v1/restriction/token/{ann}")
    assert actions.expire_people(later, 10) == 1


# --- who restricts, and who lifts ------------------------------------------------------------------------------------


def test_the_person_restricts_at_once_and_lifts_it(api: Api, ann: str) -> None:
    person = api.as_person(ann)
    with told_by() as told:
        restrict(person, ann, "objection", reason="my street is wrong")
    ((code, outcome, who, subject, detail, _),) = told
    assert (code, outcome, who, subject) == ("restriction.set", "ok", "person", subject_of(ann))
    assert detail == {"ground": "objection", "message": "my street is wrong"}
    assert_refused(api.get(f"/v1/user/token/{ann}"), 409, RESTRICTED)
    assert person.delete(f"/v1/restriction/token/{ann}").status_code == 200
    assert api.get(f"/v1/user/token/{ann}").status_code == 200


def test_the_person_lifts_none_that_somebody_else_has_set(api: Api, ann: str) -> None:
    restrict(api, ann, "unlawful")
    message = "only those who decide about it may lift this restriction"
    assert_refused(api.as_person(ann).delete(f"/v1/restriction/token/{ann}"), 403, message)
    assert_refused(api.get(f"/v1/user/token/{ann}"), 409, RESTRICTED)


def test_a_second_one_is_refused_and_the_first_stays(api: Api, ann: str) -> None:
    restrict(api, ann, reason="the first")
    again = api.post(f"/v1/restriction/token/{ann}", {"ground": "claims", "reason": "the second"})
    assert_refused(again, 409, "processing is restricted already")
    standing = api.get(f"/v1/rights/token/{ann}").json()["restriction"]
    assert (standing["ground"], standing["reason"]) == ("accuracy", "the first")


@pytest.mark.parametrize(
    "body", [{}, {"ground": "because"}, {"ground": 1}, {"ground": "claims", "reason": 1}, {"grond": "claims"},
             {"ground": "claims", "reason": "x" * 4097}],
)  # fmt: skip
def test_what_can_not_be_read_restricts_nothing(api: Api, ann: str, body: dict[str, Any]) -> None:
    before = contents()
    assert api.post(f"/v1/restriction/token/{ann}", body).status_code == 400
    assert contents() == before


def test_who_is_forgotten_has_nothing_to_restrict_and_nothing_left(api: Api, ann: str) -> None:
    restrict(api, ann)
    person = api.as_person(ann)
    assert person.delete(f"/v1/user/token/{ann}").json()["result"] == "request-created"
    actions.forget_me(operator(), mode="token", identity=ann)
    assert not ExercisedRight.objects.exists()
    assert Record.objects.get().state == RecordState.FORGOTTEN
    assert_refused(api.post(f"/v1/restriction/token/{ann}", {"ground": "claims"}), 404)
    assert api.get(f"/v1/user/token/{ann}").json()["data"] == {}


def test_recipients_are_told(api: Api, ann: str, settings: Any) -> None:
    settings.NOTIFICATION_URL = "http://127.0.0.1:9/"
    restrict(api, ann)
    api.delete(f"/v1/restriction/token/{ann}")
    assert list(Job.objects.order_by("created", "id").values_list("topic", flat=True)) == ["restriction"] * 2


# --- against whoever writes to the database --------------------------------------------------------------------------


def test_a_restriction_that_was_removed_in_the_database_is_noticed(api: Api, ann: str) -> None:
    restrict(api, ann)
    officer = Actor(ActorKind.ACCOUNT, token_id=4, scope=Scope(PERMISSIONS_OF[Role.DPO]))
    Record.objects.update(state=RecordState.ACTIVE)
    with pytest.raises(IntegrityFailure):
        queries.read_rights(officer, mode="token", identity=ann)
    Record.objects.update(state=RecordState.RESTRICTED)
    ExercisedRight.objects.update(since=1)
    with pytest.raises(IntegrityFailure):
        queries.read_rights(officer, mode="token", identity=ann)
    ExercisedRight.objects.all().delete()
    with pytest.raises(IntegrityFailure):
        queries.read_rights(officer, mode="token", identity=ann)


def test_nobody_reads_or_changes_the_rights_of_others(api: Api, ann: str) -> None:
    other = Actor(ActorKind.PERSON, token_id=9, subject=subject_of(api.create(login="ben")))
    with pytest.raises(AccessDenied):
        queries.read_rights(other, mode="token", identity=ann)
    with pytest.raises(AccessDenied):
        actions.restrict_processing(other, mode="token", identity=ann, ground="claims")
    with pytest.raises(AccessDenied):
        actions.object_to_processing(other, mode="login", identity="ann")
