"""The registers at the console: legal bases with what people agree to, and processing activities as Art. 30 has them."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from pypdf import PdfReader

from databunker.access.models import TokenKind
from databunker.notify.delivery import deliver_due
from gdpr.agreement_states import AgreementStatus
from gdpr.models import (
    ARTICLE_30,
    ActivityBasis,
    Agreement,
    BasisStatus,
    LegalBasis,
    LegalBasisText,
    ProcessingActivity,
)
from tests.api.helpers import told_by
from tests.conftest import Api, new_token
from tests.support.receivers import Receiver

from .conftest import Visitor, make_account, text_of

NEWS = {"brief": "news", "basistype": "consent", "module": "signup", "shortdesc": "Letters", "fulldesc": "Each month."}
LETTERS = {"activity": "letters", "title": "Monthly letters"}


@pytest.fixture
def officer(vault: None) -> Visitor:
    return make_account("dora", "dpo").sign_in()


@pytest.fixture
def root(vault: None) -> Api:
    return Api(new_token(TokenKind.ROOT))


@pytest.fixture
def news(root: Api) -> int:
    """The number of a legal basis."""
    assert root.post("/v1/lbasis/news", {**NEWS, "usercontrol": True}).status_code == 200
    return LegalBasis.objects.get(brief="news").id


@pytest.fixture
def letters(root: Api) -> int:
    """The number of a processing activity."""
    assert root.post("/v1/pactivity/letters", LETTERS).status_code == 200
    return ProcessingActivity.objects.get(activity="letters").id


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    with Receiver() as running:
        settings.NOTIFICATION_URL = running.url()
        settings.NOTIFICATION_SECRET = "a secret of at least thirty-two characters"
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.1"]
        yield running


def agree(root: Api, *logins: str, brief: str = "news") -> None:
    for login in logins:
        root.create(login=login)
        assert root.post(f"/v1/agreement/{brief}/login/{login}", {}).status_code == 200


def statuses() -> list[str]:
    return [AgreementStatus(row.status).label for row in Agreement.objects.order_by("id")]


def cells_of(answer: Any) -> list[list[str]]:
    """The rows of the page's tables, as their reader sees them."""
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", answer.content.decode())
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"(?s)<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]


