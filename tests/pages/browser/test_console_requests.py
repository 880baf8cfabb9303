"""What people ask for, decided at the console: by a mouse, with scripts and without, and by the keyboard alone."""

from __future__ import annotations

import csv
import io
import zipfile

from playwright.sync_api import expect

from .conftest import Site, Visit


def open_change(dpo: Visit, site: Site) -> str:
    """Somebody has asked for another plan, and the request is open in the window; the person's token."""
    person = site.newcomer(plan="a")
    dpo.go(f"/console/requests/{site.change_asked_by(person, plan='b')}")
    return person


def test_a_request_is_approved_and_done(dpo: Visit, site: Site) -> None:
    person = open_change(dpo, site)
    expect(dpo.main).to_contain_text("What would change")
    dpo.part("Approve").get_by_label("Reason").fill("as it is asked for")
    dpo.press("Approve")
    expect(dpo.status).to_have_text("The request is approved, and what it asks for is done.")
    expect(dpo.part("History")).to_contain_text("as it is asked for")
    dpo.assert_clean()
    assert site.profile_of(person)["plan"] == "b"


def test_a_request_is_refused_and_the_person_hears_why_by_mail(dpo: Visit, site: Site) -> None:
    person = open_change(dpo, site)
    dpo.press("Refuse")
    expect(dpo.part("Refuse").get_by_role("alert")).to_be_visible()
    dpo.part("Refuse").get_by_label("Reason").fill("There is no such plan.")
    dpo.press("Refuse")
    expect(dpo.status).to_have_text("The request is refused.")
    site.send()
    mail = site.mail.taken[-1]
    assert mail["To"] == site.profile_of(person)["email"]
    assert mail["Subject"] == "Your request was refused"
    assert "There is no such plan." in mail.get_content()
    assert "complain to a supervisory authority" in mail.get_content()
    assert site.profile_of(person)["plan"] == "a"


def test_a_person_is_forgotten_as_the_person_wants_it(dpo: Visit, site: Site) -> None:
    person = site.newcomer(first_name="Eve")
    dpo.go(f"/console/requests/{site.asked(person, 'DELETE', f'/v1/user/token/{person}')}")
    expect(dpo.part("What would be erased")).to_contain_text("first_name")
    dpo.press("Approve")
    expect(dpo.part("Approve").get_by_role("alert")).to_be_visible()
    dpo.assert_clean()
    dpo.page.get_by_label("First eight characters of the token").fill(person[:8])
    dpo.press("Approve")
    expect(dpo.status).to_have_text("The person is forgotten.")
    dpo.assert_clean()
    assert site.profile_of(person) == {}


def test_two_further_months_are_taken_and_the_person_hears_why_by_mail(dpo: Visit, site: Site) -> None:
    person = open_change(dpo, site)
    dpo.part("Take two further months").get_by_label("Reason").fill("There are very many.")
    dpo.press("Take two further months")
    expect(dpo.status).to_contain_text("There are two further months.")
    expect(dpo.part("Take two further months")).to_be_hidden()
    site.send()
    mail = site.mail.taken[-1]
    assert (mail["To"], mail["Subject"]) == (site.profile_of(person)["email"], "Your request takes longer")
    assert "There are very many." in mail.get_content()


def test_the_identity_is_asked_for_by_mail_and_proved(dpo: Visit, site: Site) -> None:
    open_change(dpo, site)
    dpo.part("Ask for proof of identity").get_by_label("Reason").fill("Written from an unknown address.")
    dpo.press("Ask for proof of identity")
    expect(dpo.status).to_have_text("The clock stands still until the identity is proved.")
    site.send()
    assert site.mail.taken[-1]["Subject"] == "Your request needs proof of identity"
    assert "Written from an unknown address." in site.mail.taken[-1].get_content()
    dpo.part("The identity is proved").get_by_label("Reason").fill("Called the number that we know.")
    dpo.press("The identity is proved")
    expect(dpo.status).to_have_text("The identity is proved, and the clock runs again.")


