"""The register of legal bases at the console, with what people agree to, and what both registers share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest

from databunker.notify.delivery import deliver_due
from gdpr import actions
from gdpr.agreement_states import AgreementStatus
from gdpr.models import (
    Agreement,
    BasisStatus,
    LegalBasis,
    LegalBasisText,
    ProcessingActivity,
)
from tests.api.helpers import told_by
from tests.conftest import Api
from tests.support.receivers import Receiver

from .conftest import LETTERS, NEWS, Visitor, cells_of, make_account, text_of


@pytest.fixture
def officer(vault: None) -> Visitor:
    return make_account("dora", "dpo").sign_in()


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


def seen_in(answer: Any) -> str:
    (seen,) = re.findall(r'name="seen" value="(\w{8})"', answer.content.decode())
    return str(seen)


def test_nobody_overwrites_what_somebody_else_has_written_without_knowing(
    officer: Visitor, root: Api, news: int, letters: int
) -> None:
    entries: list[tuple[str, dict[str, str], str]] = [
        (f"/console/bases/{news}/edit", {**NEWS, "fulldesc": "mine"}, "/v1/lbasis/news"),
        (f"/console/activities/{letters}/edit", {**LETTERS, "fulldesc": "mine"}, "/v1/pactivity/letters"),
    ]
    for path, typed, route in entries:
        opened = seen_in(officer.get(path))
        root.post(route, {"fulldesc": "theirs"})
        answer = officer.post(path, **typed, seen=opened)
        assert answer.status_code == 422
        assert "Somebody else has changed this since you opened it." in text_of(answer)
        assert ">\nmine</textarea>" in answer.content.decode()
        assert officer.post(path, **typed, seen=seen_in(answer)).status_code == 303
        assert officer.post(path, **typed, seen=seen_in(officer.get(path))).status_code == 303
    assert LegalBasisText.objects.filter(basis=news).order_by("-version")[0].fulldesc == "mine"
    assert ProcessingActivity.objects.get(id=letters).fulldesc == "mine"


def test_nor_by_a_moment(officer: Visitor, root: Api, news: int, letters: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the page's look at the entry and its change: theirs is there by then, or the entry has another name."""
    entries: list[tuple[str, dict[str, str], str, str, str]] = [
        (f"/console/bases/{news}/edit", NEWS, "save_legal_basis", "/v1/lbasis/news", "brief"),
        (f"/console/activities/{letters}/edit", LETTERS, "save_activity", "/v1/pactivity/letters", "activity"),
    ]
    for path, typed, action, route, name in entries:
        saving = getattr(actions, action)
        for theirs in ({"fulldesc": "theirs"}, {name: "tidings"}):

            def late(*given: Any, saving: Any = saving, route: str = route, theirs: Any = theirs, **named: Any) -> None:
                root.post(route, theirs)
                saving(*given, **named)

            opened = seen_in(officer.get(path))
            monkeypatch.setattr(actions, action, late)
            answer = officer.post(path, **{**typed, "fulldesc": "mine", "seen": opened})
            monkeypatch.setattr(actions, action, saving)
            assert answer.status_code == 422
            assert "Somebody else has changed this since you opened it." in text_of(answer)
            assert seen_in(answer) == seen_in(officer.get(path)) != opened
    assert LegalBasisText.objects.filter(basis=news).order_by("-version")[0].fulldesc == "theirs"
    assert ProcessingActivity.objects.get(id=letters).fulldesc == "theirs"


def test_a_basis_deleted_meanwhile_does_not_come_back_unseen(officer: Visitor, root: Api, news: int) -> None:
    ann = root.post("/v1/user", {"login": "ann"}).json()["token"]
    root.post(f"/v1/agreement/news/token/{ann}", {})
    path = f"/console/bases/{news}/edit"
    opened = seen_in(officer.get(path))
    assert root.delete("/v1/lbasis/news").status_code == 200
    answer = officer.post(path, **NEWS, seen=opened)
    assert answer.status_code == 422
    assert LegalBasis.objects.get(id=news).status == BasisStatus.DELETED
    assert officer.post(path, **NEWS, seen=seen_in(answer)).status_code == 303
    assert LegalBasis.objects.get(id=news).status == BasisStatus.ACTIVE


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
