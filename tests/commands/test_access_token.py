"""`manage.py access_token`: what applications call the API with."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from databunker.access.models import AccessToken, TokenKind
from databunker.watch.models import Incident
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
    assert re.search(rf"{forever}\s+admin\s+revoked 2033-05-18\s+never used\s+shop", text)
    assert re.search(rf"{root}\s+root\s+valid\s+never used\s+root two", text)
    assert re.search(rf"{trial}\s+admin\s+expired 2033-05-19\s+never used\s+trial", text)
    assert re.search(rf"{long}\s+admin\s+until 2034-03-14\s+never used\s+long", text)
    assert re.search(r"admin\s+valid\s+last used 2033-05-19\s+x", text)
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


# --- scopes ----------------------------------------------------------------------------------------------------------


def test_a_token_may_be_narrowed_from_the_start(api: Api) -> None:
    person = api.create(login="ann", email="ann@example.com")
    with told_by() as told:
        number, token = issued(
            "--label", "desk", "--allow", "support", "--allow", "record.change", "--field", "login",
            "--address", "127.0.0.0/8", "--purpose", "Support", "--limit", "100/60s",
        )  # fmt: skip
    assert told[0].detail["scope"] == (
        '{"addresses":["127.0.0.0/8"],"allow":["record.change","support"],"fields":["login"],"limit":"100/60s",'
        '"purposes":["support"]}'
    )
    path = f"/v1/user/token/{person}"
    assert Api(token).get(path, HTTP_X_BUNKER_PURPOSE="support").json()["data"] == {"login": "ann"}
    assert_refused(Api(token).get(path), 403)
    assert_refused(Api(token).delete(path, HTTP_X_BUNKER_PURPOSE="support"), 403)
    lines = access_token("list")
    for line in (
        "allow: record.change, support",
        "fields: login",
        "addresses: 127.0.0.0/8",
        "purposes: support",
        "limit: 100/60s",
    ):
        assert line in lines
    assert AccessToken.objects.get(pk=number).scope


def test_a_scope_can_be_replaced_and_taken_away(api: Api) -> None:
    person = api.create(login="ann", email="ann@example.com")
    number, token = issued("--label", "desk", "--masked")
    path = f"/v1/user/token/{person}"
    assert Api(token).get(path).json()["data"] == {"login": "***", "email": "a***@e***.com"}
    with told_by() as told:
        assert "Narrowed." in access_token("narrow", str(number), "--allow", "metrics.read")
    assert [(event.code, event.detail) for event in told] == [
        ("token.narrow", {"row": number, "scope": '{"allow":["metrics.read"]}'})
    ]
    assert_refused(Api(token).get(path), 403)
    assert "No longer narrowed." in access_token("narrow", str(number))
    assert Api(token).get(path).json()["data"] == {"login": "ann", "email": "ann@example.com"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["create", "--label", "x", "--allow", "record.peek"], "there is no permission or role 'record.peek'"),
        (["create", "--label", "x", "--route", "GET /v1/nowhere"], "there is no route"),
        (["create", "--label", "x", "--field", "a..b"], "is no field"),
        (["create", "--label", "x", "--address", "here"], "is no address"),
        (["create", "--label", "x", "--purpose", "two words"], "a purpose is a word"),
        (["create", "--label", "x", "--limit", "often"], "the limit can't be read"),
        (["create", "--label", "x", "--masked", "--allow", "writer"], "a masked token only reads"),
        (["create", "--label", "x", "--root", "--masked"], "a root token has no scope"),
        (["narrow", "999999", "--masked"], "no such access token"),
    ],
)
def test_a_scope_that_can_not_be_is_refused(vault: None, arguments: list[str], says: str) -> None:
    before = contents()
    with pytest.raises(CommandError, match=re.escape(says)):
        access_token(*arguments)
    assert contents() == before


def test_neither_roots_nor_peoples_tokens_are_narrowed(api: Api) -> None:
    api.as_person(api.create(login="ann"))
    for row in AccessToken.objects.exclude(kind=TokenKind.ADMIN):
        with pytest.raises(CommandError, match="no such access token"):
            access_token("narrow", str(row.pk), "--masked")


def test_the_list_shows_what_is_unusual(api: Api) -> None:
    number, _ = issued("--label", "shop")
    now = 2_000_000_000
    Incident.objects.create(
        tenant=1, kind=1, actor_kind=2, token_id=number, start=now, last=2**40, people=12_345, usual=100
    )
    assert "UNUSUAL since 2033-05-18 03:33 UTC: unusually many people in an hour, 12,345 people" in access_token("list")
