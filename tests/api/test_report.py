"""Everything about a person: complete as JSON, readable as PDF."""

from __future__ import annotations

import io
import re
import time
import uuid
from typing import Any

import pytest
from django.utils import translation
from pypdf import PdfReader

from gdpr.queries import report as of_report
from gdpr.report_pdf import report_pdf
from gdpr.report_words import FREE, label_of
from tests.api.helpers import assert_refused, told_by
from tests.conftest import Api

ANN = {
    "login": "ann",
    "email": "ann@example.com",
    "name": "Анна Źbikowska",
    "address": {"city": "Łódź", "lines": ["1", "2"]},
    "large": 2**60,
}


@pytest.fixture
def ann(api: Api) -> str:
    token = api.create(**ANN)
    api.create(login="bob")
    api.post("/v1/userapp/login/ann/shop", {"basket": ["tea"]})
    api.post(f"/v1/session/{uuid.uuid4()}", {"login": "ann", "page": "home"})
    api.post("/v1/sharedrecord/login/ann", {"fields": "name", "partner": "courier"})
    return token


def report(api: Api, path: str = "login/ann") -> dict[str, Any]:
    answer = api.get(f"/v1/user/{path}/report")
    assert answer.status_code == 200, answer.content
    found: dict[str, Any] = answer.json()["report"]
    return found


def text_of(pdf: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).split())


def test_it_has_what_was_asked_for(api: Api, ann: str) -> None:
    person = api.as_person(ann)
    rtoken = person.put("/v1/user/login/ann", {"name": "Anna"}).json()["rtoken"]
    api.post(f"/v1/request/{rtoken}/extend", {"reason": "many of them"})
    asked = person.delete("/v1/user/login/ann").json()["rtoken"]
    person.delete(f"/v1/request/{asked}")
    canceled, opened = report(person)["requests"]
    assert (canceled["action"], canceled["state"]) == ("forget-me", "canceled")
    assert not {"change", "reasons", "app"} & set(canceled)
    assert (opened["action"], opened["state"], opened["reasons"]) == (
        "change-profile", "open", {"extension": "many of them"},
    )  # fmt: skip
    assert (opened["original"], opened["change"]) == ({"name": ANN["name"]}, {"name": "Anna"})
    assert rtoken not in str(report(person))
    text = text_of(api.get("/v1/user/login/ann/report?format=pdf").content)
    assert "many of them" in text


