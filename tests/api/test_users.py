"""`/v1/users`: everyone page by page, by unlock; and many new people at once."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.access.models import TokenKind
from tests.api.helpers import assert_refused, contents, subject_of, told_by
from tests.conftest import FORM, Api, new_token
from vault import actions
from vault.models import Identity, Record

# --- everyone, page by page ------------------------------------------------------------------------------------------


@pytest.fixture
def listing(api: Api, settings: Any) -> Api:
    settings.LIST_USERS = "legacy"
    return api


def test_pages_join_to_everyone_in_the_order_of_creation(listing: Api) -> None:
    tokens = [listing.create(login=f"p{number}") for number in range(12)]
    seen = []
    for offset in range(0, 15, 5):
        answer = listing.post(f"/v1/users?offset={offset}&limit=5").json()
        assert (answer["status"], answer["total"]) == ("ok", 12)
        seen += answer["rows"]
    assert [row["token"] for row in seen] == tokens
    assert [row["private"] for row in seen] == [{"login": f"p{number}"} for number in range(12)]
    assert len(listing.post("/v1/users").json()["rows"]) == 10, "ten by default"
    assert listing.post("/v1/users?offset=12").json()["rows"] == []
    assert len(listing.post("/v1/users?limit=1").json()["rows"]) == 1


def test_a_page_has_a_greatest_length(listing: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    from databunker.api import endpoint

    monkeypatch.setattr(endpoint, "MAX_LIMIT", 3)
    for number in range(5):
        listing.create(login=f"p{number}")
    answer = listing.post("/v1/users?limit=1000000").json()
    assert (answer["total"], len(answer["rows"])) == (5, 3)


def test_forgotten_people_are_listed_with_nothing_but_their_token(listing: Api) -> None:
    ann, ben = listing.create(login="ann"), listing.create(login="ben")
    listing.delete(f"/v1/user/token/{ann}")
    answer = listing.post("/v1/users").json()
    assert answer["rows"] == [{"token": ann, "private": {}}, {"token": ben, "private": {"login": "ben"}}]


def test_an_empty_vault_lists_nobody(listing: Api) -> None:
    with told_by() as told:
        assert listing.post("/v1/users").json() == {"status": "ok", "total": 0, "rows": []}
    assert [(event.code, event.subject) for event in told] == [("record.list", None)]


# --- unlock ----------------------------------------------------------------------------------------------------------

NEEDS_UNLOCK = "listing users needs an unlock: ask POST /v1/users/unlock for one"


@pytest.fixture
def locked(api: Api, settings: Any) -> Api:
    settings.LIST_USERS = "unlock"
    api.create(login="ann")
    return api


def unlock_of(caller: Api) -> str:
    answer = caller.post("/v1/users/unlock")
    assert answer.status_code == 200
    unlock: str = answer.json()["unlockuuid"]
    return unlock


def test_an_unlock_opens_the_listing_for_sixty_seconds(locked: Api, time_machine: Any) -> None:
    time_machine.move_to(2_000_000_000, tick=False)
    unlock = unlock_of(locked)
    for now, status in ((0, 200), (30, 200), (59, 200), (60, 403), (61, 403)):
        time_machine.move_to(2_000_000_000 + now, tick=False)
        answer = locked.post("/v1/users", {"unlockuuid": unlock})
        assert answer.status_code == status, now
    assert_refused(answer, 403, NEEDS_UNLOCK)


def test_an_unlock_is_good_for_its_own_token_only(locked: Api) -> None:
    other = Api(new_token(TokenKind.ADMIN))
    unlock = unlock_of(locked)
    assert_refused(other.post("/v1/users", {"unlockuuid": unlock}), 403, NEEDS_UNLOCK)
    assert locked.post("/v1/users", {"unlockuuid": unlock}).status_code == 200
    assert other.post("/v1/users", {"unlockuuid": unlock_of(other)}).status_code == 200


@pytest.mark.parametrize("body", [{}, {"unlockuuid": None}, {"unlockuuid": ""}, {"unlockuuid": "x"}, {"unlock": "x"}])
def test_listing_without_the_right_unlock_is_refused(locked: Api, body: dict[str, Any]) -> None:
    assert_refused(locked.post("/v1/users", body), 403, NEEDS_UNLOCK)


@pytest.mark.parametrize("body", [{"unlockuuid": 5}, {"unlockuuid": ["x"]}, {"unlockuuid": {}}, {"unlockuuid": True}])
def test_an_unlock_is_text(locked: Api, body: dict[str, Any]) -> None:
    assert_refused(locked.post("/v1/users", body), 400, "unlockuuid must be text")


def test_an_unlock_may_come_in_a_form_and_in_capitals(locked: Api) -> None:
    unlock = unlock_of(locked)
    assert locked.post("/v1/users", f"unlockuuid={unlock}", content_type=FORM).status_code == 200
    assert locked.post("/v1/users", {"unlockuuid": unlock.upper()}).status_code == 200


def test_expired_unlocks_are_cleared_away(locked: Api, time_machine: Any) -> None:
    time_machine.move_to(2_000_000_000, tick=False)
    unlock_of(locked)
    unlock_of(locked)
    time_machine.move_to(2_000_000_060, tick=False)
    unlock_of(locked)
    assert len(contents()["access_unlock"]) == 1


def test_an_unlock_is_not_stored_in_clear(locked: Api) -> None:
    unlock = unlock_of(locked)
    assert unlock.replace("-", "") not in repr(contents()).replace("-", "")


# --- many at once ----------------------------------------------------------------------------------------------------


def bulk(api: Api, *records: Any) -> Any:
    answer = api.post("/v1/users/bulk", {"records": list(records)})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_each_record_gets_a_token_in_the_order_it_came(api: Api) -> None:
    people = [{"login": f"p{number}", "n": number} for number in range(25)]
    answer = bulk(api, *people)
    assert (answer["status"], answer["created"], len(answer["rows"])) == ("ok", 25, 25)
    for person, row in zip(people, answer["rows"], strict=True):
        assert set(row) == {"token"}
        assert api.get(f"/v1/user/login/{person['login']}").json() == {
            "status": "ok",
            "token": row["token"],
            "data": person,
        }


def test_each_record_stands_alone(api: Api) -> None:
    api.create(login="taken", email="taken@example.com")
    answer = bulk(
        api,
        {"login": "one"},
        {"name": "no identity"},
        {"login": "two", "phone": "rubbish"},
        {"login": "taken"},
        "no object",
        None,
        ["login"],
        {"login": "three", "email": "TAKEN@example.com"},
        {"login": "four"},
        {"login": " four "},
        {"login": {"a": 1}},
        {"login": "five"},
    )
    assert answer["created"] == 3
    assert [row.get("error", "") for row in answer["rows"]] == [
        "",
        "failed to create user, all user lookup fields are missing",
        "failed to create user, phone is not a telephone number",
        "duplicate index: login",
        "a record must be an object",
        "a record must be an object",
        "a record must be an object",
        "duplicate index: email",
        "",
        "duplicate index: login",
        "failed to create user, login must be text or a number",
        "",
    ]
    for index, row in enumerate(answer["rows"]):
        assert set(row) == ({"error", "index"} if "error" in row else {"token"})
        assert row.get("index", index) == index
    logins = {"taken", "one", "four", "five"}
    assert Record.objects.count() == len(logins)
    for login in logins:
        assert api.get(f"/v1/user/login/{login}").status_code == 200
    # Nothing of a rejected record was left behind.
    assert Identity.objects.count() == len(logins) + 1
    assert api.get("/v1/user/login/three").status_code == 404


def test_a_rejected_record_takes_no_identity_from_the_next(api: Api) -> None:
    """The first falls on a taken e-mail; so the second may have the login that the first wanted."""
    api.create(email="taken@example.com")
    answer = bulk(
        api, {"login": "ann", "email": "taken@example.com"}, {"login": "ann"}, {"login": "ann", "custom": "c"}
    )
    assert [row.get("error") for row in answer["rows"]] == ["duplicate index: email", None, "duplicate index: login"]
    assert api.get("/v1/user/login/ann").json()["token"] == answer["rows"][1]["token"]
    assert api.get("/v1/user/custom/c").status_code == 404


def test_a_chain_of_dependent_records(api: Api) -> None:
    """2 falls with the vault, so 3 may go in, so 4 falls, so 5 may go in."""
    api.create(login="l0")
    answer = bulk(
        api,
        {"login": "l1", "custom": "c1"},
        {"login": "l0", "custom": "c2"},
        {"login": "l3", "custom": "c2"},
        {"login": "l4", "custom": "c2", "email": "e@example.com"},
        {"login": "l4", "email": "e@example.com"},
    )
    assert ["token" in row for row in answer["rows"]] == [True, False, True, False, True]


def test_bulk_on_a_database_that_really_commits(committed_api: Api) -> None:
    committed_api.create(login="taken")
    answer = bulk(committed_api, {"login": "one"}, {"login": "taken", "custom": "c"}, {"login": "two", "custom": "c"})
    assert [row.get("error") for row in answer["rows"]] == [None, "duplicate index: login", None]
    assert committed_api.get("/v1/user/custom/c").json()["token"] == answer["rows"][2]["token"]
    assert Record.objects.count() == 3
    assert Identity.objects.count() == 4


def test_people_who_share_an_identity_go_in_together(api: Api, settings: Any) -> None:
    settings.IDENTITY_FIELDS = ["household:shared"]
    answer = bulk(api, *({"login": f"p{number}", "household": "h"} for number in range(5)))
    assert answer["created"] == 5
    assert api.get("/v1/user/household/h").json()["total"] == 5


def test_an_empty_batch_creates_nobody_and_is_told_of(api: Api) -> None:
    with told_by() as told:
        assert bulk(api) == {"status": "ok", "created": 0, "rows": []}
    assert [(event.code, event.detail) for event in told] == [("record.load", {"created": 0, "rejected": 0})]


def test_a_batch_leaves_an_event_for_each_new_person_and_one_for_the_call(api: Api) -> None:
    with told_by() as told:
        answer = bulk(api, {"login": "one"}, {"a": 1}, {"login": "two"})
    new = {subject_of(row["token"]) for row in answer["rows"] if "token" in row}
    created = [event for event in told if event.code == "record.create"]
    (load,) = [event for event in told if event.code == "record.load"]
    assert {event.subject for event in created} == new
    assert load.detail == {"created": 2, "rejected": 1}
    assert len({event.request for event in told}) == 1
    assert len(told) == 3


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"records": None},
        {"records": {}},
        {"records": "x"},
        {"records": [], "more": 1},
        {"record": []},
        {"records": {"login": "ann"}},
    ],
)
def test_a_batch_of_another_form_is_refused(api: Api, body: Any) -> None:
    assert_refused(api.post("/v1/users/bulk", body), 400, 'send {"records": [profile, …]}')


def test_a_batch_has_a_greatest_length(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    assert actions.bulk.MAX_RECORDS == 4000
    before = contents()
    too_many = {"records": [{}] * 4001}
    assert_refused(api.post("/v1/users/bulk", too_many), 400, "at most 4000 records a call")
    assert contents() == before
    answer = bulk(api, *({} for _ in range(4000)))
    assert (answer["created"], len(answer["rows"])) == (0, 4000)


def test_a_batch_may_be_larger_than_a_single_record(api: Api, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 1024
    people = [{"login": f"p{number}", "pad": "x" * 300} for number in range(10)]
    assert bulk(api, *people)["created"] == 10


def test_a_record_of_a_batch_is_no_larger_than_one_alone_may_be(api: Api, settings: Any) -> None:
    """Else it could go in and never be changed again."""
    settings.MAX_BODY_BYTES = 1024
    answer = bulk(api, {"login": "large", "pad": "x" * 2000}, {"login": "small"})
    assert ["token" in row for row in answer["rows"]] == [False, True]


def test_a_batch_of_large_records_goes_in(committed_api: Api) -> None:
    """More than one statement of the database takes."""
    people = [{"login": f"p{number}", "pad": "x" * 1_000_000} for number in range(20)]
    assert bulk(committed_api, *people)["created"] == 20


def test_a_batch_larger_than_one_statement_goes_in(api: Api) -> None:
    assert bulk(api, *({"login": f"p{number}", "custom": number} for number in range(1200)))["created"] == 1200
    assert Identity.objects.count() == 2400
    assert Record.objects.count() == 1200
