"""What keeps a vault in order, at the console: trail, tokens, keys, messages, incidents, accounts; scripts or none."""

from __future__ import annotations

import csv
import io
import json
import re
from contextlib import closing

from playwright.sync_api import Browser, expect

from tests.support.login import prelogin_path, solved

from .conftest import INCIDENT, PASSWORD, Site, Visit, code_of, visiting


def test_an_event_is_found_proved_and_taken_along(admin: Visit, site: Site) -> None:
    person = site.newcomer()
    site.profile_of(person)
    site.seal()
    admin.open("Audit trail")
    admin.page.get_by_label("From").fill("2030-01-01")
    admin.page.get_by_label(re.compile(r"^To\b")).fill("2029-01-01")
    admin.press("Show")
    expect(admin.main).to_contain_text("This is before the beginning.")
    admin.follow("Show all")
    expect(admin.page.get_by_label("From")).to_have_value("")
    admin.page.get_by_label("Action").select_option("record.read")
    admin.page.get_by_label("Token of the person").fill(person)
    admin.press("Show")
    rows = admin.main.locator("tbody").get_by_role("row")
    expect(rows).to_have_count(1)
    found = list(csv.DictReader(io.StringIO(admin.downloaded("As CSV").decode("utf-8-sig"))))
    assert [person in row.values() for row in found] == [True]
    (line,) = admin.downloaded("As JSON Lines").decode().splitlines()
    assert json.loads(line)
    rows.get_by_role("rowheader").get_by_role("link").click()
    expect(admin.part("Proof")).to_contain_text("proved")
    admin.assert_clean()
    proof = json.loads(admin.downloaded("The proof as a file"))
    assert proof
    admin.open("Audit trail")
    find = admin.part("Events of one person")
    find.get_by_label("Find by").select_option(label="token")
    find.get_by_label("Value").fill(person)
    find.get_by_role("button", name="Find").click()
    expect(rows.first).to_be_visible()
    expect(admin.page.get_by_label("Token of the person")).to_have_value(person)


def test_an_access_token_is_made_shown_once_and_revoked(admin: Visit, site: Site) -> None:
    admin.open("Access")
    admin.follow("New access token")
    admin.page.get_by_label("Label").fill("newsletter")
    admin.page.get_by_label("Role").select_option("none")
    admin.press("Create the token")
    expect(admin.main).to_contain_text("Choose a role, or name single permissions.")
    expect(admin.page.get_by_label("Label")).to_have_value("newsletter")
    admin.page.get_by_label("Role").select_option("reader")
    admin.press("Create the token")
    token = admin.page.locator(".words").inner_text()
    admin.assert_clean()
    person = site.newcomer()
    with closing(site.server.client(token)) as caller:
        assert caller.call("GET", f"/v1/user/token/{person}").status == 200
        assert caller.call("DELETE", f"/v1/user/token/{person}").status == 403
    admin.follow("To the access token")
    expect(admin.main).not_to_contain_text(token)
    admin.press("Revoke the token")
    expect(admin.status).to_have_text("The token is revoked, and refused from now on.")
    expect(admin.part("The access token")).to_contain_text("revoked")
    admin.assert_clean()


def test_a_new_key_is_made_and_older_ones_go_on_to_open(admin: Visit, site: Site) -> None:
    person = site.newcomer(first_name="Ann")
    admin.go("/console/keys")
    before = admin.main.locator("tbody").get_by_role("row").count()
    admin.follow("New key")
    admin.page.get_by_label("Key for").select_option(label="Data")
    admin.press("Make a new key")
    expect(admin.status).to_contain_text("is made, and in use everywhere in a moment.")
    expect(admin.main.locator("tbody").get_by_role("row")).to_have_count(before + 1)
    admin.assert_clean()
    admin.main.get_by_role("link", name="Destroy…").first.click()
    admin.press("Destroy this key")
    admin.assert_clean()  # without the tick that it needs
    admin.page.get_by_label("I know that this can't be undone.").check()
    admin.press("Destroy this key")
    expect(admin.main).to_contain_text("may still be in use: try again in")
    assert site.profile_of(person)["first_name"] == "Ann"


def dead_letter(site: Site) -> str:
    """A login code that the mail server takes for nobody; whom it is for."""
    site.send()  # whatever others wait for
    email = site.profile_of(site.newcomer())["email"]
    with closing(site.server.client("")) as stranger:
        assert stranger.call("GET", prelogin_path("email", email, solved(stranger))).status == 200
    site.mail.refuse_recipient = "550 no such user"
    try:
        site.send()
    finally:
        site.mail.refuse_recipient = ""
    return str(email)


