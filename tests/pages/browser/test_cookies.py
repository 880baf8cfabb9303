"""The cookie popup on a site of another origin with a strict policy of its own, and on the page that shows it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.support.receivers import Receiver, Wire

from .conftest import Site, visiting

POLICY = "default-src 'none'; script-src 'nonce-abc'; connect-src 'none'; img-src data:; style-src 'none'"
COUNT = "document.documentElement.dataset.count = Number(document.documentElement.dataset.count || 0) + 1;"
TAGGED = "<script>document.documentElement.dataset.tagged = 'yes';</script>"


@pytest.fixture(scope="module")
def asked(site: Site) -> None:
    caller = site.server.client()
    popup = {"module": "cookie-popup", "basistype": "consent"}
    caller.call("POST", "/v1/lbasis/basket", {**popup, "requiredflag": True, "shortdesc": "The basket"})
    for brief in ("count", "film"):
        terms = {**popup, "shortdesc": f"To {brief}", "fulldesc": f"We {brief}."}
        assert caller.call("POST", f"/v1/lbasis/{brief}", terms).status == 200
    for name, script, brief in (("counting", COUNT, "count"), ("films", TAGGED, "film")):
        wish = {"title": name, "script": script, "legalbasis": brief}
        assert caller.call("POST", f"/v1/pactivity/{name}", wish).status == 200
    caller.close()


@pytest.fixture
def shop(site: Site, asked: None) -> Iterator[str]:
    """A site elsewhere that embeds the popup."""
    body = (
        '<!doctype html><html lang="en"><head><title>Shop</title><link rel="icon" href="data:,">'
        f'<script src="{site.address}/cookies.js" nonce="abc" defer></script></head>'
        "<body><main><h1>Shop</h1><button data-cookie-settings hidden>Cookies</button></main></body></html>"
    )
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Security-Policy: {POLICY}\r\nConnection: close\r\n\r\n"
    )

    def answer(wire: Wire) -> None:
        wire.write((head + body).encode())

    with Receiver("localhost") as receiver:
        receiver.answer = answer
        yield receiver.url("/", host="localhost")


def ran(page: Page) -> dict[str, str]:
    found: dict[str, Any] = page.evaluate("({...document.documentElement.dataset})")
    return found


def test_nothing_runs_before_one_agrees_and_then_only_that(browser: Browser, site: Site, shop: str) -> None:
    with visiting(browser, site) as visit:
        page = visit.page
        page.goto(shop)
        popup = page.get_by_role("dialog", name="Cookies and the like")
        expect(popup).to_be_visible()
        assert ran(page) == {}
        visit.assert_clean()
        popup.get_by_role("button", name="Choose").click()
        expect(popup.get_by_role("checkbox", name="The basket")).to_be_disabled()
        expect(popup.get_by_role("checkbox", name="To count")).not_to_be_checked()
        visit.assert_clean()
        popup.get_by_role("checkbox", name="To film").check()
        popup.get_by_role("button", name="Save my choice").click()
        expect(popup).to_be_hidden()
        assert ran(page) == {"tagged": "yes"}
        page.reload()
        expect(page.get_by_role("button", name="Cookies")).to_be_visible()
        expect(popup).to_be_hidden()
        assert ran(page) == {"tagged": "yes"}


def test_whoever_refuses_is_not_asked_again_and_may_change_it(browser: Browser, site: Site, shop: str) -> None:
    with visiting(browser, site) as visit:
        page = visit.page
        page.goto(shop)
        popup = page.get_by_role("dialog")
        popup.get_by_role("button", name="Only what is needed").click()
        page.reload()
        expect(page.get_by_role("button", name="Cookies")).to_be_visible()
        expect(popup).to_be_hidden()
        assert ran(page) == {}
        page.get_by_role("button", name="Cookies").click()
        popup.get_by_role("button", name="Accept all").click()
        assert ran(page) == {"tagged": "yes", "count": "1"}
        page.get_by_role("button", name="Cookies").click()
        popup.get_by_role("button", name="Accept all").click()
        assert ran(page)["count"] == "1", "what runs is not run twice"


def test_a_new_text_asks_again_and_runs_nothing_meanwhile(browser: Browser, site: Site, shop: str) -> None:
    with visiting(browser, site) as visit:
        page = visit.page
        page.goto(shop)
        page.get_by_role("button", name="Accept all").click()
        caller = site.server.client()
        caller.call("POST", "/v1/lbasis/count", {"fulldesc": "We count, and more."})
        caller.close()
        # Browsers keep the script for five minutes.
        page.context.new_cdp_session(page).send("Network.clearBrowserCache")
        page.reload()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert ran(page) == {"tagged": "yes"}


def test_on_our_own_page_it_is_seen_and_runs_nothing(browser: Browser, site: Site, asked: None) -> None:
    with visiting(browser, site) as visit:
        page = visit.go("/cookies").page
        visit.assert_clean()
        page.get_by_role("button", name="Accept all").click()
        assert "count" not in ran(page)
        page.get_by_role("button", name="Change my answer").click()
        expect(page.get_by_role("checkbox", name="To count")).to_be_checked()
        visit.assert_clean()


def test_without_scripts_the_page_says_what_would_be_asked(browser: Browser, site: Site, asked: None) -> None:
    with visiting(browser, site, scripts=False) as visit:
        page = visit.go("/cookies").page
        expect(page.locator("main")).to_contain_text("To film")
        expect(page.locator("noscript p")).to_be_visible()
