"""`manage.py access_token`: what applications call the API with."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from databunker.access.models import AccessToken, TokenKind
from tests.api.helpers import assert_refused, contents, told_by
from tests.conftest import Api

DAY = 86_400


def access_token(*arguments: str) -> str:
    out = io.StringIO()
    call_command("access_token", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def issued(*arguments: str) -> tuple[int, str]:
    """The number and the text of a new token."""
    text = access_token("create", *arguments)
    found = re.search(r"Access token (\d+)\..*\n\n    ([0-9a-f-]{36})\n", text)
    assert found is not None, text
    return int(found[1]), found[2]


def test_a_token_is_printed_once_and_works(vault: None) -> None:
    with told_by() as told:
        number, token = issued("--label", "shop")
    assert Api(token).create(login="ann")
    assert token not in access_token("list")
    row = AccessToken.objects.get(pk=number)
    assert (row.kind, row.label, row.expires) == (TokenKind.ADMIN, "shop", None)
    ((code, outcome, who, subject, detail, _),) = told
    assert (code, outcome, who, subject) == ("token.issue", "ok", "operator", None)
    assert detail == {"row": number, "kind": "admin", "label": "shop"}
    assert token.replace("-", "") not in repr(contents()).replace("-", "")


def test_a_root_token_can_be_added(vault: None) -> None:
    number, _ = issued("--label", "second root", "--root")
    assert AccessToken.objects.get(pk=number).kind == TokenKind.ROOT


def test_a_token_may_live_for_so_many_days(vault: None, time_machine: Any) -> None:
    now = 2_000_000_000
    time_machine.move_to(now, tick=False)
    _, token = issued("--label", "trial", "--days", "30")
    for later, status in ((0, 200), (30 * DAY - 1, 200), (30 * DAY, 403)):
        time_machine.move_to(now + later, tick=False)
        assert Api(token).get("/v1/audit/admin").status_code == status


def test_the_list_shows_number_kind_state_and_label(vault: None, time_machine: Any) -> None:
    time_machine.move_to(2_000_000_000, tick=False)
    forever, _ = issued("--label", "shop")
    root, _ = issued("--label", "root two", "--root")
    trial, _ = issued("--label", "trial", "--days", "1")
    long, _ = issued("--label", "long", "--days", "300")
    access_token("revoke", str(forever))
    time_machine.move_to(2_000_000_000 + DAY, tick=False)
    api = Api(issued("--label", "x")[1])
    api.as_person(api.create(login="ann"))
    text = access_token("list")
    assert re.search(rf"{forever}\s+admin\s+revoked 2033-05-18\s+shop", text)
    assert re.search(rf"{root}\s+root\s+valid\s+root two", text)
    assert re.search(rf"{trial}\s+admin\s+expired 2033-05-19\s+trial", text)
    assert re.search(rf"{long}\s+admin\s+until 2034-03-14\s+long", text)
    assert [line.split()[0] for line in text.splitlines()[:4]] == [str(forever), str(root), str(trial), str(long)]
    assert "person" not in text, "people's own tokens come and go by themselves"


def test_a_revoked_token_is_refused_at_once_by_this_process(vault: None) -> None:
    number, token = issued("--label", "shop")
    assert Api(token).get("/v1/audit/admin").status_code == 200
    with told_by() as told:
        assert "Revoked." in access_token("revoke", str(number))
    assert [(event.code, event.detail) for event in told] == [("token.revoke", {"row": number})]
    assert_refused(Api(token).get("/v1/audit/admin"), 403, "Access denied")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["revoke", "999999"], "no such access token"),
        (["create", "--label", "x", "--days", "0"], "--days must be from 1 to 36500"),
        (["create", "--label", "x", "--days", "-5"], "--days must be from 1 to 36500"),
        (["create", "--label", "x", "--days", "1000000000000"], "--days"),
        (["create", "--label", "x", "--days", "9" * 30], "--days"),
        (["create", "--label", "x" * 101], "--label"),
        (["create"], "--label"),
        (["revoke", "x"], "number"),
        ([], "verb"),
        (["destroy", "1"], "verb"),
    ],
)
def test_what_can_not_be_done_is_said_and_changes_nothing(vault: None, arguments: list[str], says: str) -> None:
    before = contents()
    with told_by() as told, pytest.raises(CommandError) as refused:
        access_token(*arguments)
    assert says in str(refused.value)
    assert contents() == before
    assert told == []


def test_a_token_is_revoked_once(vault: None) -> None:
    number, _ = issued("--label", "shop")
    access_token("revoke", str(number))
    before = contents()
    with pytest.raises(CommandError, match="no such access token"):
        access_token("revoke", str(number))
    assert contents() == before


def test_without_a_vault_it_says_what_to_do(db: None) -> None:
    with pytest.raises(CommandError, match=r"manage\.py init"):
        access_token("create", "--label", "shop")


def test_a_label_may_be_any_text(vault: None) -> None:
    issued("--label", "ünïcode 😀 'quoted'")
    assert access_token("list").strip().endswith("ünïcode 😀 'quoted'")
