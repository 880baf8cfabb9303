"""Everybody in a list: only where the setting lets, behind an unlock with a reason, masked, and told of for each."""

from __future__ import annotations

from typing import Any

import pytest

from databunker.access.models import TokenKind, Unlock
from databunker.ids import unix_now
from tests.api.helpers import told_by
from tests.conftest import Api, new_token

from .conftest import Visitor, make_account, text_of

ALL, UNLOCK = "/console/people/all", "/console/people/all/unlock"


@pytest.fixture
def people(vault: None, settings: Any) -> list[str]:
    settings.LIST_USERS = "unlock"
    root = Api(new_token(TokenKind.ROOT))
    return [root.create(login=f"p{n:03}", email=f"p{n:03}@example.com", name=f"Name {n:03}") for n in range(55)]


def test_where_listing_is_off_there_is_no_list(admin: Visitor) -> None:
    assert "List everybody" not in text_of(admin.get("/console/people"))
    assert admin.get(ALL).status_code == 403
    assert admin.post(UNLOCK, reason="curious").status_code == 403
    assert not Unlock.objects.exists()


@pytest.mark.parametrize("role", ["dpo", "auditor", "support"])
def test_only_those_who_may_list_people_get_there(people: list[str], role: str) -> None:
    visitor = make_account("sue", role).sign_in()
    assert "List everybody" not in text_of(visitor.get("/console/people"))
    assert visitor.get(ALL).status_code == 403
    assert visitor.post(UNLOCK, reason="curious").status_code == 403


@pytest.mark.parametrize("setting", ["unlock", "legacy"])
def test_the_list_opens_for_a_reason_that_the_trail_keeps(
    people: list[str], admin: Visitor, settings: Any, setting: str
) -> None:
    settings.LIST_USERS = setting
    assert "List everybody" in text_of(admin.get("/console/people"))
    assert people[0][:8] not in text_of(admin.get(ALL))
    assert admin.post(UNLOCK, reason=" ").status_code == 422
    with told_by() as told:
        answer = admin.post(UNLOCK, reason="looking for doubles")
    assert (answer.status_code, answer["Location"]) == (303, ALL)
    (event,) = [event for event in told if event.code == "unlock.grant"]
    assert (event.who, event.detail) == ("account", {"message": "looking for doubles"})
    with told_by() as told:
        page = text_of(admin.get(ALL))
    assert people[0][:8] in page
    assert "p***@e***.com" in page
    assert "p000@example.com" not in page
    assert "Name 000" not in page
    listed = [event for event in told if event.code == "record.list"]
    assert len(listed) == 50
    assert {event.who for event in listed} == {"account"}


def test_pages_go_on_behind_a_record_and_end(
    people: list[str], admin: Visitor, django_assert_max_num_queries: Any
) -> None:
    admin.post(UNLOCK, reason="looking for doubles")
    with django_assert_max_num_queries(10):
        first = admin.get(ALL)
    (following,) = {part.split('"')[0] for part in first.content.decode().split("?after=")[1:]}
    last = admin.get(f"{ALL}?after={following}")
    shown = [person for person in people if person[:8] in text_of(last)]
    assert shown == people[50:]
    assert 'rel="next"' not in last.content.decode()
    for odd in ("x", "-1", "9" * 40):
        assert admin.get(f"{ALL}?after={odd}").status_code == 200


def test_it_locks_again_after_a_minute_and_goes_on_where_it_was(people: list[str], admin: Visitor) -> None:
    admin.post(UNLOCK, reason="looking for doubles")
    Unlock.objects.update(expires=unix_now() - 1)
    page = admin.get(f"{ALL}?after=7")
    assert people[8][:8] not in text_of(page)
    assert 'name="after" value="7"' in page.content.decode()
    assert admin.post(UNLOCK, reason="still looking", after="7")["Location"] == f"{ALL}?after=7"


def test_an_unlock_is_of_one_account_alone(people: list[str], admin: Visitor) -> None:
    admin.post(UNLOCK, reason="looking for doubles")
    other = make_account("eve", "admin").sign_in()
    assert people[0][:8] not in text_of(other.get(ALL))
