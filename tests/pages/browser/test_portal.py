"""What people do at the portal, with codes that really come by mail and text message; also without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.login import proof
from tests.support.mail import mail_server
from tests.support.receivers import Receiver
from tests.support.vaults import Server, serving

from .conftest import Site, Visit, visiting

DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 740}
NUMBER = "+447700900001"
PAGES = [
    "/my/data",
    "/my/data/edit",
    "/my/data/apps/shop/edit",
    "/my/consents",
    "/my/consents/news",
    "/my/consents/tax",
    "/my/requests",
    "/my/accesses",
    "/my/accesses?all=1",
    "/my/sign-ins",
    "/my/shares",
    "/my/rights",
    "/my/delete",
    "/my/nothing",
    "/receipt",
    "/cookies",
]
BASES = {
    "news": {"basistype": "consent", "shortdesc": "News by mail", "fulldesc": "Once a month.", "usercontrol": True},
    "study": {"basistype": "consent", "shortdesc": "A study of how people shop"},
    "fraud": {"basistype": "legitimate-interest", "shortdesc": "To find out fraud"},
    "tax": {"basistype": "legal-requirement", "shortdesc": "Invoices, for the tax office", "fulldesc": "Ten years."},
}


@dataclass
class PortalSite(Site):
    """With a gateway for text messages, too."""

    gateway: Receiver

    def code_by_text_message(self) -> str:
        self.server.vault.script("from databunker.notify.delivery import deliver_due\ndeliver_due()")
        (code,) = re.findall(r"\b[0-9]{6}\b", self.gateway.received[-1].body.decode())
        return str(code)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalSite]:
    settings = {
        "PAGES_HTTPS": "false",
        "EMAIL_HOST": "127.0.0.1",
        "EMAIL_TLS": "none",
        "EMAIL_FROM": "privacy@shop.example.com",
        "SMS_BODY": "To=_PHONE_&Body=_MSG_",
        "OUTGOING_ALLOW_PRIVATE": "127.0.0.1",
        "CAPTCHA_PROOF_BITS": "8",
        "UI_COMPANY_TITLE": "Example Shop",
        "UI_COLOR": "#7a1f6b",
        "LOGIN_CODES_PER_PERSON": "100/1h",
        "SELFSERVICE_USER_RECORD_CHANGE": "true",
        "SELFSERVICE_FORGET_ME": "true",
    }
    folder = tmp_path_factory.mktemp("portal")
    with (
        mail_server() as (taker, port),
        Receiver() as gateway,
        serving(folder, EMAIL_PORT=str(port), SMS_URL=gateway.url("/sms"), **settings) as server,
    ):
        person = person_of(server)
        yield PortalSite(server, taker, person, (), gateway)


def person_of(server: Server) -> str:
    """Somebody of whom each page has something to show."""
    caller = server.client()
    for brief, terms in BASES.items():
        caller.call("POST", f"/v1/lbasis/{brief}", terms)
    person = str(caller.create(email="ann@example.com", phone=NUMBER, first_name="Ann", address={"city": "Bergen"}))
    caller.call("POST", f"/v1/userapp/token/{person}/shop", {"shoeSize": 41, "note": "one\ntwo"})
    caller.call("POST", f"/v1/agreement/tax/token/{person}", {})
    caller.call("POST", f"/v1/agreement/study/token/{person}", {})
    caller.call("POST", f"/v1/session/{person}", {"token": person, "device": "a phone"})
    caller.call("POST", f"/v1/sharedrecord/token/{person}", {"fields": "first_name,address", "partner": "a courier"})
    caller.close()
    own = server.client(server.vault.new_token_of(person))
    own.call("PUT", f"/v1/userapp/token/{person}/shop", {"shoeSize": 43})
    own.close()
    return person


def come_in(visit: Visit, site: Site, identity: str = "ann@example.com") -> Visit:
    page = visit.go("/").page
    page.get_by_label("E-mail address or telephone number").fill(identity)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill(site.deliver())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/my/data")
    return visit


def newcomer(site: Site, name: str) -> str:
    caller = site.server.client()
    token = caller.create(email=f"{name}@example.com", first_name="Eve", phone=None)
    caller.close()
    return str(token)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_clean_in_both_themes_and_fit_a_phone(browser: Browser, site: PortalSite, theme: str) -> None:
    with visiting(browser, site, color_scheme=theme, viewport=DESK) as visit:
        come_in(visit, site)
        for size in (DESK, PHONE):
            visit.page.set_viewport_size(size)
            for path in PAGES:
                visit.go(path).assert_clean()
            visit.go("/my/delete").page.get_by_role("button", name="Delete me").click()
            visit.assert_clean()  # without the word
            visit.go("/my/requests").page.get_by_role("link", name="Change what an application keeps").click()
            visit.assert_clean()


@pytest.mark.parametrize("language", ["Deutsch", "Français", "Español"])
def test_longer_words_fit_a_phone_too(browser: Browser, site: PortalSite, language: str) -> None:
    with visiting(browser, site, viewport=PHONE) as visit:
        come_in(visit, site).page.get_by_role("button", name=language).click()
        for path in PAGES:
            visit.go(path).assert_clean()


def test_a_person_comes_in_by_text_message_and_corrects_the_data(visit: Visit, site: PortalSite) -> None:
    page = visit.go("/").page
    page.get_by_label("E-mail address or telephone number").fill(NUMBER)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill(site.code_by_text_message())
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Correct it", exact=True).click()
    page.get_by_label("Phone").fill("+44 what")
    page.get_by_label("Address: City").fill("Oslo")
    page.get_by_role("button", name="Save").click()
    expect(page.locator(".wrong")).to_contain_text("This can't be used")
    expect(page.get_by_label("Address: City")).to_have_value("Oslo")
    visit.assert_clean()
    page.get_by_label("Phone").fill(NUMBER)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_have_text("Saved.")
    expect(page.locator("main")).to_contain_text("Oslo")


def test_with_the_keyboard_alone_a_consent_is_given_and_withdrawn(visit: Visit, site: PortalSite) -> None:
    page = come_in(visit, site).page
    page.get_by_role("link", name="Consents", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="I agree News by mail").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You have agreed.")
    page.get_by_role("button", name="Withdraw News by mail").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("You have withdrawn it.")
    visit.assert_clean()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_somebody_is_deleted_and_keeps_a_receipt(browser: Browser, site: PortalSite, scripts: bool) -> None:
    name = f"eve-{scripts}".lower()
    token = newcomer(site, name)
    with visiting(browser, site, java_script_enabled=scripts) as visit:
        page = visit.page
        (come_in if scripts else come_in_by_picture)(visit, site, f"{name}@example.com")
        page.get_by_role("link", name="My rights").click()
        page.get_by_role("link", name="Look at it first").click()
        expect(page.locator("main")).to_contain_text("first_name")
        expect(page.locator("main")).to_contain_text(token)
        page.get_by_label("Type DELETE, to be sure").fill("delete")
        page.get_by_role("button", name="Delete me").click()
        page.wait_for_url("**/receipt?id=*")
        site.server.vault.script("from audit.sealing import seal_everything\nseal_everything(tell=print)")
        if scripts:
            page.reload()
            expect(page.locator("main")).to_contain_text("This receipt is genuine.")
            visit.assert_clean()
        link = page.get_by_role("link", name="Save the receipt").get_attribute("href") or ""
        receipt = page.request.get(site.address + link)
        assert receipt.status == 200
        page.get_by_label("The receipt", exact=True).fill(receipt.text())
        page.get_by_label(re.compile("Your token in this vault")).fill(token)
        page.get_by_role("button", name="Check").click()
        expect(page.locator("main")).to_contain_text("It is the receipt of the person with this token.")
        visit.go("/my/data")
        expect(page.get_by_role("heading", level=1)).to_have_text("Your personal data")


def come_in_by_picture(visit: Visit, site: Site, identity: str) -> Visit:
    """Without scripts: the test does not read the picture, but solves the puzzle that the same captcha has."""
    page = visit.go("/").page
    form = page.locator("form[data-proof-salt]")
    challenge: dict[str, Any] = {"algorithm": "SHA-256", "bits": int(form.get_attribute("data-proof-bits") or 0)}
    solution = proof({**challenge, "salt": form.get_attribute("data-proof-salt")})
    page.get_by_label("E-mail address or telephone number").fill(identity)
    page.get_by_label("Digits in the picture").fill(solution)
    page.get_by_role("button", name="Send me a code").click()
    page.get_by_label("Code").fill(site.deliver())
    page.get_by_role("button", name="Sign in").click()
    return visit


def test_without_scripts_every_page_and_form_works(browser: Browser, site: PortalSite) -> None:
    newcomer(site, "ivy")
    with visiting(browser, site, java_script_enabled=False) as visit:
        page = come_in_by_picture(visit, site, "ivy@example.com").page
        page.get_by_role("link", name="Correct it").click()
        page.get_by_label("First name").fill("Ivy")
        page.get_by_role("button", name="Save").click()
        expect(page.locator("main")).to_contain_text("Ivy")
        page.get_by_role("link", name="My rights").click()
        page.get_by_label("Why").select_option(label="I need the data for legal claims.")
        page.get_by_role("button", name="Restrict it").click()
        expect(page.get_by_role("status")).to_have_text("Your data is kept, and not used any more.")
        page.get_by_role("button", name="Allow the use again").click()
        page.get_by_label("To what").select_option(label="To find out fraud")
        page.locator("form[action$=object]").get_by_label("Reason").fill("It is unfair")
        page.get_by_role("button", name="Object").click()
        expect(page.locator("main")).to_contain_text("It is unfair")
        page.get_by_role("button", name="Take it back To find out fraud").click()
        expect(page.get_by_role("status")).to_have_text("You have taken back the objection.")
        with page.expect_download() as download:
            page.get_by_role("link", name="For machines (JSON)").click()
        assert b"ivy@example.com" in download.value.path().read_bytes()
        page.get_by_role("link", name="Who has seen it").click()
        expect(page.locator("tbody")).to_contain_text("entered your data")
        page.get_by_role("link", name="Sign-ins").click()
        page.locator("td").get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Your personal data")
