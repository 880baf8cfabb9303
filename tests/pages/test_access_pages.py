"""What is under "Access" at the console: who may come in by which token, and what is in force."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from databunker.access.models import AccessToken, TokenKind
from databunker.settings.environment import SETTINGS
from tests.conftest import Api, new_token
from vault.events import TOKEN_ISSUED, TOKEN_REVOKED

from .conftest import Visitor, make_account, text_of


@pytest.fixture
def dpo(api: Api) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def made(visitor: Visitor, **fields: Any) -> tuple[int, str]:
    """The number and the text of a token that the form has made."""
    answer = visitor.post("/console/tokens/new", **{"label": "shop", "role": "writer", "days": "30", **fields})
    assert answer.status_code == 200, text_of(answer)
    (text,) = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text_of(answer))
    assert "no-store" in answer["Cache-Control"]
    return int(AccessToken.objects.latest("pk").pk), text


def test_a_token_is_shown_once_and_may_what_its_role_may(admin: Visitor) -> None:
    number, token = made(admin, addresses="127.0.0.0/8\n")
    shop = Api(token)
    person = shop.create(login="ann")
    assert shop.get(f"/v1/user/token/{person}").status_code == 200
    assert shop.delete(f"/v1/user/token/{person}").status_code == 403
    for path in ("/console/tokens", f"/console/tokens/{number}"):
        page = admin.get(path)
        assert token not in page.content.decode()
        assert "writer" in text_of(page)
    assert "127.0.0.0/8" in text_of(admin.get(f"/console/tokens/{number}"))
    row = AccessToken.objects.get(pk=number)
    assert row.expires == row.created + 30 * 86_400
    assert Event.objects.filter(type=TOKEN_ISSUED.number, actor_token=admin.account).exists()


def test_a_revoked_token_is_refused_and_leaves_the_list_of_valid_ones(admin: Visitor) -> None:
    number, token = made(admin)
    assert admin.post(f"/console/tokens/{number}/revoke").status_code == 303
    assert Api(token).post("/v1/user", {"login": "ann"}).status_code == 403
    assert "shop" not in text_of(admin.get("/console/tokens"))
    assert "revoked" in text_of(admin.get("/console/tokens?show=all"))
    assert "Revoke the token" not in text_of(admin.get(f"/console/tokens/{number}"))
    assert admin.post(f"/console/tokens/{number}/revoke").status_code == 404
    assert Event.objects.filter(type=TOKEN_REVOKED.number, actor_token=admin.account).exists()


def test_last_used_is_what_the_trail_says_and_costs_a_call_nothing(admin: Visitor) -> None:
    number, token = made(admin)
    assert "Last used never" in text_of(admin.get(f"/console/tokens/{number}"))
    before = AccessToken.objects.filter(pk=number).values().get()
    Api(token).create(login="ann")
    assert "just now" in text_of(admin.get("/console/tokens"))
    assert AccessToken.objects.filter(pk=number).values().get() == before


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"label": ""}, "This field is required."),
        ({"role": "none"}, "Choose a role, or name single permissions."),
        ({"allow": "record.read\nrecord.eat"}, "“record.eat” can't be used here."),
        ({"routes": "GET /v1/nowhere"}, "“GET /v1/nowhere” can't be used here."),
        ({"fields_seen": "..", "role": "reader"}, "“..” can't be used here."),
        ({"addresses": "10.0.0.0/8\nhome"}, "“home” can't be used here."),
        ({"purposes": "Two words"}, "“Two words” can't be used here."),
        ({"limit": "often"}, "“often” can't be used here."),
        ({"masked": "on", "role": "writer"}, "This only goes with a role and permissions that read."),
        ({"days": "7"}, "Select a valid choice."),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_is_made(admin: Visitor, fields: dict[str, str], told: str) -> None:
    before = AccessToken.objects.count()
    answer = admin.post("/console/tokens/new", **{"label": "kept words", "role": "writer", "days": "30", **fields})
    assert answer.status_code == 422
    assert told in text_of(answer).replace("&#x27;", "'")
    assert AccessToken.objects.count() == before
    assert fields.get("label", "kept words") in answer.content.decode()


def test_single_permissions_do_without_a_role(admin: Visitor) -> None:
    number, token = made(admin, role="none", days="0", allow="record.create", limit="100/60s")
    shop = Api(token)
    person = shop.create(login="ann")
    assert shop.get(f"/v1/user/token/{person}").status_code == 403
    assert AccessToken.objects.get(pk=number).expires is None
    assert "100/60s" in text_of(admin.get(f"/console/tokens/{number}"))


def test_tokens_of_people_and_of_other_tenants_are_not_there(admin: Visitor, api: Api) -> None:
    new_token(TokenKind.PERSON, person=api.create(login="ann"))
    of_a_person = AccessToken.objects.latest("pk").pk
    assert admin.get(f"/console/tokens/{of_a_person}").status_code == 404
    other, _ = made(admin)
    AccessToken.objects.filter(pk=other).update(tenant=2)
    assert admin.get(f"/console/tokens/{other}").status_code == 404
    assert admin.post(f"/console/tokens/{other}/revoke").status_code == 404


def test_a_list_of_fifty_tokens_takes_few_queries(admin: Visitor) -> None:
    for _ in range(50):
        new_token(TokenKind.ADMIN)
    with CaptureQueriesContext(connection) as queries:
        page = admin.get("/console/tokens")
    assert page.content.decode().count("<tr>") == 51
    assert len(queries) <= 10, [query["sql"] for query in queries]


def test_settings_are_shown_and_secrets_are_not(dpo: Visitor, settings: Any) -> None:
    settings.NOTIFICATION_SECRET = "a secret of more than thirty-two characters"
    settings.NOTIFICATION_URL = "https://hooks.example.com/?key=hush"
    settings.UI_COMPANY_TITLE = "Example Shop"
    page = dpo.get("/console/settings").content.decode()
    assert all(setting.name in page for setting in SETTINGS)
    assert "Example Shop" in page
    secrets = [getattr(django_settings, setting.name) for setting in SETTINGS if setting.secret]
    assert [secret for secret in secrets if secret and secret in page] == []
    changed = text_of(dpo.get("/console/settings?show=changed"))
    assert "UI_COMPANY_TITLE" in changed
    assert "LOGIN_CODE_SECONDS" not in changed


def test_the_section_leads_each_role_to_a_page_that_it_may_see(admin: Visitor, dpo: Visitor) -> None:
    assert 'href="/console/tokens"' in admin.get("/console/").content.decode()
    page = dpo.get("/console/").content.decode()
    assert 'href="/console/settings"' in page
    assert 'href="/console/tokens"' not in page
    assert 'href="/console/settings"' not in make_account("sue", "support").sign_in().get("/console/").content.decode()
