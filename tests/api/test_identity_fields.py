"""IDENTITY_FIELDS: further fields that people are found by."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import Api
from vault import checks
from vault.models import Identity


@pytest.fixture
def fields_api(api: Api, settings: Any) -> Api:
    settings.IDENTITY_FIELDS = [
        "customer_id",
        "work_email:email:unique",
        "mobile:phone:shared",
        "household:shared",
    ]
    return api


def test_a_person_is_found_by_every_further_field(fields_api: Api) -> None:
    profile = {"customer_id": 42, "work_email": "Ann@Work.example", "mobile": "07700 900001", "household": "h1"}
    token = fields_api.create(**profile)
    for where in ("customer_id/42", "work_email/ann@work.example", "WORK_EMAIL/ANN@work.example"):
        assert fields_api.get(f"/v1/user/{where}").json() == {"status": "ok", "token": token, "data": profile}
    for where in ("mobile/+447700900001", "mobile/07700900001", "household/h1", "Household/h1"):
        assert fields_api.get(f"/v1/user/{where}").json() == {
            "status": "ok",
            "total": 1,
            "rows": [{"token": token, "data": profile}],
        }


def test_a_further_field_is_enough_for_a_profile(fields_api: Api) -> None:
    assert fields_api.create(customer_id="c")
    assert fields_api.create(household="h")


def test_a_unique_field_is_unique(fields_api: Api) -> None:
    ann = fields_api.create(customer_id="1", work_email="ann@work.example")
    ben = fields_api.create(customer_id="2")
    before = contents()
    assert_refused(fields_api.post("/v1/user", {"customer_id": 1}), 409, "duplicate index: customer_id")
    assert_refused(
        fields_api.put(f"/v1/user/token/{ben}", {"work_email": "ANN@work.example"}), 409, "duplicate work_email index"
    )
    assert contents() == before
    assert fields_api.delete("/v1/user/customer_id/1").status_code == 200
    assert fields_api.put(f"/v1/user/token/{ben}", {"work_email": "ann@work.example"}).status_code == 200
    assert fields_api.get(f"/v1/user/token/{ann}").json()["data"] == {}


def test_a_shared_field_finds_everyone_page_by_page(fields_api: Api) -> None:
    tokens = {fields_api.create(login=f"p{number}", household="h1") for number in range(7)}
    fields_api.create(login="elsewhere", household="h2")
    seen = []
    for offset in (0, 3, 6, 9):
        answer = fields_api.get(f"/v1/user/household/h1?offset={offset}&limit=3").json()
        assert answer["total"] == 7
        assert len(answer["rows"]) == max(0, min(3, 7 - offset))
        seen += [row["token"] for row in answer["rows"]]
    assert sorted(seen) == sorted(tokens)
    assert fields_api.get("/v1/user/household/nobody").json() == {"status": "ok", "total": 0, "rows": []}


def test_each_person_found_by_a_shared_field_gets_an_event(fields_api: Api) -> None:
    for number in range(3):
        fields_api.create(login=f"p{number}", household="h1")
    with told_by() as told:
        fields_api.get("/v1/user/household/h1")
    assert [(event.code, event.outcome, event.detail) for event in told] == [
        ("record.read", "ok", {"mode": "household", "identity": "h1"})
    ] * 3
    assert len({event.subject for event in told}) == 3
    with told_by() as told:
        fields_api.get("/v1/user/household/nobody")
    ((code, outcome, _, subject, detail, _),) = told
    assert (code, outcome, subject) == ("record.read", "ok", None)
    assert "nobody" not in str(detail)


def test_change_and_forget_by_a_shared_field_need_it_to_mean_one_person(fields_api: Api) -> None:
    ann = fields_api.create(login="ann", household="h1")
    assert fields_api.put("/v1/user/household/h1", {"note": 1}).json()["token"] == ann
    fields_api.create(login="ben", household="h1")
    before = contents()
    for answer in (fields_api.put("/v1/user/household/h1", {"note": 2}), fields_api.delete("/v1/user/household/h1")):
        assert_refused(answer, 409, "several records share this household")
    assert contents() == before
    assert fields_api.delete("/v1/user/login/ben").status_code == 200
    assert fields_api.delete("/v1/user/household/h1").status_code == 200
    assert fields_api.get("/v1/user/household/h1").json()["total"] == 0


def test_a_person_can_not_list_who_shares_a_field(fields_api: Api) -> None:
    ann = fields_api.create(login="ann", household="h1")
    ben = fields_api.create(login="ben", household="h1")
    for token in (ann, ben):
        assert_refused(fields_api.as_person(token).get("/v1/user/household/h1"), 403, "Access denied")


def test_the_shared_index_follows_changes(fields_api: Api) -> None:
    ann = fields_api.create(login="ann", household="h1")
    ben = fields_api.create(login="ben", household="h1")
    assert fields_api.put(f"/v1/user/token/{ann}", {"household": "h2"}).status_code == 200
    assert [row["token"] for row in fields_api.get("/v1/user/household/h1").json()["rows"]] == [ben]
    assert [row["token"] for row in fields_api.get("/v1/user/household/h2").json()["rows"]] == [ann]


def test_equal_values_in_different_fields_never_collide(fields_api: Api) -> None:
    same = "+447700900001"
    names = ["login", "custom", "phone", "customer_id", "mobile", "household"]
    tokens = {name: fields_api.create(**{name: same}) for name in names}
    assert len({bytes(digest) for digest in Identity.objects.values_list("digest", flat=True)}) == len(names)
    for name, token in tokens.items():
        body = fields_api.get(f"/v1/user/{name}/{same}").json()
        assert (body["rows"][0] if "rows" in body else body)["token"] == token


def test_a_field_that_is_not_configured_is_no_mode(api: Api) -> None:
    api.create(login="ann", customer_id="1")
    assert_refused(api.get("/v1/user/customer_id/1"), 400, "bad mode")


@pytest.mark.parametrize(
    "fields",
    [
        ["Customer"],
        ["1st"],
        ["_x"],
        ["customer-id"],
        ["customer id"],
        [""],
        [":text"],
        ["x" * 64],
        ["naïve"],
        ["email"],
        ["login"],
        ["token"],
        ["admin"],
        ["bulk"],
        ["unlock"],
        ["a", "a"],
        ["a", "b", "a:phone"],
        ["a:number"],
        ["a:text:email"],
        ["a:unique:shared"],
        ["a:unique:unique"],
        ["a:text:"],
        ["a:text:unique:x"],
    ],
)
def test_unusable_fields_are_refused_at_start(settings: Any, fields: list[str]) -> None:
    settings.IDENTITY_FIELDS = fields
    problems = checks.check_records()
    assert [(problem.id, problem.is_serious()) for problem in problems] == [("vault.E001", True)]
    assert problems[0].msg.startswith("IDENTITY_FIELDS: ")


@pytest.mark.parametrize(
    "fields",
    [[], ["a"], ["a:text"], ["a:unique:text"], ["a:shared"], ["x" * 63, "b_2:email:shared", " c:phone "]],
)
def test_usable_fields_pass_the_checks(settings: Any, fields: list[str]) -> None:
    settings.IDENTITY_FIELDS = fields
    assert checks.check_records() == []


@pytest.mark.parametrize("country", ["", "gb", "XX", "GBR", "44"])
def test_an_unknown_default_country_is_refused_at_start(settings: Any, country: str) -> None:
    settings.DEFAULT_COUNTRY = country
    (problem,) = checks.check_records()
    assert problem.id == "vault.E003"
    assert "DEFAULT_COUNTRY" in problem.msg
