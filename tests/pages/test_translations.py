"""Every text is in every language, and the compiled files are of the texts as they are."""

from __future__ import annotations

import ast
import gettext
import re
import runpy
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.template.base import Lexer, TokenType
from django.utils import translation
from django.utils.translation.template import templatize

from databunker.errors import BadRequest, Conflict
from databunker.pages.errors import explained
from databunker.settings.environment import BASE_DIR
from gdpr.states import State, Step, advance

MESSAGES = runpy.run_path(str(BASE_DIR / "scripts" / "messages.py"))
LANGUAGES = sorted(MESSAGES["LANGUAGES"])
TEMPLATES = sorted((BASE_DIR / "templates").rglob("*.html"))
PACKAGES = ("audit", "databunker", "gdpr", "vault")
GIVEN = re.compile(r"\bn?gettext\(\s*(u?(?:'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))")
# What takes a text up for translation, and which of its arguments that is.
CALLS = {**dict.fromkeys(("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "Task"), 0), "register": 2}


def texts_of_templates() -> Iterator[str]:
    """Of `translate` and `blocktranslate`, as gettext finds them; of plurals the first form."""
    for path in TEMPLATES:
        for text in GIVEN.findall(templatize(path.read_text())):
            yield ast.literal_eval(text)


def texts_of_code() -> Iterator[str]:
    for path in (path for package in PACKAGES for path in (BASE_DIR / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
                place = CALLS[node.func.id]
                yield from (part.value for part in node.args[place : place + 1] if isinstance(part, ast.Constant))


def po(language: str) -> dict[str, str]:
    found: dict[str, str] = MESSAGES["read"](MESSAGES["po_file"](language).read_text())
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_text_is_translated(language: str) -> None:
    known = {text.partition("\0")[0] for text in po(language)}
    wanted = {*texts_of_templates(), *texts_of_code()}
    assert len(wanted) > 150
    assert sorted(wanted - known) == [], "make messages, and translate them"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_is_left_empty_or_unsure(language: str) -> None:
    text = MESSAGES["po_file"](language).read_text()
    assert "fuzzy" not in text
    assert len(po(language)) == len(re.findall(r"^msgid ", text, re.MULTILINE))


@pytest.mark.parametrize("language", LANGUAGES)
def test_translations_have_the_places_that_the_texts_have(language: str) -> None:
    for text, translated in po(language).items():
        if text:
            places = set(re.findall(r"%\(\w+\)s", text))
            for one in translated.split("\0"):
                assert set(re.findall(r"%\(\w+\)s", one)) == places, text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_compiled_file_is_of_these_texts(language: str) -> None:
    path = MESSAGES["po_file"](language).with_suffix(".mo")
    assert path.read_bytes() == MESSAGES["compiled"](po(language)), "make messages"
    with path.open("rb") as file:
        catalog = gettext.GNUTranslations(file)
    assert catalog.gettext("Sign in") == po(language)["Sign in"] != "Sign in"
    assert catalog.ngettext("%(count)s day ago", "%(count)s days ago", 2) != "%(count)s days ago"


# Those that pages show of what another part refuses: conflicts all of them, the rest where a form catches it.
ALWAYS, CAUGHT = {"Conflict", "NeedsApproval"}, {"Conflict", "NeedsApproval", "BadRequest"}
CATCHING = (
    "vault/lookups.py",
    "vault/identities.py",
    "vault/patch.py",
    "vault/schema.py",
    "databunker/accounts/rows.py",
)
# What only programs and the command line are refused.
UNSEEN = (
    "databunker/api/",
    "databunker/crypto/",
    "databunker/keys/",
    "databunker/management/",
    "vault/actions/replay.py",
)


def untold(path: Path) -> Iterator[str]:
    """Refusals of a module whose words are not taken up for translation."""
    name = str(path.relative_to(BASE_DIR))
    kinds = CAUGHT if name in CATCHING else ALWAYS
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in kinds:
            yield from (
                f"{name}:{node.lineno}" for part in node.args[:1] if isinstance(part, ast.Constant | ast.JoinedStr)
            )


def test_no_refusal_that_a_page_shows_is_in_english_only() -> None:
    modules = [path for package in PACKAGES for path in (BASE_DIR / package).rglob("*.py")]
    found = [place for path in modules for place in untold(path) if not place.startswith(UNSEEN)]
    assert found == [], "gettext_noop the message; what it is about goes into `places`"


def test_a_refusal_is_english_for_programs_and_in_the_language_of_the_page() -> None:
    with pytest.raises(Conflict) as refused:
        advance(State.REFUSED, Step.APPROVE)
    assert refused.value.message == str(refused.value) == "wrong status: refused"
    told = {}
    for language in ("en", *LANGUAGES):
        with translation.override(language):
            told[language] = explained(refused.value)
    assert told == {
        "en": "wrong status: refused",
        "de": "der Zustand lässt das nicht zu: abgelehnt",
        "fr": "l’état ne le permet pas : refusée",
        "es": "el estado no lo permite: denegada",
    }


def test_what_stands_in_a_place_is_no_text_to_be_filled_in() -> None:
    refusal = BadRequest("%(field)s is empty", places={"field": "%(field)s 100%"})
    assert refusal.message == explained(refusal) == "%(field)s 100% is empty"
    assert explained(BadRequest("%(field)s is empty", places={"field": ""})) == " is empty"
    assert BadRequest("at most 100%").message == "at most 100%"


# Attributes that are read out or shown.
SHOWN = re.compile(r"\b(?:alt|title|placeholder|aria-label|data-label|content)=\"([^\"]*)\"")


def visible(path: Path) -> str:
    """The text between tags and in attributes that are shown, without what is translated or comes from elsewhere."""
    parts, inside = [], False
    for token in Lexer(path.read_text()).tokenize():
        if token.token_type is TokenType.BLOCK and token.contents.startswith(("blocktranslate", "endblocktranslate")):
            inside = token.contents.startswith("blocktranslate")
        elif token.token_type is TokenType.TEXT and not inside:
            parts.append(token.contents)
        else:
            parts.append("{}")
    html = "".join(parts)
    html = re.sub(r"(?s)<(script|style)\b.*?</\1>|<meta [^>]*>", "", html)
    shown = " ".join(SHOWN.findall(html))
    return re.sub(r"<[^>]*>|&\w+;|\b[\w-]+=\"[^\"]*\"", " ", html) + shown


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(BASE_DIR / "templates")))
def test_no_template_has_text_that_nobody_translates(path: Path) -> None:
    assert re.findall(r"[^\W\d_]{2,}", visible(path)) == []


def test_no_template_has_a_script_or_a_style_of_its_own() -> None:
    for path in TEMPLATES:
        html = path.read_text()
        assert not re.search(r"\sstyle=|\son\w+=|<style|javascript:|hx-on", html), path
        assert all("src=" in tag for tag in re.findall(r"<script\b[^>]*>", html)), path
