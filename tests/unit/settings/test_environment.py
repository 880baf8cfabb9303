"""Settings from the environment: read as their kind, and refused by name without repeating a value."""

from __future__ import annotations

import traceback
from typing import Any

import environ
import pytest
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st

from databunker.settings.environment import SETTINGS, Setting, read

NUMBERS = [setting for setting in SETTINGS if setting.kind is int]
SWITCHES = [setting for setting in SETTINGS if setting.kind is bool]
CHOICES = [setting for setting in SETTINGS if setting.choices]
LISTS = [setting for setting in SETTINGS if setting.kind is list]
TEXTS = [setting for setting in SETTINGS if setting.kind is str and not setting.choices]


def named(setting: Setting) -> str:
    return setting.name


def settings_of(**environment: str) -> dict[str, Any]:
    env = environ.Env()
    env.ENVIRON = environment
    return read(env)


def refusal_of(**environment: str) -> str:
    """The message, after a look that the whole traceback does not repeat what was set."""
    with pytest.raises(ImproperlyConfigured) as refusal:
        settings_of(**environment)
    shown = "".join(traceback.format_exception(refusal.value))
    for value in environment.values():
        assert "MARKER" not in value or "MARKER" not in shown
    return str(refusal.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    assert settings_of() == {setting.name: setting.default for setting in SETTINGS}


def test_the_table_is_sound() -> None:
    names = [setting.name for setting in SETTINGS]
    assert len(names) == len(set(names))
    for setting in SETTINGS:
        assert setting.kind in (str, int, bool, list), setting.name
        assert isinstance(setting.default, setting.kind), setting.name
        assert setting.meaning.endswith("."), setting.name
        assert not setting.choices or setting.default in setting.choices, setting.name
        assert setting.minimum is None or setting.default >= setting.minimum, setting.name


@pytest.mark.parametrize("name", ["DATABUNKER_MASTERKEY", "DATABUNKER_ROOTTOKEN", "SECRET_KEY", "DATABASE_URL"])
def test_what_holds_a_secret_is_marked_as_secret(name: str) -> None:
    assert next(setting for setting in SETTINGS if setting.name == name).secret


@pytest.mark.parametrize("setting", NUMBERS, ids=named)
def test_numbers(setting: Setting) -> None:
    least = setting.minimum or 0
    assert settings_of(**{setting.name: str(least)})[setting.name] == least
    assert settings_of(**{setting.name: str(least + 7)})[setting.name] == least + 7


@pytest.mark.parametrize("setting", NUMBERS, ids=named)
@pytest.mark.parametrize("value", ["MARKER", "1.5", "1e3", "0x10", "1 2", "12MARKER", "-"])
def test_what_is_no_number_is_refused_by_name(setting: Setting, value: str) -> None:
    assert refusal_of(**{setting.name: value}) == f"{setting.name} must be a whole number"


@pytest.mark.parametrize("setting", [setting for setting in NUMBERS if setting.minimum is not None], ids=named)
def test_too_small_a_number_is_refused_with_the_least(setting: Setting) -> None:
    assert setting.minimum is not None
    for value in (setting.minimum - 1, -(10**20)):
        message = refusal_of(**{setting.name: str(value)})
        assert message == f"{setting.name} must be at least {setting.minimum}"


@pytest.mark.parametrize("setting", SWITCHES, ids=named)
def test_switches(setting: Setting) -> None:
    for value in ("true", "True", "TRUE", "1", "yes", "on", "y", "ok"):
        assert settings_of(**{setting.name: value})[setting.name] is True
    for value in ("false", "False", "0", "no", "off", "n"):
        assert settings_of(**{setting.name: value})[setting.name] is False


@pytest.mark.parametrize(("value", "meant"), [("t", True), ("T", True), ("f", False), ("F", False)])
def test_a_single_letter_is_refused_or_means_what_it_says(value: str, meant: bool) -> None:
    try:
        assert settings_of(LENIENT_PHONE=value)["LENIENT_PHONE"] is meant
    except ImproperlyConfigured as refusal:
        assert str(refusal) == "LENIENT_PHONE must be true or false"


@pytest.mark.parametrize("setting", SWITCHES, ids=named)
@pytest.mark.parametrize("value", ["MARKER", "2", "tru", "yes please", "enabled", "-1"])
def test_what_is_neither_true_nor_false_is_refused_by_name(setting: Setting, value: str) -> None:
    assert refusal_of(**{setting.name: value}) == f"{setting.name} must be true or false"


@pytest.mark.parametrize("setting", CHOICES, ids=named)
def test_choices(setting: Setting) -> None:
    for choice in setting.choices:
        assert settings_of(**{setting.name: choice})[setting.name] == choice
    for value in ("MARKER", "", f"{setting.choices[0]} ", ",".join(setting.choices)):
        message = refusal_of(**{setting.name: value})
        assert message == f"{setting.name} must be one of {', '.join(setting.choices)}"


@pytest.mark.parametrize("setting", LISTS, ids=named)
def test_lists(setting: Setting) -> None:
    assert settings_of(**{setting.name: "one"})[setting.name] == ["one"]
    assert settings_of(**{setting.name: "one,two,three"})[setting.name] == ["one", "two", "three"]
    assert settings_of(**{setting.name: ""})[setting.name] == []


@pytest.mark.parametrize("setting", TEXTS, ids=named)
@pytest.mark.parametrize("value", ["text", "  spaced  ", "a=b&c#d", "Zoë ☎", "a$b", "'quoted'", "\\", "%40"])
def test_texts_are_taken_as_they_are(setting: Setting, value: str) -> None:
    assert settings_of(**{setting.name: value})[setting.name] == value


@pytest.mark.parametrize("setting", [setting for setting in TEXTS if setting.secret], ids=named)
def test_a_secret_that_begins_with_a_dollar_sign_is_a_secret_and_no_other_variables_name(setting: Setting) -> None:
    assert settings_of(**{setting.name: "$MARKER", "MARKER": "else"})[setting.name] == "$MARKER"
    assert settings_of(**{setting.name: "$5ecret"})[setting.name] == "$5ecret"


@given(
    st.sampled_from(SETTINGS), st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
)
def test_any_text_is_read_or_refused_by_name_and_not_repeated(setting: Setting, noise: str) -> None:
    value = f"{noise}MARKER"
    try:
        settings_of(**{setting.name: value})
    except ImproperlyConfigured as refusal:
        assert str(refusal).startswith(f"{setting.name} must be ")
        assert "MARKER" not in "".join(traceback.format_exception(refusal))


def test_the_first_wrong_setting_does_not_hide_its_name_behind_others() -> None:
    assert refusal_of(BUNKER_PORT="MARKER", BUNKER_HOST="10.0.0.1", LENIENT_PHONE="true").startswith("BUNKER_PORT")
