"""`manage.py show_settings`, and the page that is made of it."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.core.management import call_command

from databunker.settings.environment import BASE_DIR, SETTINGS

MARKER = "zx9secret"


def show_settings(*arguments: str) -> str:
    out = io.StringIO()
    call_command("show_settings", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_the_documentation_is_what_the_command_prints() -> None:
    page = (BASE_DIR / "docs" / "configuration.md").read_text(encoding="utf-8")
    assert page == show_settings("--markdown"), "run `make docs-config`"


def test_every_setting_is_documented_with_a_meaning() -> None:
    page = show_settings("--markdown")
    for setting in SETTINGS:
        (line,) = [line for line in page.splitlines() if line.startswith(f"| `{setting.name}` |")]
        assert len(line.replace("\\|", "").split("|")) == 5, line
        assert setting.meaning.endswith("."), setting.name


def test_every_setting_is_shown_with_the_value_in_force(settings: Any) -> None:
    settings.DEFAULT_COUNTRY = "PT"
    settings.IDENTITY_FIELDS = ["a", "b:email"]
    lines = show_settings().splitlines()
    assert [line.partition("=")[0] for line in lines] == [setting.name for setting in SETTINGS]
    assert "DEFAULT_COUNTRY=PT" in lines
    assert "IDENTITY_FIELDS=a,b:email" in lines


def test_secrets_are_hidden(settings: Any) -> None:
    secret = [setting.name for setting in SETTINGS if setting.secret]
    assert {"DATABUNKER_MASTERKEY", "DATABUNKER_ROOTTOKEN", "SECRET_KEY", "DATABASE_URL"} <= set(secret)
    for name in secret:
        setattr(settings, name, MARKER)
    text = show_settings()
    assert MARKER not in text
    assert all(f"{name}=(set)" in text for name in secret)
    # Django itself insists on a SECRET_KEY; without one in the environment it has a random one.
    for name in set(secret) - {"SECRET_KEY"}:
        setattr(settings, name, "")
        assert f"{name}=(not set)" in show_settings()


@pytest.mark.parametrize("arguments", [[], ["--markdown"]])
def test_it_needs_no_database(arguments: list[str]) -> None:
    """pytest-django refuses any use of a database here."""
    assert show_settings(*arguments)