def words_of_pdf(content: bytes) -> str:
    return " ".join("\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content)).pages).split())


# --- legal bases -----------------------------------------------------------------------------------------------------


def test_the_list_counts_who_agrees_and_who_does_not_any_more(officer: Visitor, root: Api, news: int) -> None:
    agree(root, "ann", "bea", "cem")
    root.delete("/v1/agreement/news/login/ann")
    root.post("/v1/lbasis/terms", {"basistype": "contract"})
    with told_by() as told:
        rows = cells_of(officer.get("/console/bases"))
    assert ["news Letters", "consent, Art. 6(1)(a)", "2", "1", "active"] in rows
    assert ["terms", "contract, Art. 6(1)(b)", "0", "0", "active"] in rows
    assert [(event.code, event.outcome) for event in told] == [("lbasis.list", "ok")]


def test_the_list_counts_no_further_than_is_quick(
    officer: Visitor, root: Api, news: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gdpr.queries.legal_bases.COUNTED", 2)
    monkeypatch.setattr("gdpr.queries.COUNTED", 2)
    agree(root, "ann", "bea")
    assert ["news Letters", "consent, Art. 6(1)(a)", "2", "0", "active"] in cells_of(officer.get("/console/bases"))
    agree(root, "cem", "dan")
    assert ["news Letters", "consent, Art. 6(1)(a)", "over 2", "0", "active"] in cells_of(officer.get("/console/bases"))
    assert ["In all", "4", "0", "0", "0"] in cells_of(officer.get(f"/console/bases/{news}"))


def test_an_empty_register_says_so(officer: Visitor) -> None:
    LegalBasisText.objects.all().delete()
    LegalBasis.objects.all().delete()
    assert "There is no legal basis yet." in text_of(officer.get("/console/bases"))
    assert "The register is empty." in text_of(officer.get("/console/activities"))


def test_a_legal_basis_shows_its_texts_and_which_of_them_people_agreed_to(
    officer: Visitor, root: Api, news: int, letters: int
) -> None:
    agree(root, "ann", "bea")
    root.post("/v1/lbasis/news", {"fulldesc": "Each week,\nor <b>more</b>"})
    agree(root, "cem")
    root.post("/v1/pactivity/letters/news")
    with told_by() as told:
        answer = officer.get(f"/console/bases/{news}")
    rows = [[row[0].split(" since")[0], *row[1:]] for row in cells_of(answer)]
    assert rows[1:] == [["2", "1", "0", "0", "0"], ["1", "2", "0", "0", "0"], ["In all", "3", "0", "0", "0"]]
    assert "Each week,<br>or &lt;b&gt;more&lt;/b&gt;" in answer.content.decode()
    assert "2 agreements were given to older texts than those that are shown now." in text_of(answer)
    assert "Monthly letters" in text_of(answer)
    assert [(event.code, event.detail) for event in told] == [("lbasis.read", {"brief": "news"})]


def test_a_legal_basis_is_created(officer: Visitor) -> None:
    with told_by() as told:
        answer = officer.post("/console/bases/new", **{**NEWS, "brief": " News "}, usercontrol="on")
    assert (answer.status_code, answer["Location"]) == (303, "/console/bases")
    row = LegalBasis.objects.get(brief="news")
    assert (row.basistype, row.module, row.usercontrol, row.requiredflag) == ("consent", "signup", True, False)
    assert [event.code for event in told] == ["lbasis.change"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("news", "Another legal basis has this name."),
        ("1st", "Two to 65 small letters, digits and hyphens"),
        ("a b", "Two to 65 small letters, digits and hyphens"),
    ],
)
def test_a_name_that_can_not_be_is_told_at_its_field(officer: Visitor, news: int, typed: str, told: str) -> None:
    before = list(LegalBasis.objects.values())
    answer = officer.post("/console/bases/new", **{**NEWS, "brief": typed, "fulldesc": "What was typed."})
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert "What was typed." in answer.content.decode()
    assert list(LegalBasis.objects.values()) == before


def test_a_legal_basis_is_edited_and_renamed(officer: Visitor, root: Api, news: int) -> None:
    page = officer.get(f"/console/bases/{news}/edit").content.decode()
    assert 'value="news"' in page
    assert "Each month." in page
    changed = {**NEWS, "brief": "paper-news", "basistype": "contract", "shortdesc": ""}
    answer = officer.post(f"/console/bases/{news}/edit", **changed)
    assert (answer.status_code, answer["Location"]) == (303, f"/console/bases/{news}")
    row = LegalBasis.objects.get(id=news)
    assert (row.brief, row.basistype, row.usercontrol, row.text_version) == ("paper-news", "contract", False, 2)
    assert LegalBasisText.objects.get(basis=news, version=2).shortdesc == ""
    root.post("/v1/lbasis/taken", {})
    answer = officer.post(f"/console/bases/{news}/edit", **{**changed, "brief": "taken"})
    assert answer.status_code == 422
    assert "Another legal basis has this name." in text_of(answer)


def test_the_line_ends_of_browsers_make_no_new_version(officer: Visitor, root: Api, news: int) -> None:
    root.post("/v1/lbasis/news", {"fulldesc": "One,\ntwo."})
    version = LegalBasis.objects.get(id=news).text_version
    assert officer.post(f"/console/bases/{news}/edit", **{**NEWS, "fulldesc": "One,\r\ntwo."}).status_code == 303
    assert LegalBasis.objects.get(id=news).text_version == version


def test_editing_what_is_gone_creates_nothing(officer: Visitor, news: int) -> None:
    LegalBasis.objects.filter(id=news).delete()
    assert officer.post(f"/console/bases/{news}/edit", **NEWS).status_code == 404
    assert not LegalBasis.objects.filter(brief="news").exists()
    assert officer.get(f"/console/bases/{2**70}").status_code == 404


def test_a_legal_basis_that_people_agreed_to_stays_as_deleted(officer: Visitor, root: Api, news: int) -> None:
    agree(root, "ann", "bea")
    path = f"/console/bases/{news}/delete"
    assert "2 agreements are revoked." in text_of(officer.get(path))
    answer = officer.post(path, brief="other")
    assert answer.status_code == 422
    assert "This is not the name of this legal basis." in text_of(answer)
    assert statuses() == ["yes", "yes"]
    assert officer.post(path, brief="news")["Location"] == "/console/bases"
    assert LegalBasis.objects.get(id=news).status == BasisStatus.DELETED
    assert statuses() == ["revoked", "revoked"]
    page = text_of(officer.get(f"/console/bases/{news}"))
    assert "deleted" in page
    assert "Revoke for everyone" not in page
    assert "It is deleted. When you save it, it becomes active again" in text_of(
        officer.get(f"/console/bases/{news}/edit")
    )


def test_a_legal_basis_that_nobody_agreed_to_goes(officer: Visitor, news: int) -> None:
    assert "Nobody has ever agreed to it" in text_of(officer.get(f"/console/bases/{news}/delete"))
    assert officer.post(f"/console/bases/{news}/delete", brief="news").status_code == 303
    assert not LegalBasis.objects.filter(id=news).exists()


# --- revoking for everyone -------------------------------------------------------------------------------------------


def test_how_many_people_a_revocation_concerns_is_shown_before_it_is_done(
    officer: Visitor, root: Api, news: int, receiver: Receiver
) -> None:
    agree(root, "ann", "bea", "cem")
    root.delete("/v1/agreement/news/login/cem")
    root.post("/v1/agreement/news/email/dan@example.com", {})
    path = f"/console/bases/{news}/revoke"
    with told_by() as told:
        page = text_of(officer.get(path))
    assert "It takes back the agreements of 2 people." in page
    assert "And 1 more, given by e-mail or phone" in page
    assert statuses() == ["yes", "yes", "no", "yes"]
    assert [(event.code, event.detail) for event in told] == [
        ("agreement.preview_revocation", {"brief": "news", "agreements": 3})
    ]
    deliver_due()
    seen = len(receiver.bodies())
    with told_by() as told:
        answer = officer.post(path, brief="news", reason="the letters end")
    assert (answer.status_code, answer["Location"]) == (303, f"/console/bases/{news}")
    assert statuses() == ["revoked", "revoked", "no", "revoked"]
    assert [(event.code, event.detail) for event in told][1:] == [
        ("agreement.revoke_all", {"brief": "news", "agreements": 3, "reason": "the letters end"})
    ]
    assert "3 agreements are revoked." in text_of(officer.get(answer["Location"]))
    deliver_due()
    assert receiver.bodies()[seen:] == [{"action": "consentsrevoked", "brief": "news", "agreements": 3}]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"brief": "news", "reason": " "}, "This field is required."),
        ({"brief": "", "reason": "it ends"}, "This field is required."),
        ({"brief": "new", "reason": "it ends"}, "This is not the name of this legal basis."),
    ],
    ids=["no reason", "no name", "another name"],
)
def test_nothing_is_revoked_without_its_name_and_a_reason(
    officer: Visitor, root: Api, news: int, typed: dict[str, str], told: str
) -> None:
    agree(root, "ann")
    answer = officer.post(f"/console/bases/{news}/revoke", **typed)
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert "It takes back the agreement of 1 person." in text_of(answer)
    assert statuses() == ["yes"]