def test_of_many_requests_it_has_the_newest_and_of_these_so_much(
    api: Api, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = api.as_person(ann)
    for number in range(4):
        rtoken = person.put("/v1/user/login/ann", {"note": "x" * 1_000 + str(number)}).json()["rtoken"]
        person.delete(f"/v1/request/{rtoken}", {"reason": f"why {number}"})
    found = report(api)
    assert found["requests_total"] == len(found["requests"]) == 4
    assert not any("shortened" in request for request in found["requests"])
    monkeypatch.setattr(of_report, "MAX_REQUESTS", 3)
    monkeypatch.setattr(of_report, "MAX_REQUEST_BYTES", 2_400)
    found = report(api)
    assert found["requests_total"] == 4
    assert [request.get("change", {}).get("note", "")[-1:] for request in found["requests"]] == ["3", "2", ""]
    assert [request.get("shortened", False) for request in found["requests"]] == [False, False, True]
    assert found["requests"][2]["state"] == "canceled"
    assert "original" not in found["requests"][2]


def test_it_has_every_section(api: Api, ann: str) -> None:
    found = report(api)
    assert found["token"] == ann
    assert found["profile"] == ANN
    assert [(app["app"], app["data"]) for app in found["apps"]] == [("shop", {"basket": ["tea"]})]
    assert [session["data"]["page"] for session in found["sessions"]] == ["home"]
    assert [(share["partner"], share["fields"]) for share in found["shares"]] == [("courier", ["name"])]
    assert [access["what"] for access in found["accesses"]] == [
        "read the report",
        "shared a part of the record",
        "stored a session",
        "stored an application's data",
        "created the record",
    ]
    assert found["accesses_total"] == 5


def test_it_says_when_the_person_is_to_be_forgotten(api: Api, ann: str) -> None:
    assert report(api)["retention"] == []
    link = api.post("/v1/exp/start/login/ann", {"expiration": "1d"}).json()["exptoken"]
    exptime = api.get("/v1/exp/status/login/ann").json()["exptime"]
    assert report(api)["retention"] == [{"status": "wait", "endtime": exptime}]
    assert link not in api.get("/v1/user/login/ann/report").content.decode()
    assert "Retention" in text_of(api.get("/v1/user/login/ann/report?format=pdf").content)


def test_it_has_every_agreement_with_its_history(api: Api, ann: str) -> None:
    assert report(api)["agreements"] == []
    api.post("/v1/lbasis/news", {"shortdesc": "Letters"})
    api.post("/v1/agreement/news/login/ann", {"referencecode": "A-7"})
    api.delete("/v1/agreement/news/login/ann")
    (found,) = report(api.as_person(ann), f"token/{ann}")["agreements"]
    assert (found["brief"], found["status"]) == ("news", "no")
    assert [(line["status"], line["mode"], line["referencecode"]) for line in found["history"]] == [
        ("yes", "login", "A-7"),
        ("no", "login", ""),
    ]
    assert found["texts"] == [{"textversion": 1, "shortdesc": "Letters", "fulldesc": "", "requiredmsg": ""}]
    text = text_of(api.get("/v1/user/login/ann/report?format=pdf").content)
    assert "Agreement 1" in text
    assert "A-7" in text


def test_it_holds_no_secret_that_lets_anybody_in(api: Api, ann: str) -> None:
    share = api.post("/v1/sharedrecord/login/ann", {"fields": "name"}).json()["record"]
    session = str(uuid.uuid4())
    api.post(f"/v1/session/{session}", {"login": "ann"})
    text = api.get("/v1/user/login/ann/report").content.decode()
    assert share not in text
    assert session not in text


def test_the_person_may_read_their_own(api: Api, ann: str) -> None:
    person = api.as_person(ann)
    assert report(person, f"token/{ann}")["profile"] == ANN
    bob = api.get("/v1/user/login/bob").json()["token"]
    assert_refused(person.get(f"/v1/user/token/{bob}/report"), 403, "Access denied")


def test_reading_it_is_told(api: Api, ann: str) -> None:
    with told_by() as told:
        report(api)
    assert [event.code for event in told] == ["report.read"]


def test_a_forgotten_person_has_nothing_left_to_tell(api: Api, ann: str) -> None:
    api.delete("/v1/user/login/ann")
    found = report(api, f"token/{ann}")
    assert (found["forgotten"], found["profile"], found["apps"], found["sessions"], found["shares"]) == (
        True, {}, [], [], [],
    )  # fmt: skip


def test_as_pdf(api: Api, ann: str) -> None:
    answer = api.get("/v1/user/login/ann/report?format=pdf")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/pdf"
    text = text_of(answer.content)
    for expected in ("Анна Źbikowska", "address.city Łódź", "address.lines[2] 2", str(2**60), "Data of shop", ann):
        assert expected in text


def test_the_pdf_speaks_to_people_and_the_json_to_programs(api: Api, ann: str, settings: Any) -> None:
    person = api.as_person(ann)
    person.put("/v1/user/login/ann", {"name": "Anna"})
    api.post("/v1/restriction/login/ann", {"ground": "claims"})
    api.post("/v1/exp/start/login/ann", {"expiration": "1d"})
    english = text_of(person.get("/v1/user/login/ann/report?format=pdf").content)
    for expected in ("What you asked for Change my data", "After: name Anna", "State waits for a decision"):
        assert expected in english
    settings.MAIL_LANGUAGE = "de"
    answer = person.get("/v1/user/login/ann/report?format=pdf")
    german = text_of(answer.content)
    for expected in (
        "Was über Sie gespeichert ist",
        "address.city Łódź",
        "Daten von shop",
        "basket[1] tea",
        "Worum Sie gebeten haben Meine Daten ändern",
        "Nachher: name Anna",
        "Geteilt mit courier",
        "Einschränkung der Verarbeitung: Wer Ein Administrator",
        "Ihre Daten werden am Ende gelöscht",
        "den Datensatz angelegt",
        "Artikel 15 und 20 DSGVO",
        "Seite 1 von",
    ):
        assert expected in german, german
    for english_word in ("creationtime", "endtime", "root", "change-profile", "read the report"):
        assert english_word not in german
    assert PdfReader(io.BytesIO(answer.content)).trailer["/Root"]["/Lang"] == "de"
    assert report(person)["requests"][0]["action"] == "change-profile"


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_every_name_of_the_report_has_words(api: Api, ann: str, language: str) -> None:
    """What is new in the report must not stand in the PDF by its name for programs."""
    person = api.as_person(ann)
    person.put("/v1/user/login/ann", {"name": "Anna"})
    api.post("/v1/lbasis/news", {"shortdesc": "Letters"})
    api.post("/v1/agreement/news/login/ann", {"referencecode": "A-7"})
    api.post("/v1/restriction/login/ann", {"ground": "claims"})
    api.post("/v1/exp/start/login/ann", {"expiration": "1d"})
    found = report(person)
    names = {
        name for part in ("agreements", "requests", "sessions", "shares", "retention") for name in named(found[part])
    }
    names |= named(found["rights"])
    with translation.override(language):
        assert {name for name in names if label_of(name) == name} == set()


def named(value: Any) -> set[str]:
    """The names that the vault has given, at any depth."""
    if isinstance(value, dict):
        inner = (named(part) for name, part in value.items() if name not in FREE)
        return {*value, *(name for names in inner for name in names)}
    return {name for part in value for name in named(part)} if isinstance(value, list) else set()


def test_what_the_font_lacks_is_shown_as_its_code(api: Api, ann: str) -> None:
    api.put("/v1/user/login/ann", {"name": "王 👩"})
    text = text_of(api.get("/v1/user/login/ann/report?format=pdf").content)
    assert "[U+738B] [U+1F469]" in text


def test_a_long_report_has_pages(api: Api, ann: str) -> None:
    api.put("/v1/user/login/ann", {"notes": [f"note {number} " + "long " * 60 for number in range(200)]})
    pages = PdfReader(io.BytesIO(api.get("/v1/user/login/ann/report?format=pdf").content)).pages
    assert len(pages) > 5
    assert f"Page 2 of {len(pages)}" in pages[1].extract_text()


def test_a_value_too_long_for_paper_says_so(api: Api, ann: str) -> None:
    found = report(api)
    found["profile"] = {"essay": "word " * 10_000}
    assert "50,000 characters" in text_of(report_pdf(found))


def test_the_pdf_is_bounded_and_says_what_is_not_in_it(api: Api, ann: str) -> None:
    found = report(api)
    found["profile"] = {f"field{number}": number for number in range(100_000)}
    asked = {"action": "change-profile", "state": "canceled", "change": {"long": ["word " * 400] * 1_000}}
    found["requests"], found["requests_total"] = [asked] * 500, 2_000
    began = time.process_time()
    pdf = report_pdf(found)
    assert time.process_time() - began < 20, "it is two or three seconds where nothing else goes on"
    assert len(PdfReader(io.BytesIO(pdf)).pages) < 150
    text = text_of(pdf)
    assert "field900 900" in text
    assert "field1000 1000" not in text
    assert text.count("There is more than fits here; the JSON report has it.") >= 3
    assert re.search("49[0-9] more sections are left out here; the JSON report has them.", text)
    assert "The newest 500 of 2,000 requests." in text
    assert "Rights exercised" in text
    assert "Who did what with your data" in text


def test_a_pdf_that_has_everything_speaks_of_no_more(api: Api, ann: str) -> None:
    text = text_of(api.get("/v1/user/login/ann/report?format=pdf").content)
    assert "left out" not in text
    assert "There is more" not in text
    assert "The newest" not in text


@pytest.mark.parametrize("wanted", ["xml", "jsonl", ""])
def test_other_formats_are_refused(api: Api, ann: str, wanted: str) -> None:
    answer = api.get(f"/v1/user/login/ann/report?format={wanted}")
    assert_refused(answer, 400, "format must be one of json, pdf")


def test_nobody_has_none(api: Api) -> None:
    assert_refused(api.get("/v1/user/login/nobody/report"), 404, "record not found")


def test_a_person_takes_it_only_so_often(api: Api, ann: str, settings: Any) -> None:
    settings.REPORTS_PER_PERSON = "2/1h"
    bob = str(api.get("/v1/user/login/bob").json()["token"])
    person, other = api.as_person(ann), api.as_person(bob)
    statuses = [person.get(f"/v1/user/login/ann/report?format={kind}").status_code for kind in ("json", "pdf", "json")]
    assert statuses == [200, 200, 429]
    again = person.get("/v1/user/login/ann/report")
    assert_refused(again, 429, "too many tries")
    assert 0 < int(again.headers["Retry-After"]) <= 1800
    assert other.get("/v1/user/login/bob/report").status_code == 200
    for _ in range(3):
        report(api)  # an application that hands it to people is limited as any token is
