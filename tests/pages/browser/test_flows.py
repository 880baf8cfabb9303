"""What people do, from the first click to the last; with the keyboard alone; and without scripts."""

from __future__ import annotations

from base64 import b32decode

import pytest
from django_otp.oath import hotp
from playwright.sync_api import Browser, Locator, expect

from databunker.ids import unix_now

from .conftest import PASSWORD, Site, Visit, code_of, visiting


def test_a_newcomer_sets_up_the_second_factor(visit: Visit) -> None:
    page = visit.go("/console/").page
    page.get_by_label("Name").fill("newcomer")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up the second factor")
    expect(page.locator("svg.qr")).to_be_visible()
    secret = b32decode(page.locator(".words").inner_text().replace(" ", ""))
    page.get_by_label("Code", exact=True).fill(f"{hotp(secret, unix_now() // 30):06}")
    page.get_by_role("button", name="Turn it on").click()
    expect(page.locator(".words li")).to_have_count(10)
    visit.assert_clean()
    page.get_by_role("link", name="I have kept them").click()
    page.wait_for_url("**/console/")


def tab_to(target: Locator) -> None:
    """By the Tab key alone, from wherever one is."""
    for _ in range(150):
        target.page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"the Tab key doesn't lead to {target}")


def enter(target: Locator) -> None:
    tab_to(target)
    target.page.keyboard.press("Enter")


def type_into(target: Locator, text: str) -> None:
    tab_to(target)
    target.page.keyboard.type(text)


def sign_in_by_keyboard(visit: Visit, role: str) -> None:
    page = visit.go("/console/sign-in").page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type(f"the-{role}")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/code#*")
    type_into(page.get_by_label("Code"), code_of(role, visit.site))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")


def test_with_the_keyboard_alone_one_gets_in(visit: Visit) -> None:
    sign_in_by_keyboard(visit, "support")
    navigation = visit.page.get_by_role("navigation", name="Sections")
    expect(navigation.get_by_role("link")).to_have_text(["Dashboard", "Requests", "People"])
    enter(visit.page.get_by_role("button", name="Sign out"))
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Signed out")
    visit.go("/console/sign-in").page.get_by_label("Name").fill("the-support")
    visit.page.get_by_label("Password").fill(PASSWORD)
    visit.press("Sign in")
    visit.page.get_by_label("Code").fill("000000")
    visit.press("Sign in")
    expect(visit.page.locator(".wrong")).to_be_visible()
    visit.assert_clean()  # the page of the code, with a mistake


def test_with_the_keyboard_alone_a_request_is_put_off_for_proof_of_identity_and_approved(visit: Visit) -> None:
    person = visit.site.newcomer(plan="a")
    rtoken = visit.site.change_asked_by(person, plan="b")
    sign_in_by_keyboard(visit, "dpo")
    enter(visit.page.get_by_role("link", name="Requests", exact=True))
    enter(visit.main.locator(f'a[href$="{rtoken}"]'))
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Change of the profile")
    type_into(visit.part("Ask for proof of identity").get_by_label("Reason"), "written from an unknown address")
    enter(visit.page.get_by_role("button", name="Ask for proof of identity"))
    expect(visit.status).to_have_text("The clock stands still until the identity is proved.")
    visit.assert_clean()
    type_into(visit.part("The identity is proved").get_by_label("Reason"), "called the number that we know")
    enter(visit.page.get_by_role("button", name="The identity is proved"))
    expect(visit.status).to_have_text("The identity is proved, and the clock runs again.")
    type_into(visit.part("Approve").get_by_label("Reason"), "it is really hers")
    enter(visit.page.get_by_role("button", name="Approve", exact=True))
    expect(visit.status).to_have_text("The request is approved, and what it asks for is done.")
    assert visit.site.profile_of(person)["plan"] == "b"


def test_with_the_keyboard_alone_somebody_is_forgotten(visit: Visit) -> None:
    person = visit.site.newcomer(email="leaving@example.com")
    sign_in_by_keyboard(visit, "dpo")
    enter(visit.page.get_by_role("link", name="People", exact=True))
    type_into(visit.page.get_by_label("Value"), "leaving@example.com")
    visit.page.keyboard.press("Enter")
    expect(visit.main).to_contain_text("l***@e***.com")
    enter(visit.page.get_by_role("link", name="Rights and retention"))
    enter(visit.page.get_by_role("link", name="Forget this person"))
    expect(visit.page.get_by_role("heading", level=1)).to_have_text("Forget this person")
    type_into(visit.page.get_by_label("First eight characters of the token"), person[:8])
    type_into(visit.page.get_by_label("Reason"), "asked by letter")
    visit.page.keyboard.press("Enter")
    expect(visit.status).to_contain_text("The person is forgotten.")
    visit.assert_clean()


def test_a_person_signs_in_and_never_sees_a_captcha(visit: Visit) -> None:
    page = visit.go("/").page
    expect(page.get_by_alt_text("Picture of six digits")).to_be_hidden()
    page.get_by_label("E-mail address or telephone number").fill("Ann@Example.com")
    page.get_by_role("button", name="Send me a code").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("The code")
    visit.assert_clean()
    page.get_by_label("Code").fill(visit.site.deliver())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/my/data")
    expect(page.locator("main")).to_contain_text("Bergen")
    visit.assert_clean()
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Your personal data")
    visit.go("/my/data")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your personal data")


def test_without_scripts_the_picture_is_there_and_everything_works(browser: Browser, site: Site) -> None:
    with visiting(browser, site, scripts=False) as visit:
        page = visit.go("/").page
        picture = page.get_by_alt_text("Picture of six digits")
        expect(picture).to_be_visible()
        assert page.request.get(site.address + (picture.get_attribute("src") or "")).body().startswith(b"\x89PNG")
        visit.sign_in_at_the_portal("ann@example.com")
        expect(visit.main).to_contain_text("Bergen")


def test_a_complaint_would_be_heard(browser: Browser, site: Site) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"), visiting(browser, site) as visit:
        visit.go("/console/sign-in").page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')"
        )
        visit.page.wait_for_timeout(50)
