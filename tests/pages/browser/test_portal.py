"""What people do at the portal, with codes that really come by mail and text message; also without scripts."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.support.receivers import Receiver

from .conftest import PHONE, Site, Visit, served, visiting
from .visits import OF_PEOPLE

ANN, NUMBER = "ann@example.com", "+447700900001"
PAGES = [*itertools.chain(*OF_PEOPLE.values()), "/receipt", "/cookies"]
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
        self.send()
        (code,) = re.findall(r"\b[0-9]{6}\b", self.gateway.received[-1].body.decode())
        return str(code)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PortalSite]:
    settings = {
        "SMS_BODY": "To=_PHONE_&Body=_MSG_",
        "OUTGOING_ALLOW_PRIVATE": "127.0.0.1",
        "UI_COLOR": "#7a1f6b",
        "SELFSERVICE_USER_RECORD_CHANGE": "true",
        "SELFSERVICE_FORGET_ME": "true",
    }
    with Receiver() as gateway:
        settings["SMS_URL"] = gateway.url("/sms")
        with served(tmp_path_factory.mktemp("portal"), **settings) as (server, taker):
            site = PortalSite(server, taker, "", (), gateway)
            for brief, terms in BASES.items():
                site.call("POST", f"/v1/lbasis/{brief}", terms)
            site.person = person_of(site, email=ANN, phone=NUMBER, address={"city": "Bergen"})
            path = f"/v1/userapp/token/{site.person}/shop"
            site.requests = (site.asked(site.person, "PUT", path, {"shoeSize": 43}),)
            yield site


def person_of(site: Site, **profile: Any) -> str:
    """Somebody of whom each page has something to show."""
    person = site.newcomer(first_name="Ann", **profile)
    site.call("POST", f"/v1/userapp/token/{person}/shop", {"shoeSize": 41, "note": "one\ntwo"})
    site.call("POST", f"/v1/agreement/tax/token/{person}", {})
    site.call("POST", f"/v1/agreement/study/token/{person}", {})
    site.call("POST", f"/v1/session/{person}", {"token": person, "device": "a phone"})
    site.call("POST", f"/v1/sharedrecord/token/{person}", {"fields": "first_name,address", "partner": "a courier"})
    return person


@pytest.fixture(scope="session")
def own_window(browser: Browser, site: PortalSite) -> Iterator[Visit]:
    """Ann's, signed in."""
    with visiting(browser, site) as window:
        yield window.sign_in_at_the_portal(ANN)


@pytest.mark.parametrize("address", PAGES)
def test_pages_are_clean_in_both_themes_and_fit_a_phone(own_window: Visit, site: PortalSite, address: str) -> None:
    path = address.format(request=site.requests[0])
    own_window.go(path).assert_clean()
    assert own_window.page.url == site.address + path, "signed in still"


def test_the_form_of_the_deletion_is_clean_without_its_word(own_window: Visit) -> None:
    own_window.go("/my/delete").press("Delete me")
    expect(own_window.main.get_by_role("alert")).to_be_visible()
    own_window.assert_clean()