def test_several_are_approved_at_once(dpo: Visit, site: Site) -> None:
    """Two of one kind, which no other test asks for."""
    people = [site.newcomer() for _ in range(2)]
    for person in people:
        path = f"/v1/userapp/token/{person}/shop"
        site.call("POST", path, {"size": 41})
        site.asked(person, "PUT", path, {"size": 43})
    dpo.open("Requests")
    dpo.page.get_by_label("Kind").select_option(label="Change of application data")
    dpo.press("Show")
    dpo.follow("Approve several")
    boxes = dpo.main.get_by_role("checkbox")
    expect(boxes).to_have_count(2)
    for number in range(2):
        boxes.nth(number).uncheck()
    dpo.press("Approve the chosen ones")
    expect(dpo.main.get_by_role("alert")).to_contain_text("Choose at least one request.")
    for number in range(2):
        boxes.nth(number).check()
    dpo.main.get_by_label("Reason").fill("All of them are small.")
    dpo.press("Approve the chosen ones")
    expect(dpo.page.get_by_role("heading", level=1)).to_have_text("Approved together")
    expect(dpo.main.get_by_role("row").filter(has_text="approved")).to_have_count(2)
    dpo.assert_clean()
    for person in people:
        assert site.call("GET", f"/v1/userapp/token/{person}/shop")["data"] == {"size": 43}


def test_requests_of_one_person_are_found_and_the_queue_is_taken_along(dpo: Visit, site: Site) -> None:
    dpo.open("Requests")
    find = dpo.part("Find requests")
    find.get_by_label("Find by").select_option(label="e-mail")
    find.get_by_label("Value").fill("nobody@example.com")
    find.get_by_role("button", name="Find").click()
    expect(dpo.main).to_contain_text("Nobody has this.")
    expect(find.get_by_label("Value")).to_have_value("nobody@example.com")
    dpo.assert_clean()
    find.get_by_label("Value").fill("ann@example.com")
    find.get_by_role("button", name="Find").click()
    expect(dpo.main.get_by_role("row").filter(has_text="Forget me")).to_have_count(1)
    find.get_by_label("Find by").select_option(label="number of the request")
    find.get_by_label("Value").fill(site.requests[1])
    find.get_by_role("button", name="Find").click()
    expect(dpo.page.get_by_role("heading", level=1)).to_have_text("Forget me")
    dpo.open("Requests")
    dpo.page.get_by_label("Kind").select_option(label="Forget me")
    dpo.press("Show")
    expect(dpo.main.get_by_role("row").filter(has_text="Change of the profile")).to_have_count(0)
    rows = list(csv.DictReader(io.StringIO(dpo.downloaded("As CSV").decode("utf-8-sig"))))
    assert {row["action"] for row in rows} == {"forget-me"}
    assert site.requests[1] in {row["request"] for row in rows}


def test_a_request_is_assigned_commented_on_and_its_evidence_taken(dpo: Visit, site: Site) -> None:
    open_change(dpo, site)
    address = dpo.page.url
    dpo.page.get_by_label("Assigned to").select_option("the-dpo")
    dpo.press("Assign")
    expect(dpo.status).to_have_text("the-dpo looks after the request now.")
    dpo.press("Comment")
    expect(dpo.part("Comment").get_by_role("alert")).to_be_visible()
    dpo.page.get_by_role("textbox", name="Comment").fill("She has called twice.")
    dpo.press("Comment")
    expect(dpo.part("History")).to_contain_text("She has called twice.")
    dpo.assert_clean()
    dpo.open("Requests")
    dpo.page.get_by_label("Assigned to").select_option("me")
    dpo.press("Show")
    expect(dpo.main.get_by_role("row").filter(has_text="the-dpo").first).to_contain_text("Change of the profile")
    site.seal()
    dpo.page.goto(address)
    with dpo.page.expect_download() as downloading:
        dpo.press("Download the evidence")
    with zipfile.ZipFile(downloading.value.path()) as pack:
        assert "She has called twice." in pack.read("history.json").decode()
        assert any(name.endswith("-request.comment.json") for name in pack.namelist())