def test_a_dead_letter_is_sent_once_more_or_dropped(admin: Visit, site: Site) -> None:
    email = dead_letter(site)
    admin.go("/console/messages")
    letters = admin.page.get_by_role("table", name="Dead letters").locator("tbody")
    expect(letters.get_by_role("row")).to_have_count(1)
    admin.assert_clean()
    admin.press("Try again")
    expect(admin.status).to_have_text("1 message is tried again.")
    site.send()
    assert site.mail.taken[-1]["To"] == email
    dead_letter(site)
    admin.go("/console/messages").follow("Drop")
    expect(admin.main).to_contain_text("1 dead letter is deleted.")
    admin.press("Drop them")
    expect(admin.status).to_have_text("1 message is dropped.")
    expect(letters).to_contain_text("There is no dead letter.")


def test_an_incident_is_acknowledged(admin: Visit, site: Site) -> None:
    number = site.script(INCIDENT).strip()
    admin.open("Incidents")
    admin.main.locator(f'a[href$="/incidents/{number}"]').click()
    admin.press("Acknowledge the incident")
    expect(admin.main.get_by_role("alert")).to_be_visible()
    admin.assert_clean()
    admin.page.get_by_label("What it was").fill("The yearly letter.")
    admin.press("Acknowledge the incident")
    expect(admin.status).to_have_text("The incident is acknowledged.")
    admin.follow("Show all")
    expect(admin.main.locator(f'tr:has(a[href$="/incidents/{number}"])')).to_contain_text("acknowledged")


def test_own_sessions_are_ended(admin: Visit, site: Site, browser: Browser, scripts: bool) -> None:
    with visiting(browser, site, scripts=scripts) as elsewhere:
        elsewhere.sign_in("admin")
        admin.go("/console/me")
        others = admin.main.locator("tbody").get_by_role("row").filter(has_not_text="this one")
        for left in reversed(range(others.count())):
            others.first.get_by_role("button", name="End session").click()
            expect(others).to_have_count(left)
        expect(admin.status).to_have_text("The session has ended.")
        elsewhere.go("/console/")
        expect(elsewhere.page.get_by_role("heading", level=1)).to_have_text("Sign in")
    admin.main.locator("tbody").get_by_role("button", name="End session").click()
    expect(admin.page.get_by_role("heading", level=1)).to_have_text("Signed out")
    admin.go("/console/me")
    expect(admin.page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_one_is_asked_who_one_is_before_what_is_dangerous(admin: Visit, site: Site) -> None:
    admin.go("/console/confirm?next=/console/keys/rotate")
    admin.page.get_by_label("Password").fill("wrong")
    admin.page.get_by_label("Code").fill("000000")
    admin.press("Continue")
    expect(admin.main.get_by_role("alert")).to_contain_text("Password or code is wrong.")
    admin.page.get_by_label("Password").fill(PASSWORD)
    admin.page.get_by_label("Code").fill(code_of("admin", site))
    admin.press("Continue")
    expect(admin.page.get_by_role("heading", level=1)).to_have_text("New key")


def test_an_account_is_made_changed_and_taken_back(admin: Visit, scripts: bool) -> None:
    admin.open("Accounts")
    admin.follow("New account")
    admin.page.get_by_label("Name", exact=True).fill("the-dpo")
    admin.press("Create the account")
    expect(admin.page.locator(".wrong")).to_have_text("an account has this name already")
    expect(admin.page.get_by_label("Name", exact=True)).to_have_value("the-dpo")
    admin.page.get_by_label("Name", exact=True).fill(f"eve-{scripts}".lower())
    admin.page.get_by_label("Role").select_option(label="Auditor (read only)")
    admin.press("Create the account")
    first = admin.page.locator(".words").inner_text()
    assert re.fullmatch(r"(\w{5}-){3}\w{5}", first)
    admin.assert_clean()
    admin.follow("To the account")
    admin.page.get_by_role("combobox", name="Role").select_option(label="Support (masked)")
    admin.press("Change the role")
    expect(admin.status).to_have_text("The role is changed.")
    admin.press("Give a new first password")
    assert admin.page.locator(".words").inner_text() != first
    admin.follow("To the account")
    admin.press("Disable the account")
    expect(admin.status).to_have_text("The account is disabled, and its sessions have ended.")
    admin.press("Enable the account")
    expect(admin.status).to_have_text("The account can sign in again.")
