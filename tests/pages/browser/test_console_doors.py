"""Ways into the console, of a vault that has no account yet; and the time in which an erasure can be withdrawn."""

from __future__ import annotations

import re
from base64 import b32decode
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from django_otp.oath import hotp
from playwright.sync_api import Browser, expect

from databunker.ids import unix_now
from tests.support.oidc import Provider

from .conftest import MADE, PASSWORD, Site, Visit, code_of, served, visiting

DIFFERENT = "a horse of another colour"


@dataclass
class NewSite(Site):
    """`first_password` is that of the account "ada", which `manage.py init --admin ada` has made."""

    first_password: str
    provider: Provider


@pytest.fixture(scope="module")
def new_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NewSite]:
    with Provider() as provider:
        settings = {
            "CONSOLE_OIDC_ISSUER": provider.issuer,
            "CONSOLE_OIDC_CLIENT_ID": "vault",
            "CONSOLE_OIDC_CLIENT_SECRET": "s3cret",
            "CONSOLE_OIDC_NAME": "Example Login",
            "OUTGOING_ALLOW_PRIVATE": "127.0.0.0/8",
            "CONSOLE_BREAK_GLASS": "true",
            "FORGET_ME_COOLING_OFF": "7d",
            "CONSOLE_TRIES_PER_ACCOUNT": "4/1h",
        }
        with served(tmp_path_factory.mktemp("new"), **settings) as (server, taker):
            made = server.vault.manage("init", "--admin", "ada")
            assert made.code == 0, made.err
            (password,) = re.findall(r"^ {4}((?:\w{5}-){3}\w{5})$", made.out, re.MULTILINE)
            yield NewSite(server, taker, "", (), str(password), provider)


def account(site: Site, name: str, role: str) -> None:
    site.script(f"{MADE}\nmake('the-{name}', '{role}', b'{name}'.ljust(20, b'_'))")


@pytest.fixture
def bare(browser: Browser, new_site: NewSite, scripts: bool) -> Iterator[Visit]:
    with visiting(browser, new_site, scripts=scripts) as begun:
        yield begun


def sign_in_for_the_first_time(visit: Visit, name: str, first: str, own: str) -> None:
    """With the password that was handed over, one of one's own, and a second factor; as far as the dashboard."""
    page = visit.go("/console/").page
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(first)
    visit.press("Sign in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Change your password")
    for label in ("New password", "Repeat the new password"):
        page.get_by_label(label, exact=True).fill("12345678")
    page.get_by_label("Current password").fill(first)
    visit.press("Change the password")
    expect(page.get_by_role("alert")).to_be_visible()
    visit.assert_clean()
    page.get_by_label("Current password").fill(first)
    for label in ("New password", "Repeat the new password"):
        page.get_by_label(label, exact=True).fill(own)
    visit.press("Change the password")
    expect(page.get_by_role("heading", level=1)).to_have_text("Set up the second factor")
    visit.assert_clean()
    secret = b32decode(page.locator(".words").inner_text().replace(" ", ""))
    page.get_by_label("Code", exact=True).fill(f"{hotp(secret, unix_now() // 30):06}")
    visit.press("Turn it on")
    expect(page.locator(".words li")).to_have_count(10)
    visit.assert_clean()
    visit.follow("I have kept them")


def test_from_an_empty_vault_to_its_first_administrator_and_officer(browser: Browser, new_site: NewSite) -> None:
    with visiting(browser, new_site) as ada, visiting(browser, new_site, scripts=False) as dora:
        sign_in_for_the_first_time(ada, "ada", new_site.first_password, PASSWORD)
        ada.go("/console/accounts/new").page.get_by_label("Name", exact=True).fill("dora")
        ada.page.get_by_label("Role").select_option(label="Data protection officer")
        ada.press("Create the account")
        sign_in_for_the_first_time(dora, "dora", ada.page.locator(".words").inner_text(), DIFFERENT)
        expect(dora.go("/console/requests?due=overdue").main).to_contain_text("There is no request in this state.")
        for path in ("", "requests?due=overdue", "activities", "incidents", "people/ending"):
            dora.go(f"/console/{path}")
            ada.go(f"/console/{path}").assert_clean()  # empty as it is


