"""Lists that are filtered and paged in place: nothing is loaded anew, and nobody is lost on the way."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from .conftest import Visit


def mark(page: Page) -> None:
    """A page that is loaded anew has no mark."""
    page.evaluate("window.marked = true")


def is_marked(page: Page) -> bool:
    return bool(page.evaluate("window.marked === true"))


def test_the_queue_is_filtered_without_a_reload(visit: Visit) -> None:
    page = visit.sign_in("dpo").go("/console/requests").page
    mark(page)
    page.get_by_label("State").select_option("all")
    page.get_by_label("Kind").select_option("forget-me")
    page.get_by_role("button", name="Show").press("Enter")
    page.wait_for_url("**/console/requests?status=all&kind=forget-me*")
    expect(page.locator("#told")).to_have_text(re.compile(r"1–\d+ of \d+"))
    expect(page.get_by_role("table")).not_to_contain_text("Change of the profile")
    expect(page.get_by_role("button", name="Show")).to_be_focused()
    expect(page.get_by_role("link", name="As CSV")).to_have_attribute("href", re.compile("kind=forget-me"))
    page.get_by_label("Received in the week of").fill("2001-01-01")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("#told")).to_have_text("There is no request in this state.")
    assert is_marked(page)
    visit.assert_clean()
    page.go_back()
    expect(page.get_by_label("Received in the week of")).to_have_value("")
    expect(page.get_by_label("Kind")).to_have_value("forget-me")


def test_a_filter_with_mistakes_says_so_in_place(visit: Visit) -> None:
    page = visit.sign_in("auditor").go("/console/audit").page
    mark(page)
    page.get_by_label("From (optional)").fill("2026-02-01")
    page.get_by_label("To (optional)").fill("2026-01-01")
    page.get_by_role("button", name="Show", exact=True).click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("To (optional)")).to_have_attribute("aria-invalid", "true")
    assert is_marked(page)


def test_the_trail_is_followed_back_in_place_and_in_a_tab_of_its_own(visit: Visit) -> None:
    caller = visit.site.server.client()
    for _ in range(60):
        assert caller.call("GET", f"/v1/user/token/{visit.site.person}").status == 200
    caller.close()
    page = visit.sign_in("auditor").go("/console/audit").page
    mark(page)
    further = page.get_by_role("link", name="Look further back")
    with page.context.expect_page() as opened:
        further.click(modifiers=["Control"])
    opened.value.close()
    assert "before=" not in page.url
    newest = page.locator("tbody th a").first.get_attribute("href")
    further.press("Enter")
    page.wait_for_url("**/console/audit?before=*")
    expect(page.locator("tbody th a").first).not_to_have_attribute("href", str(newest))
    expect(page.get_by_role("region", name="Events", exact=True)).to_be_focused()
    expect(page.locator("#told")).to_have_text(re.compile(r"[0-9]+ events?"))
    expect(page.locator("#foot input[name=next]").first).to_have_value(re.compile("before="))
    assert is_marked(page)


def test_who_has_been_signed_out_meanwhile_gets_to_the_door(visit: Visit) -> None:
    page = visit.sign_in("auditor").go("/console/audit").page
    page.context.clear_cookies()
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url("**/console/sign-in?next=*")
