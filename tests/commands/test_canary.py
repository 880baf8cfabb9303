"""`manage.py canary`: made-up people, put there, listed and taken away."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from databunker.access.actor import operator
from databunker.access.models import AccessToken, TokenKind
from databunker.management import canary_people
from databunker.management.canary_people import made_up_people
from databunker.watch.models import Canary
from tests.api.helpers import contents, told_by
from tests.conftest import Api, new_token
from vault.actions import Created, create_record, prepare_batch, store_batch


def canary(*arguments: str) -> str:
    out = io.StringIO()
    call_command("canary", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_made_up_people_are_found_like_others(api: Api) -> None:
    assert "Added 3." in canary("add", "--count", "3", "--domain", "mail.shop.example")
    listed = canary("list").split()
    assert len(listed) == 3
    for token in listed:
        data = api.get(f"/v1/user/token/{token}").json()["data"]
        assert data["email"].endswith("@mail.shop.example")
        assert api.get(f"/v1/user/phone/{data['phone'].replace('+', '%2B')}").json()["token"] == token
        assert set(data) == {"email", "phone", "name", "address"}


def test_one_can_be_taken_away(api: Api) -> None:
    canary("add", "--count", "2")
    first, second = canary("list").split()
    assert "Forgotten." in canary("remove", first)
    assert canary("list").split() == [second]
    assert api.get(f"/v1/user/token/{first}").json()["data"] == {}


def test_profiles_may_be_given(api: Api, tmp_path: Path) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text('{"login":"bait","customer":7}\n{"login":"other"}\n')
    canary("add", "--profiles", str(file))
    assert api.get("/v1/user/login/bait").json()["data"] == {"login": "bait", "customer": 7}
    with pytest.raises(CommandError, match="1: duplicate index: login"):
        canary("add", "--profiles", str(file))
    assert Canary.objects.count() == 2


def draws(monkeypatch: pytest.MonkeyPatch, *numbers: int) -> None:
    """Everybody who is made up is called Theo Weber; the numbers in their addresses are these."""
    monkeypatch.setattr(canary_people, "_FIRST", ("Theo",))
    monkeypatch.setattr(canary_people, "_LAST", ("Weber",))
    drawn = iter(numbers)
    monkeypatch.setattr(canary_people.secrets, "randbelow", lambda below: next(drawn) - 10 if below == 90 else 0)


def test_for_whom_somebody_has_the_address_another_is_made_up(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    create_record(operator(), profile={"email": "theo.weber10@example.com"})
    draws(monkeypatch, 10, 11, 11, 11, 12, 13)
    assert "Added 3." in canary("add", "--count", "3")
    addresses = [api.get(f"/v1/user/token/{token}").json()["data"]["email"] for token in canary("list").split()]
    assert addresses == [f"theo.weber{number}@example.com" for number in (11, 12, 13)]


def test_where_all_telephone_numbers_are_taken_they_have_none(api: Api) -> None:
    people = [{"phone": f"+447700900{number:03}"} for number in range(1000)]
    results = store_batch(operator(), prepare_batch(operator(), people))
    assert all(isinstance(result, Created) for result in results)
    assert "Added 3." in canary("add", "--count", "3")
    tokens = canary("list").split()
    assert len(tokens) == 3
    assert all("phone" not in api.get(f"/v1/user/token/{token}").json()["data"] for token in tokens)


def test_where_nobody_is_left_to_make_up_it_is_said(vault: None, monkeypatch: pytest.MonkeyPatch) -> None:
    draws(monkeypatch, *[10] * 11)
    with pytest.raises(CommandError, match="2: duplicate index: email"):
        canary("add", "--count", "2")
    assert Canary.objects.count() == 1


def test_in_the_trail_they_can_look_like_an_application(api: Api) -> None:
    text = new_token(TokenKind.ADMIN)
    number = AccessToken.objects.order_by("-id").values_list("id", flat=True)[0]
    assert text
    with told_by() as told:
        canary("add", "--like", str(number))
    assert {event.who for event in told} == {"admin"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["add", "--count", "0"], "--count"),
        (["add", "--count", "1001"], "--count"),
        (["add", "--domain", "no domain"], "--domain"),
        (["add", "--profiles", "/nonexistent"], "can't be read"),
        (["add", "--like", "999999"], "--like"),
        (["remove", "x"], "bad uuid"),
        (["remove", "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"], "no such canary"),
    ],
)
def test_what_can_not_be_done_is_said_and_changes_nothing(vault: None, arguments: list[str], says: str) -> None:
    before = contents()
    with pytest.raises(CommandError, match=says):
        canary(*arguments)
    assert contents() == before


@pytest.mark.parametrize("content", ["[1]\n", '{"login":"a"}\n"b"\n', "{\n"])
def test_a_file_that_holds_something_else_is_refused(vault: None, tmp_path: Path, content: str) -> None:
    file = tmp_path / "people.jsonl"
    file.write_text(content)
    with pytest.raises(CommandError):
        canary("add", "--profiles", str(file))
    assert not Canary.objects.exists()


def test_made_up_people_look_alike_and_differ() -> None:
    some: list[dict[str, Any]] = list(made_up_people(1000, domain="example.com"))
    assert len({person["phone"] for person in some}) == 1000
    assert len({person["name"]["last"] for person in some}) > 20
    assert all(person["email"].isascii() for person in some)
