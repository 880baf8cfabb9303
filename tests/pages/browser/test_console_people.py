"""People at the console: looked up, revealed, changed, restricted and forgotten, with scripts and without."""

from __future__ import annotations

import datetime as dt

from playwright.sync_api import expect

from .conftest import Site, Visit


def look_up(dpo: Visit, site: Site, person: str) -> None:
    email = site.profile_of(person)["email"]
    dpo.open("People")
    dpo.page.get_by_label("Find by").select_option(label="e-mail")
    dpo.page.get_by_label("Value").fill(email)
    dpo.press("Find")
    expect(dpo.page.get_by_role("heading", level=1)).to_contain_text("The person")
    expect(dpo.main).not_to_contain_text(email)


def test_what_is_needed_is_revealed_for_a_purpose(dpo: Visit, site: Site) -> None:
    person = site.newcomer(first_name="Beatrix", last_name="Kiddo")
    look_up(dpo, site, person)
    profile = dpo.part("Profile")
    profile.get_by_label("first_name", exact=True).check()
    dpo.press("Reveal what is ticked")
    expect(profile.get_by_role("alert")).to_be_visible()
    expect(profile.get_by_label("first_name", exact=True)).to_be_checked()
    dpo.assert_clean()
    profile.get_by_label("Purpose").fill("to call back")
    dpo.press("Reveal what is ticked")
    expect(profile).to_contain_text("Beatrix")
    expect(profile).not_to_contain_text("Kiddo")
    profile.get_by_label("Purpose").fill("to call back")
    dpo.press("Reveal everything")
    expect(profile).to_contain_text("Kiddo")
    dpo.assert_clean()
    dpo.follow("Who has seen it")
    expect(dpo.main.get_by_role("row").filter(has_text="to call back")).to_have_count(2)


def test_the_report_is_handed_out_for_a_purpose(dpo: Visit, site: Site) -> None:
    person = site.newcomer(first_name="Beatrix")
    dpo.go(f"/console/people/{person}").follow("Report")
    dpo.press("Report as JSON")
    expect(dpo.main.get_by_role("alert")).to_be_visible()
    dpo.assert_clean()
    for button, begins in (("Report as JSON", b"{"), ("Report as PDF", b"%PDF")):
        dpo.page.get_by_label("Purpose").fill("a letter of hers")
        with dpo.page.expect_download() as taken:
            dpo.press(button)
        assert taken.value.path().read_bytes().startswith(begins)
    dpo.go(f"/console/people/{person}").follow("Who has seen it")
    expect(dpo.main.get_by_role("row").filter(has_text="a letter of hers")).to_have_count(2)


def test_an_application_s_data_is_revealed_for_a_purpose(dpo: Visit, site: Site) -> None:
    person = site.newcomer()
    site.call("POST", f"/v1/userapp/token/{person}/shop", {"colour": "vermilion"})
    dpo.go(f"/console/people/{person}").follow("Further data")
    expect(dpo.main).not_to_contain_text("vermilion")
    dpo.main.get_by_label("Application", exact=True).select_option("shop")
    dpo.main.get_by_label("Purpose").fill("a complaint")
    dpo.press("Reveal")
    expect(dpo.main).to_contain_text("vermilion")
    dpo.assert_clean()


def test_a_profile_is_changed_after_a_preview(dpo: Visit, site: Site) -> None:
    person = site.newcomer(first_name="Ann", plan="a")
    dpo.go(f"/console/people/{person}").follow("Change")
    dpo.page.get_by_label("Reason").fill("a letter")
    dpo.press("Open the profile")
    dpo.press("Show what would change")
    expect(dpo.main.get_by_role("alert")).to_contain_text("Nothing is changed yet.")
    dpo.assert_clean()
    dpo.page.get_by_label("first_name").first.fill("Anna")
    dpo.press("Show what would change")
    expect(dpo.main.locator("del")).to_have_text("Ann")
    expect(dpo.main.locator("ins")).to_have_text("Anna")
    dpo.assert_clean()
    dpo.press("Back to the form")
    expect(dpo.page.get_by_label("first_name").first).to_have_value("Anna")
    dpo.press("Show what would change")
    dpo.press("Save")
    expect(dpo.status).to_have_text("The profile is changed.")
    assert (site.profile_of(person)["first_name"], site.profile_of(person)["plan"]) == ("Anna", "a")


