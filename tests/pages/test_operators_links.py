"""What the operator says of itself, on every page: name, logo, stylesheet and links, and what the policy lets of it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import Any

import pytest

from databunker.settings.environment import BASE_DIR
from databunker.settings.pages import content_security_policy

from .conftest import Visitor

LOGO, STYLE = "https://pictures.example.com/logo.svg", "https://styles.example.com/ours.css"
TEXTS = {
    "UI_COMPANY_TITLE": "Example & Sons",
    "UI_PRIVACY_POLICY_TITLE": "How we treat your data",
    "UI_TERM_OF_SERVICE_TITLE": "What we agree on",
}
LINKS = {
    "UI_COMPANY_LINK": "https://example.com/",
    "UI_PRIVACY_POLICY_LINK": "https://example.com/privacy",
    "UI_TERM_OF_SERVICE_LINK": "https://example.com/terms",
    "UI_SUPPORT_LINK": "mailto:help@example.com",
}
NAMES = {
    "UI_COMPANY_LINK": "Example &amp; Sons",
    "UI_PRIVACY_POLICY_LINK": "How we treat your data",
    "UI_TERM_OF_SERVICE_LINK": "What we agree on",
    "UI_SUPPORT_LINK": "Help",
}


@pytest.fixture
def operator(settings: Any) -> None:
    for name, value in {**TEXTS, **LINKS, "UI_LOGO_LINK": LOGO, "UI_CUSTOM_CSS_LINK": STYLE}.items():
        setattr(settings, name, value)
    settings.CONTENT_SECURITY_POLICY = content_security_policy(LOGO)


@pytest.mark.usefixtures("operator")
def test_the_persons_page_has_the_operators_links_with_their_titles(visitor: Visitor) -> None:
    html = visitor.get("/").content.decode()
    foot = html[html.index("<footer") :]
    assert dict(re.findall(r'<a href="([^"]*)">([^<]*)</a>', foot)) == {LINKS[name]: NAMES[name] for name in LINKS}


@pytest.mark.usefixtures("operator")
def test_links_have_names_without_titles_too(visitor: Visitor, settings: Any) -> None:
    for name in TEXTS:
        setattr(settings, name, "")
    html = visitor.get("/").content.decode()
    named = dict(re.findall(r'<a href="([^"]*)">([^<]*)</a>', html[html.index("<footer") :]))
    assert list(named) == list(LINKS.values())
    assert list(named.values()) == ["https://example.com/", "Privacy policy", "Terms of service", "Help"]


@pytest.mark.usefixtures("operator")
@pytest.mark.parametrize("path", ["/", "/console/signed-out", "/console/"])
def test_every_page_has_name_logo_and_stylesheet_and_may_load_them(admin: Visitor, path: str) -> None:
    answer = admin.get(path)
    html, policy = answer.content.decode(), answer["Content-Security-Policy"]
    assert re.search(r"<title>[^<]+ · Example &amp; Sons</title>", html)
    brand = html[html.index('class="brand"') :]
    assert brand[: brand.index("</a>")].count(f'<img src="{LOGO}" alt="">Example &amp; Sons') == 1
    (nonce,) = re.findall(rf'<link rel="stylesheet" href="{re.escape(STYLE)}" nonce="([^"]+)">', html)
    assert f"style-src 'nonce-{nonce}'" in policy
    assert re.findall(r"img-src ([^;]*)", policy) == ["'self' https://pictures.example.com"]


def test_without_them_there_is_our_name_and_no_link_and_no_other_host(visitor: Visitor) -> None:
    answer = visitor.get("/")
    html = answer.content.decode()
    assert "<a " not in html[html.index("<footer") :]
    assert "<img" not in html[: html.index("<main")]
    assert "Databunker <span" in html
    assert re.findall(r"img-src ([^;]*)", answer["Content-Security-Policy"]) == ["'self'"]


def test_the_setting_is_what_the_policy_is_made_of() -> None:
    """The policy is made at the start: a process of its own reads the setting."""
    said = subprocess.run(
        [sys.executable, "-c", "from databunker import settings; print(settings.CONTENT_SECURITY_POLICY)"],
        cwd=BASE_DIR, env={**os.environ, "UI_LOGO_LINK": LOGO}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert said.stdout.strip() == str(content_security_policy(LOGO))
