"""The settings in force for those who run the vault, and what pages show for everybody."""

from __future__ import annotations

import json
from typing import Any

import pytest

from databunker import tracing
from databunker.settings.environment import SETTINGS
from databunker.ui import check_links
from tests.api.helpers import told_by
from tests.conftest import Api

MARKER = "zx9secret"


def test_every_setting_is_shown_as_it_is(api: Api, settings: Any) -> None:
    settings.DEFAULT_COUNTRY, settings.LIST_USERS, settings.IDENTITY_FIELDS = "PT", "unlock", ["a", "b:email"]
    with told_by() as told:
        body = api.get("/v1/sys/configuration").json()
    assert set(body) == {"status", "configuration"}
    shown = body["configuration"]
    assert list(shown) == [setting.name for setting in SETTINGS]
    assert (shown["DEFAULT_COUNTRY"], shown["LIST_USERS"], shown["IDENTITY_FIELDS"]) == (
        "PT",
        "unlock",
        ["a", "b:email"],
    )
    assert shown["MAX_BODY_BYTES"] == settings.MAX_BODY_BYTES
    assert shown["LENIENT_PHONE"] is False
    assert [(event.code, event.outcome, event.who) for event in told] == [("configuration.read", "ok", "root")]


@pytest.fixture
def no_traces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where every setting has some value, nothing is to be sent there."""
    monkeypatch.setattr(tracing, "observe", lambda *_, **__: None)


@pytest.mark.usefixtures("no_traces")
def test_secrets_are_hidden(api: Api, settings: Any) -> None:
    secret = {setting.name for setting in SETTINGS if setting.secret}
    assert {"DATABUNKER_MASTERKEY", "DATABUNKER_ROOTTOKEN", "SECRET_KEY", "DATABASE_URL"} <= secret
    assert "DATABUNKER_MASTERKEY_COMMAND" in secret, "the command line of a KMS client may hold its token"
    for name in secret - {"DATABUNKER_MASTERKEY"}:
        setattr(settings, name, MARKER)
    answer = api.get("/v1/sys/configuration")
    assert MARKER not in answer.content.decode()
    assert settings.DATABUNKER_MASTERKEY not in answer.content.decode()
    shown = answer.json()["configuration"]
    assert {name: shown[name] for name in secret} == dict.fromkeys(secret, "***")
    settings.DATABUNKER_ROOTTOKEN = ""
    assert api.get("/v1/sys/configuration").json()["configuration"]["DATABUNKER_ROOTTOKEN"] == ""


@pytest.mark.parametrize(
    "value",
    [
        f"https://user:{MARKER}@hooks.example.com/x",
        f"https://{MARKER}@hooks.example.com/x",
        f"https://hooks.example.com/x?token={MARKER}",
        f"smtp://user:{MARKER}@mail:25",
    ],
)
def test_credentials_in_an_address_are_hidden_whatever_the_setting(api: Api, settings: Any, value: str) -> None:
    settings.UI_LOGO_LINK = value
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example.com", value]
    answer = api.get("/v1/sys/configuration")
    assert MARKER not in answer.content.decode()
    settings.UI_LOGO_LINK = "https://shop.example.com/logo@2x.svg"
    assert api.get("/v1/sys/configuration").json()["configuration"]["UI_LOGO_LINK"] == settings.UI_LOGO_LINK


def test_pages_ask_for_what_they_show_without_a_token(stranger: Api, settings: Any) -> None:
    settings.UI_COMPANY_TITLE, settings.UI_PRIVACY_POLICY_LINK = "Example Ltd", "https://example.com/privacy"
    settings.SELFSERVICE_FORGET_ME, settings.SELFSERVICE_APP_RECORD_CHANGE = True, ["ship*"]
    with told_by() as told:
        answer = stranger.get("/v1/sys/uiconfiguration")
    assert told == []
    assert answer.json() == {
        "status": "ok",
        "ui": {
            "LogoLink": "",
            "CompanyTitle": "Example Ltd",
            "CompanyVAT": "",
            "CompanyCity": "",
            "CompanyLink": "",
            "CompanyCountry": "",
            "CompanyAddress": "",
            "TermOfServiceTitle": "",
            "TermOfServiceLink": "",
            "PrivacyPolicyTitle": "",
            "PrivacyPolicyLink": "https://example.com/privacy",
            "CustomCSSLink": "",
            "SupportLink": "",
            "MagicLookup": False,
            "features": {"forget_me": True, "user_record_change": False, "app_record_change": ["ship*"]},
        },
    }


@pytest.mark.usefixtures("no_traces")
def test_nothing_of_the_machine_is_told_to_strangers(stranger: Api, settings: Any) -> None:
    for setting in SETTINGS:
        if setting.kind is str and not setting.choices and not setting.name.startswith(("UI_", "DATABUNKER_MASTERKEY")):
            setattr(settings, setting.name, MARKER)
    assert MARKER not in json.dumps(stranger.get("/v1/sys/uiconfiguration").json())


@pytest.mark.parametrize("link", ["https://example.com", "http://example.com", "/terms", "mailto:help@example.com", ""])
def test_links_are_addresses(settings: Any, link: str) -> None:
    settings.UI_SUPPORT_LINK = settings.UI_LOGO_LINK = link
    assert check_links() == []


@pytest.mark.parametrize("link", ["javascript:alert(1)", "data:text/html,x", " https://example.com", "example.com"])
def test_whatever_is_no_address_stops_the_start(settings: Any, link: str) -> None:
    settings.UI_SUPPORT_LINK = link
    (problem,) = check_links()
    assert problem.is_serious()
    assert "UI_SUPPORT_LINK" in problem.msg
    assert link not in problem.msg