def test_where_nobody_agrees_there_is_nothing_to_revoke(officer: Visitor, news: int) -> None:
    page = officer.get(f"/console/bases/{news}/revoke")
    assert "there is nothing to revoke" in text_of(page)
    assert 'name="reason"' not in page.content.decode()


@pytest.mark.parametrize("role", ["auditor", "support"])
def test_who_may_not_revoke_changes_nothing_and_leaves_an_event(root: Api, news: int, role: str) -> None:
    agree(root, "ann")
    other = make_account("aud", role).sign_in()
    with told_by() as told:
        assert other.post(f"/console/bases/{news}/revoke", brief="news", reason="x").status_code == 403
    assert statuses() == ["yes"]
    assert [event.outcome for event in told] == ["denied"]


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


# --- many ------------------------------------------------------------------------------------------------------------


def test_fifty_rows_take_few_queries(officer: Visitor, root: Api, django_assert_max_num_queries: Any) -> None:
    for number in range(51):
        root.post(f"/v1/lbasis/basis-{number}", {"shortdesc": f"text {number}"})
        root.post(f"/v1/pactivity/activity-{number}", {"legalbasis": f"basis-{number},basis-0"})
    agree(root, "ann", brief="basis-7")
    for path in ("bases", "activities"):
        officer.get(f"/console/{path}")
        with django_assert_max_num_queries(10):
            page = officer.get(f"/console/{path}")
        assert page.content.decode().count("<tr>") == 51
        assert officer.get(f"/console/{path}?page=2").content.decode().count("<tr>") == 2