@pytest.mark.parametrize("language", ["Deutsch", "Français", "Español"])
def test_longer_words_fit_a_phone_too(browser: Browser, site: PortalSite, language: str) -> None:
    with visiting(browser, site, viewport=PHONE) as visit:
        visit.sign_in_at_the_portal(ANN).press(language)
        for address in PAGES:
            assert visit.go(address.format(request=site.requests[0])).overflow() <= 0, address


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
    page = visit.sign_in_at_the_portal(ANN).page
    page.get_by_role("link", name="Consents", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("button", name="I agree News by mail").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("You have agreed.")
    page.get_by_role("button", name="Withdraw News by mail").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text("You have withdrawn it.")
    visit.assert_clean()


def test_somebody_is_deleted_and_keeps_a_receipt(browser: Browser, site: PortalSite, scripts: bool) -> None:
    token = site.newcomer(first_name="Eve")
    with visiting(browser, site, scripts=scripts) as visit:
        page = visit.sign_in_at_the_portal(site.profile_of(token)["email"]).page
        page.get_by_role("link", name="My rights").click()
        page.get_by_role("link", name="Look at it first").click()
        expect(page.locator("main")).to_contain_text("first_name")
        expect(page.locator("main")).to_contain_text(token)
        page.get_by_label("Type DELETE, to be sure").fill("delete")
        page.get_by_role("button", name="Delete me").click()
        page.wait_for_url("**/receipt?id=*")
        site.seal()
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


@pytest.fixture
def ivy(browser: Browser, site: PortalSite, scripts: bool) -> Iterator[Visit]:
    """The window of somebody of whom each page has something to show, with scripts and without."""
    email = f"ivy-{scripts}-{secrets.token_hex(4)}@example.com".lower()
    person = person_of(site, email=email)
    with visiting(browser, replace(site, person=person), scripts=scripts) as visit:
        yield visit.sign_in_at_the_portal(email)


def test_data_is_corrected_and_taken_along(ivy: Visit) -> None:
    ivy.main.get_by_role("link", name="Correct it", exact=True).click()
    ivy.page.get_by_label("First name").fill("Ivy")
    ivy.press("Save")
    expect(ivy.main).to_contain_text("Ivy")
    ivy.open("My rights")
    data = ivy.downloaded("For machines (JSON)")
    assert b'"Ivy"' in data
    assert b"shoeSize" in data
    assert ivy.downloaded("For reading (PDF)").startswith(b"%PDF")
    ivy.open("Who has seen it")
    expect(ivy.main.locator("tbody")).to_contain_text("entered your data")


def test_a_change_is_sent_for_approval_and_taken_back(ivy: Visit, site: PortalSite) -> None:
    ivy.main.get_by_role("link", name="Correct it shop").click()
    ivy.page.get_by_label("Shoe size").fill("large")
    ivy.press("Save")
    expect(ivy.page.locator(".wrong")).to_be_visible()
    expect(ivy.page.get_by_label("Shoe size")).to_have_value("large")
    ivy.page.get_by_label("Shoe size").fill("43")
    ivy.press("Save")
    expect(ivy.status).to_have_text("Your change was sent for approval. Here you see what becomes of it.")
    expect(ivy.main.locator("ins")).to_have_text("43")
    ivy.assert_clean()
    ivy.press("Take it back")
    expect(ivy.status).to_have_text("You have taken it back.")
    ivy.follow("Your requests")
    expect(ivy.main.get_by_role("row").filter(has_text="Change what an application keeps")).to_contain_text(
        "taken back"
    )
    assert site.call("GET", f"/v1/userapp/token/{ivy.site.person}/shop")["data"]["shoeSize"] == 41


def test_a_consent_is_given_read_and_withdrawn(ivy: Visit) -> None:
    ivy.open("Consents")
    ivy.press("I agree News by mail")
    expect(ivy.status).to_contain_text("You have agreed.")
    ivy.follow("News by mail")
    expect(ivy.part("History")).to_contain_text("agreed")
    ivy.press("Withdraw News by mail")
    expect(ivy.status).to_have_text("You have withdrawn it.")
    ivy.open("Consents")
    ivy.press("Withdraw A study of how people shop")
    expect(ivy.status).to_have_text("Your wish was sent. Here you see what becomes of it.")
    ivy.assert_clean()
    ivy.press("Take it back")
    expect(ivy.status).to_have_text("You have taken it back.")


def test_processing_is_restricted_and_objected_to(ivy: Visit) -> None:
    ivy.open("My rights")
    ivy.page.get_by_label("Why").select_option(label="I need the data for legal claims.")
    ivy.press("Restrict it")
    expect(ivy.status).to_have_text("Your data is kept, and not used any more.")
    ivy.press("Allow the use again")
    objection = ivy.part("Object")
    objection.get_by_label("To what").select_option(label="To find out fraud")
    objection.get_by_label("Reason").fill("It is unfair")
    ivy.press("Object")
    expect(ivy.main).to_contain_text("It is unfair")
    ivy.assert_clean()
    ivy.press("Take it back To find out fraud")
    expect(ivy.status).to_have_text("You have taken back the objection.")


def test_shares_and_sessions_are_ended(ivy: Visit) -> None:
    ivy.open("Sharing")
    ivy.main.get_by_role("row").filter(has_text="a courier").get_by_role("button", name="End it").click()
    expect(ivy.status).to_have_text("It is not shared any more.")
    expect(ivy.main).to_contain_text("Nothing is shared.")
    ivy.assert_clean()
    ivy.open("Sign-ins")
    ivy.part("Sessions of applications").get_by_role("button", name="End it").click()
    expect(ivy.status).to_have_text("The session is over.")
    expect(ivy.part("Sessions of applications")).to_contain_text("There are none.")
    ivy.assert_clean()
    ivy.main.get_by_role("row").filter(has_text="this one").get_by_role("button", name="Sign out").click()
    expect(ivy.page.get_by_role("heading", level=1)).to_have_text("Your personal data")
    ivy.go("/my/data")
    expect(ivy.page.get_by_role("heading", level=1)).to_have_text("Your personal data")


def test_too_many_tries_lock_the_door_for_a_while(browser: Browser, site: PortalSite) -> None:
    with visiting(browser, site) as visit:
        visit.go("/").page.get_by_label("E-mail address or telephone number").fill("nobody@example.com")
        visit.press("Send me a code")
        while visit.page.get_by_role("heading", level=1).inner_text() == "The code":
            visit.page.get_by_label("Code").fill("000000")
            with visit.page.expect_navigation():
                visit.press("Sign in")
        expect(visit.page.get_by_role("heading", level=1)).to_have_text("Too many tries")
        visit.assert_clean()


def test_who_gets_a_link_decides_about_the_end(browser: Browser, site: PortalSite) -> None:
    """The page of the link that the controller mails people before their time is over."""
    with visiting(browser, site) as visit:
        for act, button, told in (
            ("retain", "Keep my data", "Your data is kept"),
            ("delete", "Delete my data", "Your data has been deleted"),
        ):
            link = site.call("POST", f"/v1/exp/start/token/{site.newcomer()}", {"expiration": "1d"})["exptoken"]
            visit.go(f"/v1/exp/{act}/{link}").assert_clean()
            visit.press(button)
            expect(visit.page.get_by_role("heading", level=1)).to_have_text(told)
            visit.assert_clean()
            visit.go(f"/v1/exp/{act}/{link}").assert_clean()  # used already
