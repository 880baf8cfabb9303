"""The registers in a browser, with scripts and without: from an empty form to a document, and to everyone's revocation."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import expect
from pypdf import PdfReader

from .conftest import Site, Visit

SAID = {
    "Purposes": "To tell customers what is new",
    "Categories of people": "Customers",
    "Categories of data": "Names and addresses",
    "Recipients": "Printers",
    "Retention periods": "A year after the last letter",
    "Security measures": "Sealed at rest",
}


def test_an_activity_becomes_complete_and_a_document(dpo: Visit, tmp_path: Path) -> None:
    page = dpo.page
    page.get_by_role("link", name="Activities").click()
    page.get_by_role("link", name="New activity").click()
    page.get_by_label("Name", exact=True).fill("catalogue")
    page.get_by_label("Title").fill("The yearly catalogue")
    for label, text in SAID.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Create the activity").click()
    expect(page.get_by_role("row").filter(has_text="The yearly catalogue")).to_contain_text("Legal bases")
    page.get_by_role("link", name="The yearly catalogue").click()
    page.get_by_label("Legal basis", exact=True).select_option("core-send-email-on-login")
    page.get_by_role("button", name="Link", exact=True).click()
    expect(page.locator(".head .badge")).to_have_text("complete")
    page.get_by_role("link", name="Processing activities").click()
    with page.expect_download() as taken:
        page.get_by_role("link", name="As PDF").click()
    taken.value.save_as(tmp_path / "register.pdf")
    text = " ".join(part.extract_text() for part in PdfReader(tmp_path / "register.pdf").pages)
    assert {words for words in ("The yearly catalogue", *SAID.values()) if words not in text} == set()
    page.get_by_role("link", name="The yearly catalogue").click()
    page.get_by_role("link", name="Delete").click()
    page.get_by_role("button", name="Delete the activity").click()
    expect(page.locator("main")).not_to_contain_text("The yearly catalogue")


def test_an_agreement_is_revoked_for_everyone_once_one_knows_for_how_many(
    dpo: Visit, site: Site, scripts: bool
) -> None:
    page, brief = dpo.page, f"catalogue-{scripts}".lower()
    page.get_by_role("link", name="Legal bases").click()
    page.get_by_role("link", name="New legal basis").click()
    page.get_by_label("Name", exact=True).fill(brief)
    page.get_by_label("Short text").fill("Send me the catalogue")
    page.get_by_role("button", name="Create the legal basis").click()
    for _ in range(3):
        site.call("POST", f"/v1/agreement/{brief}/token/{site.newcomer()}", {})
    page.get_by_role("link", name=brief).click()
    page.get_by_role("link", name="Revoke the agreements").click()
    expect(page.locator("main strong")).to_have_text("It takes back the agreements of 3 people.")
    page.get_by_role("button", name="Revoke the agreements").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.get_by_label("Name", exact=True).fill(brief)
    page.get_by_label("Reason").fill("It isn't printed any more")
    page.get_by_role("button", name="Revoke the agreements").click()
    expect(page.locator("main")).to_contain_text("3 agreements are revoked.")
    expect(page.get_by_role("row", name="In all")).to_contain_text("3")
    page.get_by_role("link", name="Edit").click()
    page.get_by_label("Full text").fill("Once a year.")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("main")).to_contain_text("Once a year.")
    dpo.assert_clean()
    page.get_by_role("link", name="Delete the legal basis").click()
    page.get_by_label("Name", exact=True).fill(brief)
    page.get_by_role("button", name="Delete the legal basis").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Legal bases")