def test_the_root_token_breaks_the_glass(bare: Visit, new_site: NewSite) -> None:
    bare.go("/console/sign-in").follow("Nobody can sign in: use the root token")
    bare.page.get_by_label("Root token").fill("00000000-0000-4000-8000-000000000000")
    bare.press("Sign in with the root token")
    expect(bare.page.locator(".wrong")).to_have_text("This is no valid root token.")
    bare.assert_clean()
    bare.page.get_by_label("Root token").fill(new_site.server.vault.root_token)
    bare.press("Sign in with the root token")
    expect(bare.main).to_contain_text("You have come in with the root token.")
    bare.assert_clean()
    bare.press("Sign out")
    expect(bare.page.get_by_role("heading", level=1)).to_have_text("Signed out")


def test_an_account_is_linked_with_the_provider_and_comes_in_there(
    bare: Visit, new_site: NewSite, scripts: bool
) -> None:
    name = f"linked-{scripts}".lower()
    account(new_site, name, "auditor")
    new_site.provider.subject = name
    bare.go("/console/sign-in").follow("Sign in with Example Login")
    expect(bare.page.get_by_role("heading", level=1)).to_have_text("Not signed in")
    bare.assert_clean()
    bare.sign_in(name).go("/console/me").follow("Link your account with it")
    expect(bare.status).to_have_text("Your account is linked.")
    bare.assert_clean()
    bare.press("Sign out")
    bare.follow("Sign in again")
    bare.follow("Sign in with Example Login")
    bare.page.get_by_label("Code").fill(code_of(name, new_site))
    bare.press("Sign in")
    expect(bare.page.get_by_role("heading", level=1)).to_have_text("Dashboard")


def test_whoever_tries_too_often_is_locked_out(bare: Visit, new_site: NewSite, scripts: bool) -> None:
    account(new_site, f"tried-{scripts}".lower(), "support")
    for tried in range(5):
        bare.go("/console/sign-in").page.get_by_label("Name").fill(f"the-tried-{scripts}".lower())
        bare.page.get_by_label("Password").fill("wrong")
        bare.press("Sign in")
        if tried < 4:
            expect(bare.page.get_by_role("alert")).to_contain_text("The name or the password is wrong.")
    expect(bare.page.get_by_role("heading", level=1)).to_have_text("Temporarily locked")
    bare.assert_clean()


def test_an_erasure_waits_and_is_withdrawn(bare: Visit, new_site: NewSite, scripts: bool) -> None:
    account(new_site, f"waits-{scripts}".lower(), "dpo")
    person = new_site.newcomer(first_name="Eve")
    bare.sign_in(f"waits-{scripts}".lower()).go(f"/console/people/{person}").follow("Rights and retention")
    bare.follow("Forget this person")
    expect(bare.main).to_contain_text("It happens in 7 days, and can be withdrawn until then.")
    bare.page.get_by_label("First eight characters of the token").fill(person[:8])
    bare.press("Forget this person")
    expect(bare.status).to_have_text("The erasure waits, and can be withdrawn until then.")
    bare.assert_clean()
    bare.follow("Rights and retention")
    bare.press("Withdraw the erasure")
    expect(bare.status).to_have_text("The erasure is withdrawn.")
    assert new_site.profile_of(person)["first_name"] == "Eve"


def test_a_deletion_that_was_approved_may_still_be_called_off(
    bare: Visit, browser: Browser, new_site: NewSite, scripts: bool
) -> None:
    """Wished for at the portal, approved at the console, called off at the portal."""
    officer = f"approves-{scripts}".lower()
    account(new_site, officer, "dpo")
    person = new_site.newcomer(first_name="Eve")
    bare.sign_in_at_the_portal(new_site.profile_of(person)["email"]).open("My rights")
    bare.follow("Look at it first")
    bare.page.get_by_label("Type DELETE, to be sure").fill("DELETE")
    bare.press("Delete me")
    expect(bare.status).to_have_text("Your wish was sent. Here you see what becomes of it.")
    with visiting(browser, new_site, scripts=scripts) as console:
        console.sign_in(officer).open("Requests")
        console.main.locator(f'a[href$="{bare.page.url.rpartition("/")[2]}"]').click()
        expect(console.part("Approve")).to_contain_text("It happens in 7 days, and can be withdrawn until then.")
        console.page.get_by_label("First eight characters of the token").fill(person[:8])
        console.press("Approve")
        expect(console.status).to_have_text("The erasure waits, and can be withdrawn until then.")
        console.assert_clean()
    bare.open("My rights")
    expect(bare.main).to_contain_text("Your data will be deleted at")
    bare.assert_clean()
    bare.press("Call it off")
    expect(bare.main.get_by_role("link", name="Look at it first")).to_be_visible()
    assert new_site.profile_of(person)["first_name"] == "Eve"
