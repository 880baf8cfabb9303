"""What people do, from the first click to the last; with the keyboard alone; and without scripts."""

from __future__ import annotations

import re
import zipfile
from base64 import b32decode

import pytest
from django_otp.oath import hotp
from playwright.sync_api import Browser, expect

from databunker.ids import unix_now
from tests.support.login import proof

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


def test_with_the_keyboard_alone_one_gets_in(visit: Visit) -> None:
    page = visit.go("/console/sign-in").page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Name")).to_be_focused()
    page.keyboard.type("the-support")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url("**/code#*")
    page.get_by_label("Code").focus()
    page.keyboard.type(code_of("support", visit.site))
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Dashboard")
    expect(page.get_by_role("navigation").get_by_role("link")).to_have_text(["Dashboard", "Requests", "People"])


def test_with_the_keyboard_alone_a_request_is_put_off_for_proof_of_identity(visit: Visit) -> None:
    page = visit.sign_in("dpo").page
    page.get_by_role("link", name="Requests", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Change of the profile").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Change of the profile")
    expect(page.locator(".diff")).to_contain_text("Oslo")
    page.get_by_role("button", name="Ask for proof of identity").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("written from an unknown address")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("The clock stands still until the identity is proved.")
    visit.assert_clean()
    page.get_by_role("button", name="The identity is proved").focus()
    page.keyboard.press("Shift+Tab")
    page.keyboard.type("called the number that we know")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("The identity is proved, and the clock runs again.")


def test_a_request_is_assigned_commented_on_and_its_evidence_taken(visit: Visit, site: Site) -> None:
    page = visit.sign_in("dpo").page
    visit.go(f"/console/requests/{site.requests[1]}")
    page.get_by_label("Assigned to").select_option("the-dpo")
    page.get_by_role("button", name="Assign").click()
    expect(page.locator("main")).to_contain_text("the-dpo looks after the request now.")
    page.get_by_role("textbox", name="Comment").fill("She has called twice.")
    page.get_by_role("button", name="Comment").click()
    expect(page.locator(".timeline")).to_contain_text("She has called twice.")
    visit.assert_clean()
    visit.go("/console/requests?assigned=me")
    expect(page.locator("table")).to_contain_text("Forget me")
    assert site.server.vault.manage("audit", "seal").code == 0
    visit.go(f"/console/requests/{site.requests[1]}")
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download the evidence").click()
    with zipfile.ZipFile(downloading.value.path()) as pack:
        assert "She has called twice." in pack.read("history.json").decode()
        assert any(name.endswith("-request.comment.json") for name in pack.namelist())


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
    with visiting(browser, site, java_script_enabled=False) as visit:
        page = visit.go("/").page
        picture = page.get_by_alt_text("Picture of six digits")
        expect(picture).to_be_visible()
        assert page.request.get(site.address + (picture.get_attribute("src") or "")).body().startswith(b"\x89PNG")
        form = page.locator("form[data-proof-salt]")
        challenge = {"algorithm": "SHA-256", "bits": int(form.get_attribute("data-proof-bits") or 0)}
        solution = proof({**challenge, "salt": form.get_attribute("data-proof-salt")})
        page.get_by_label("E-mail address or telephone number").fill("ann@example.com")
        page.get_by_label("Digits in the picture").fill(solution)
        page.get_by_role("button", name="Send me a code").click()
        page.get_by_label("Code").fill(site.deliver())
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("main")).to_contain_text("Bergen")


def test_an_administrator_makes_an_account_and_takes_it_back(visit: Visit) -> None:
    page = visit.sign_in("admin").go("/console/accounts").page
    page.get_by_role("link", name="New account").click()
    page.get_by_label("Name", exact=True).fill("the-dpo")
    page.get_by_role("button", name="Create the account").click()
    expect(page.locator(".wrong")).to_have_text("an account has this name already")
    expect(page.get_by_label("Name", exact=True)).to_have_value("the-dpo")
    page.get_by_label("Name", exact=True).fill("Eve")
    page.get_by_label("Role").select_option(label="Auditor (read only)")
    page.get_by_role("button", name="Create the account").click()
    assert re.fullmatch(r"(\w{5}-){3}\w{5}", page.locator(".words").inner_text())
    visit.assert_clean()
    page.get_by_role("link", name="To the account").click()
    page.get_by_role("button", name="Disable the account").click()
    expect(page.get_by_role("status")).to_contain_text("The account is disabled, and its sessions have ended.")
    expect(page.get_by_role("button", name="Enable the account")).to_be_visible()


def test_a_complaint_would_be_heard(browser: Browser, site: Site) -> None:
    with pytest.raises(AssertionError, match="Content Security Policy"), visiting(browser, site) as visit:
        visit.go("/console/sign-in").page.evaluate(
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">x</p>')"
        )
        visit.page.wait_for_timeout(50)


def test_with_the_keyboard_alone_somebody_is_forgotten(visit: Visit) -> None:
    caller = visit.site.server.client()
    person = str(caller.create(login="leaving", email="leaving@example.com"))
    caller.close()
    page = visit.sign_in("dpo").page
    page.get_by_role("link", name="People", exact=True).focus()
    page.keyboard.press("Enter")
    page.get_by_label("Value").focus()
    page.keyboard.type("leaving@example.com")
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_contain_text("l***@e***.com")
    page.get_by_role("link", name="Rights and retention").focus()
    page.keyboard.press("Enter")
    page.get_by_role("link", name="Forget this person").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Forget this person")
    visit.assert_clean()
    page.get_by_label("First eight characters of the token").focus()
    page.keyboard.type(person[:8])
    page.keyboard.press("Tab")
    page.keyboard.type("asked by letter")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_contain_text("The person is forgotten.")
    visit.assert_clean()
