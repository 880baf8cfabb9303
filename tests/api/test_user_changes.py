"""A person's record changed through `/v1/user`: merge patch, JSON Patch, and what becomes of identities."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.helpers import ANN, MODES, assert_refused, contents, found, path
from tests.conftest import FORM, Api
from vault.models import Identity


@pytest.mark.parametrize("mode", ["token", *MODES])
def test_a_merge_patch_by_every_look_up(api: Api, mode: str) -> None:
    token = api.create(**ANN)
    answer = api.put(
        path(mode, {"token": token, **ANN}[mode]), {"name": {"first": "Anna", "title": "Dr"}, "custom": None}
    )
    assert (answer.status_code, answer.json()) == (200, {"status": "ok", "token": token})
    expected = {**ANN, "name": {"first": "Anna", "last": "Example", "title": "Dr"}}
    del expected["custom"]
    assert api.get(path("token", token)).json()["data"] == expected


def test_a_json_patch(api: Api) -> None:
    token = api.create(**ANN, tags=["a", "b"])
    operations = [
        {"op": "test", "path": "/login", "value": "ann"},
        {"op": "add", "path": "/tags/-", "value": "c"},
        {"op": "remove", "path": "/tags/0"},
        {"op": "replace", "path": "/name/first", "value": "Anna"},
        {"op": "copy", "from": "/name/last", "path": "/surname"},
        {"op": "move", "from": "/custom", "path": "/~1odd~0key"},
    ]
    assert api.put(path("login", "ann"), operations).json() == {"status": "ok", "token": token}
    data = api.get(path("token", token)).json()["data"]
    assert data["tags"] == ["b", "c"]
    assert data["name"] == {"first": "Anna", "last": "Example"}
    assert data["surname"] == "Example"
    assert data["/odd~key"] == "customer-42"
    assert found(api, "custom", "customer-42") is None


@pytest.mark.parametrize(
    ("operations", "status"),
    [
        ([{"op": "test", "path": "/login", "value": "ben"}], 409),
        ([{"op": "test", "path": "/absent", "value": 1}], 409),
        ([{"op": "add", "path": "/note", "value": 1}, {"op": "test", "path": "/login", "value": "ben"}], 409),
        ([{"op": "add", "path": "/note", "value": 1}, {"op": "remove", "path": "/absent"}], 400),
        ([{"op": "replace", "path": "/absent", "value": 1}], 400),
        ([{"op": "add", "path": "/a/b/c", "value": 1}], 400),
        ([{"op": "frobnicate", "path": "/login"}], 400),
        ([{"op": "add", "path": "/login"}], 400),
        ([{"op": "add", "path": "login", "value": 1}], 400),
        ([{"op": "add", "path": 5, "value": 1}], 400),
        ([{"op": "add", "path": "/login/0", "value": 1}], 400),
        ([{"op": "add", "path": "/~2", "value": 1}], 400),
        ([{"op": "add", "path": "/list/01", "value": 1}], 400),
        ([{"op": "add", "path": "/list/0abc", "value": 1}], 400),
        ([{"op": "add", "path": "/list/" + "9" * 5000, "value": 1}], 400),
        ([{"op": ["add"], "path": "/a", "value": 1}], 400),
        ([{"path": "/a", "value": 1}], 400),
        (["add"], 400),
        ([None], 400),
        ([[]], 400),
        ([{"op": "replace", "path": "", "value": []}], 400),
        ([{"op": "remove", "path": ""}], 400),
        ([{"op": "add", "path": "/note", "value": 1}] * 1001, 400),
        ([{"op": "copy", "from": "", "path": "/deep"}] * 70, 400),
    ],
)
def test_a_json_patch_that_fails_changes_nothing(api: Api, operations: list[Any], status: int) -> None:
    api.create(**ANN, list=[1, 2])
    before = contents()
    assert_refused(api.put(path("login", "ann"), operations), status)
    assert contents() == before


def test_a_json_patch_can_not_swell_a_record(api: Api, settings: Any) -> None:
    settings.MAX_BODY_BYTES = 4096
    api.create(**ANN, big="x" * 1000)
    before = contents()
    doubling = [{"op": "copy", "from": "", "path": f"/copy{number}"} for number in range(40)]
    assert_refused(api.put(path("login", "ann"), doubling), 400, "the changed record is too large")
    assert_refused(api.put(path("login", "ann"), {"more": "y" * 3500}), 400, "the changed record is too large")
    assert contents() == before


def test_a_form_is_a_merge_patch_of_text(api: Api) -> None:
    token = api.create(**ANN)
    assert api.put(path("login", "ann"), "city=L%C3%B6ndon&login=anna", content_type=FORM).status_code == 200
    data = api.get(path("token", token)).json()["data"]
    assert (data["city"], data["login"], data["email"]) == ("Löndon", "anna", ANN["email"])


@pytest.mark.parametrize("body", [b"5", b'"text"', b"null", b"true"])
def test_a_change_is_an_object_or_an_array(api: Api, body: bytes) -> None:
    token = api.create(**ANN)
    assert_refused(
        api.put(path("token", token), body), 400, "a change is an object (merge patch) or an array (JSON Patch)"
    )


def test_a_change_that_changes_nothing_makes_no_version(api: Api) -> None:
    token = api.create(**ANN)
    before = contents()
    for change in ({}, [], {"login": "ann"}, [{"op": "test", "path": "/login", "value": "ann"}]):
        assert api.put(path("token", token), change).json() == {"status": "ok", "token": token}
    assert contents() == before


def test_the_index_follows_a_change(api: Api) -> None:
    token = api.create(login="ann", email="ann@example.com")
    assert api.put(path("login", "ann"), {"login": "anna", "phone": "07700900001", "email": None}).status_code == 200
    assert found(api, "login", "anna") == token
    assert found(api, "phone", "+447700900001") == token
    assert found(api, "login", "ann") is None
    assert found(api, "email", "ann@example.com") is None
    assert Identity.objects.count() == 2
    # What was let go of is free for somebody else.
    assert api.create(login="ann", email="ann@example.com")


def test_two_identities_can_be_handed_over_one_after_the_other(api: Api) -> None:
    ann, ben = api.create(login="ann", custom="a"), api.create(login="ben", custom="b")
    assert_refused(api.put(path("token", ben), {"login": "ann"}), 409, "duplicate login index")
    assert api.put(path("token", ann), {"login": None}).status_code == 200
    assert api.put(path("token", ben), {"login": "ann"}).status_code == 200
    assert found(api, "login", "ann") == ben


@pytest.mark.parametrize(
    ("field", "taken"),
    [("login", "ann"), ("email", "ANN@EXAMPLE.COM"), ("phone", "07700 900001"), ("custom", " customer-42")],
)
def test_a_change_to_a_taken_identity_is_refused(api: Api, field: str, taken: str) -> None:
    api.create(**ANN)
    ben = api.create(login="ben", custom="b", note="old")
    before = contents()
    assert_refused(api.put(path("token", ben), {field: taken, "note": "new"}), 409, f"duplicate {field} index")
    assert_refused(
        api.put(path("token", ben), [{"op": "add", "path": f"/{field}", "value": taken}]),
        409,
        f"duplicate {field} index",
    )
    assert contents() == before


def test_a_change_can_not_take_the_last_identity(api: Api) -> None:
    token = api.create(login="ann")
    before = contents()
    assert_refused(api.put(path("token", token), {"login": None}), 400, "all user lookup fields are missing")
    assert_refused(api.put(path("token", token), {"login": ""}), 400, "all user lookup fields are missing")
    assert contents() == before


def test_a_phone_can_not_be_changed_to_rubbish(api: Api) -> None:
    api.create(**ANN)
    before = contents()
    assert_refused(api.put(path("login", "ann"), {"phone": "rubbish"}), 400, "phone is not a telephone number")
    assert contents() == before


def test_a_change_of_spelling_alone_keeps_the_index(api: Api) -> None:
    token = api.create(**ANN)
    index = list(Identity.objects.values_list())
    assert api.put(path("token", token), {"email": "ANN@example.com", "phone": "07700 900001"}).status_code == 200
    assert list(Identity.objects.values_list()) == index
    assert api.get(path("email", "ann@example.com")).json()["data"]["phone"] == "07700 900001"