def test_processing_is_restricted_and_objected_to_and_allowed_again(dpo: Visit, site: Site) -> None:
    person = site.newcomer()
    dpo.go(f"/console/people/{person}").follow("Rights and retention")
    restriction, objection = dpo.part("Restriction of processing"), dpo.part("Objection")
    restriction.get_by_label("Ground").select_option(index=2)
    restriction.get_by_label("Reason").fill("a case at court")
    dpo.press("Restrict processing")
    expect(dpo.status).to_have_text("The data is kept, and applications don't process it any more.")
    expect(dpo.part("What stands")).to_contain_text("a case at court")
    objection.get_by_label("To what is done on").select_option("fraud")
    objection.get_by_label("Reason").fill("by telephone")
    dpo.press("Put down an objection")
    expect(dpo.status).to_have_text("The objection stands, and whoever processes on that basis is told.")
    dpo.assert_clean()
    objection.get_by_label("Objection to").select_option("fraud")
    dpo.press("Withdraw the objection")
    expect(dpo.status).to_have_text("The objection is withdrawn.")
    restriction.get_by_label("Reason").fill("the case is over")
    dpo.press("Lift the restriction")
    expect(dpo.status).to_have_text("The data may be processed again.")
    expect(dpo.part("What stands")).to_contain_text("This person has exercised no right that stands")


def test_a_last_day_is_set_and_cancelled(dpo: Visit, site: Site) -> None:
    person = site.newcomer()
    dpo.go(f"/console/people/{person}").follow("Rights and retention")
    retention, soon = dpo.part("Retention"), dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=10)
    retention.get_by_label("Last day").fill("2001-01-01")
    retention.get_by_label("Reason").fill("a closed account")
    dpo.press("Set the end")
    expect(retention).to_contain_text("This day is over already.")
    expect(retention.get_by_label("Reason")).to_have_value("a closed account")
    dpo.assert_clean()
    retention.get_by_label("Last day").fill(soon.isoformat())
    dpo.press("Set the end")
    expect(dpo.status).to_have_text("The end is set.")
    dpo.go("/console/people/ending")
    expect(dpo.main.get_by_role("link", name=person[:8])).to_be_visible()
    dpo.main.get_by_role("link", name=person[:8]).click()
    retention.get_by_label("Reason").first.fill("open again")
    dpo.press("Cancel the end")
    expect(dpo.status).to_have_text("The end is cancelled: the person is kept.")


def test_everybody_is_listed_behind_a_reason(admin: Visit, site: Site) -> None:
    admin.open("People")
    admin.follow("List everybody")
    expect(admin.page.get_by_role("heading", level=1)).to_have_text("Everybody")
    reason = admin.page.get_by_label("Reason")
    if reason.count():  # it is good for a minute
        admin.assert_clean()
        admin.press("Open the list")
        expect(admin.main.get_by_role("alert")).to_be_visible()
        reason.fill("doubles")
        admin.press("Open the list")
    expect(admin.main.get_by_role("row").nth(1)).to_be_visible()
    admin.assert_clean()


def test_somebody_is_forgotten_after_a_preview(dpo: Visit, site: Site) -> None:
    person = site.newcomer(first_name="Eve")
    dpo.go(f"/console/people/{person}").follow("Rights and retention")
    dpo.follow("Forget this person")
    expect(dpo.part("What would be erased")).to_contain_text("first_name")
    expect(dpo.part("What would be kept")).to_contain_text("Events")
    typed = dpo.page.get_by_label("First eight characters of the token")
    typed.fill("nonsense")
    dpo.press("Forget this person")
    expect(dpo.main.get_by_role("alert")).to_be_visible()
    expect(typed).to_have_value("nonsense")
    dpo.assert_clean()
    typed.fill(person[:8])
    dpo.press("Forget this person")
    expect(dpo.status).to_have_text("The person is forgotten.")
    expect(dpo.main).not_to_contain_text("first_name")
    dpo.assert_clean()
