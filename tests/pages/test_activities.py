"""The register of processing activities at the console, as Art. 30 has it, and as files."""

from __future__ import annotations

import csv
import io
from hashlib import sha256
from typing import Any

import pytest
from pypdf import PdfReader

from gdpr.models import ARTICLE_30, ActivityBasis, LegalBasis, ProcessingActivity
from tests.api.helpers import told_by
from tests.conftest import Api

from .conftest import LETTERS, Visitor, cells_of, make_account, text_of


@pytest.fixture
def officer(vault: None) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def words_of_pdf(content: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


# --- processing activities -------------------------------------------------------------------------------------------


def test_an_activity_is_created_with_all_that_article_30_asks_for(officer: Visitor, news: int) -> None:
    said = {field: f"the {field}\r\nin two lines" for field in ARTICLE_30}
    with told_by() as told:
        answer = officer.post("/console/activities/new", **LETTERS, **said)
    assert (answer.status_code, answer["Location"]) == (303, "/console/activities")
    assert [event.code for event in told] == ["pactivity.change"]
    row = ProcessingActivity.objects.get(activity="letters")
    assert {field: getattr(row, field) for field in ARTICLE_30} == {
        field: f"the {field}\nin two lines" for field in ARTICLE_30
    }
    assert ["Monthly letters the purposes in two lines", "–", "Legal bases"] in [
        row[:3] for row in cells_of(officer.get("/console/activities"))
    ]
    officer.post(f"/console/activities/{row.id}/link", brief="news")
    assert ["Monthly letters the purposes in two lines", "news", "complete"] in [
        row[:3] for row in cells_of(officer.get("/console/activities"))
    ]


def test_what_is_still_missing_is_named(officer: Visitor, root: Api, letters: int) -> None:
    root.post("/v1/pactivity/letters", {"purposes": "letters", "transfers": "Norwegen", "retention": "a year"})
    (row,) = [row for row in cells_of(officer.get("/console/activities")) if row[0].startswith("Monthly")]
    assert row[2] == (
        "Categories of people, Categories of data, Recipients, Security measures, Safeguards of the transfers, "
        "Legal bases"
    )


def test_an_activity_is_edited_and_its_name_is_taken_once(officer: Visitor, root: Api, letters: int) -> None:
    root.post("/v1/pactivity/others", {"script": "go()"})
    root.post("/v1/pactivity/letters", {"recipients": "printers"})
    page = officer.get(f"/console/activities/{letters}/edit").content.decode()
    assert "printers" in page
    path = f"/console/activities/{letters}/edit"
    answer = officer.post(path, activity="others", title="What was typed")
    assert answer.status_code == 422
    assert "Another activity has this name." in text_of(answer)
    assert 'value="What was typed"' in answer.content.decode()
    assert officer.post("/console/activities/new", **{**LETTERS, "activity": "others"}).status_code == 422
    assert ProcessingActivity.objects.get(activity="others").script == "go()"
    assert officer.post(path, activity="post", title="Post").status_code == 303
    row = ProcessingActivity.objects.get(id=letters)
    assert (row.activity, row.title, row.recipients) == ("post", "Post", "")


def test_what_sites_run_is_changed_by_who_has_just_said_who_it_is(
    officer: Visitor, letters: int, news: int, settings: Any
) -> None:
    path, said = f"/console/activities/{letters}/edit", {**LETTERS, "title": "What was typed", "script": "go()"}
    settings.CONSOLE_CONFIRM_MINUTES = 0
    for page, fields in ((path, said), ("/console/activities/new", {**said, "activity": "others"})):
        answer = officer.post(page, **fields)
        assert answer.status_code == 422
        assert "Confirm that it is you, then save again." in text_of(answer)
        assert 'href="/console/confirm?' in answer.content.decode()
        assert 'value="What was typed"' in answer.content.decode()
    assert officer.post(path, **{**said, "script": ""}).status_code == 303, "what nothing runs of needs no more"
    assert ProcessingActivity.objects.get().script == ""
    settings.CONSOLE_CONFIRM_MINUTES = 10
    assert officer.post(path, **said).status_code == 303
    settings.CONSOLE_CONFIRM_MINUTES = 0
    assert officer.post(path, **{**said, "title": "Letters"}).status_code == 303, "nor does what runs already"
    answer = officer.post(f"/console/activities/{letters}/link", brief="news")
    assert answer["Location"] == f"/console/confirm?next=%2Fconsole%2Factivities%2F{letters}"
    assert not ActivityBasis.objects.exists()


def test_the_trail_tells_that_other_code_runs(officer: Visitor, letters: int, news: int) -> None:
    script = sha256("gehe(»Größe«)".encode()).hexdigest()
    with told_by() as told:
        officer.post(f"/console/activities/{letters}/edit", **{**LETTERS, "script": "gehe(»Größe«)"})
        officer.post(f"/console/activities/{letters}/link", brief="news")
        officer.post(f"/console/activities/{letters}/edit", **LETTERS)
    assert [(event.code, event.detail["script"]) for event in told if "script" in event.detail] == [
        ("pactivity.change", script),
        ("pactivity.link", script),
        ("pactivity.change", ""),
    ]


def test_bases_are_linked_and_unlinked(officer: Visitor, root: Api, letters: int, news: int) -> None:
    page = f"/console/activities/{letters}"
    assert "It rests on no legal basis yet." in text_of(officer.get(page))
    with told_by() as told:
        assert officer.post(f"{page}/link", brief="news")["Location"] == page
    assert ("pactivity.link", "ok") in [(event.code, event.outcome) for event in told]
    assert ["news", "consent, Art. 6(1)(a)", "Unlink news"] in cells_of(officer.get(page))
    assert officer.post(f"{page}/link", brief="absent").status_code == 400
    with told_by() as told:
        assert officer.post(f"{page}/unlink", brief="news")["Location"] == page
    assert ("pactivity.unlink", "ok") in [(event.code, event.outcome) for event in told]
    assert not ActivityBasis.objects.exists()


def test_an_activity_is_deleted(officer: Visitor, letters: int) -> None:
    path = f"/console/activities/{letters}/delete"
    assert "It leaves the register for good" in text_of(officer.get(path))
    assert ProcessingActivity.objects.filter(id=letters).exists()
    assert officer.post(path)["Location"] == "/console/activities"
    assert not ProcessingActivity.objects.filter(id=letters).exists()
    assert officer.get(f"/console/activities/{letters}").status_code == 404
    assert officer.post(f"/console/activities/{letters}/edit", **LETTERS).status_code == 404
    assert not ProcessingActivity.objects.exists()


def test_an_auditor_reads_the_registers_and_changes_nothing(news: int, letters: int) -> None:
    auditor = make_account("aud", "auditor").sign_in()
    for path in (f"bases/{news}", f"activities/{letters}", "bases", "activities"):
        page = auditor.get(f"/console/{path}").content.decode()
        main = page[page.index("<main") : page.index("</main")]
        assert "<form" not in main
        assert "/edit" not in main
        assert "/new" not in main
        assert "/delete" not in main


def test_the_register_of_another_tenant_is_not_there(officer: Visitor, news: int, letters: int) -> None:
    LegalBasis.objects.filter(id=news).update(tenant=2)
    ProcessingActivity.objects.filter(id=letters).update(tenant=2)
    for path in (f"bases/{news}", f"bases/{news}/revoke", f"activities/{letters}", f"activities/{letters}/edit"):
        assert officer.get(f"/console/{path}").status_code == 404
    assert "news" not in [row[0] for row in cells_of(officer.get("/console/bases"))]
    assert "The register is empty." in text_of(officer.get("/console/activities"))


# --- to take along ---------------------------------------------------------------------------------------------------


def test_the_register_as_csv(officer: Visitor, root: Api, letters: int, news: int, settings: Any) -> None:
    settings.CONTROLLER_CONTACT, settings.DPO_CONTACT = "Example Ltd, 1 High Street", "dpo@example.com"
    root.post(
        "/v1/pactivity/letters", {"purposes": "=1+1", "recipients": 'a "printer", and\nothers', "legalbasis": "news"}
    )
    with told_by() as told:
        answer = officer.get("/console/activities.csv")
        text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    assert [(event.code, event.detail) for event in told] == [("pactivity.export", {"form": "csv"})]
    (line,) = csv.DictReader(io.StringIO(text))
    assert set(ARTICLE_30) < set(line)
    assert line["recipients"] == 'a "printer", and\nothers'
    assert line["purposes"] == "'=1+1"  # no formula
    assert (line["legalbasis"], line["basistypes"]) == ("news", "consent")
    assert (line["controllercontact"], line["dpocontact"]) == ("Example Ltd, 1 High Street", "dpo@example.com")


def test_the_register_as_pdf_in_the_language_of_the_console(
    officer: Visitor, root: Api, letters: int, news: int, settings: Any
) -> None:
    settings.CONTROLLER_CONTACT = "Example Ltd, 1 High Street"
    long = " ".join(f"word{number}" for number in range(4000))
    root.post("/v1/pactivity/letters", {"purposes": long, "legalbasis": "news", "recipients": "Größe 例\r\nzwei"})
    answer = officer.get("/console/activities.pdf", HTTP_ACCEPT_LANGUAGE="de")
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="processing-activities.pdf"'
    text = words_of_pdf(answer.content)
    assert "Verzeichnis von Verarbeitungstätigkeiten" in text
    for words in ("Monthly letters", "Example Ltd, 1 High Street", "news: ", "word0 ", "word3999", "Größe [U+4F8B]"):
        assert words in text
