"""A request among those who decide: who looks after it, what they say about it, and what the person is told."""

from __future__ import annotations

from typing import Any

import pytest

from audit.models import Event
from databunker.access import scopes, tokens
from databunker.access.actor import operator
from databunker.access.models import TokenKind
from databunker.accounts import actions as accounts
from databunker.crypto.errors import IntegrityFailure
from databunker.notify import delivery
from databunker.notify.models import Job
from gdpr.events import REQUEST_COMMENTED
from gdpr.models import Request
from tests.api.helpers import told_by
from tests.conftest import Api
from tests.support.mail import mailing
from tests.support.requests import PROFILE, asked

from .conftest import Visitor, make_account, text_of
from .portal import come_in

NOTICE = "you may complain to a supervisory authority and go to court"


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def change(api: Api, ann: str) -> str:
    return asked(api.as_person(ann), "PUT", "/v1/user/login/ann", {"n": 2})


@pytest.fixture
def dpo(api: Api) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def page_of(rtoken: str) -> str:
    return f"/console/requests/{rtoken}"


# --- who looks after it -----------------------------------------------------------------------------------------------


def test_a_request_is_given_to_somebody_who_finds_it_among_their_own(dpo: Visitor, change: str) -> None:
    otto, page = make_account("otto", "dpo").sign_in(), page_of(change)
    with told_by() as told:
        answer = dpo.post(f"{page}/assign", page, account=str(otto.account))
    assert answer.status_code == 303
    assert [(event.code, event.detail["account"]) for event in told] == [("request.assign", otto.account)]
    assert "otto looks after the request now." in text_of(dpo.get(page))
    assert "Assigned to otto" in text_of(dpo.get(page)), "it is part of the history"
    assert "Change of the profile" in queue(otto, "me")
    assert "Change of the profile" not in queue(dpo, "me")
    assert "Change of the profile" not in queue(dpo, "nobody")
    dpo.post(f"{page}/assign", page, account="")
    assert Request.objects.get().assignee is None
    assert "Change of the profile" in queue(dpo, "nobody")
    assert "Assigned to nobody" in text_of(dpo.get(page))


def queue(visitor: Visitor, assigned: str) -> str:
    """The queue without the names of kinds in its filter."""
    return text_of(visitor.get(f"/console/requests?assigned={assigned}")).partition("Asks for")[2]


def test_only_who_may_decide_is_given_a_request(dpo: Visitor, change: str) -> None:
    page = page_of(change)
    make_account("ada", "admin")  # without one left, nobody is disabled
    disabled = make_account("gone", "dpo")
    accounts.disable_account(operator(), account=disabled.account)
    for other in (make_account("sam", "support"), make_account("olga", "auditor"), disabled):
        assert f'value="{other.account}"'.encode() not in dpo.get(page).content
        assert dpo.post(f"{page}/assign", page, account=str(other.account)).status_code == 400
    assert Request.objects.get().assignee is None


def test_a_decided_request_is_given_to_nobody(dpo: Visitor, change: str) -> None:
    page = page_of(change)
    dpo.post(f"{page}/approve", page)
    assert b"/assign" not in dpo.get(page).content
    dpo.post(f"{page}/assign", page, account=str(dpo.account))
    assert "wrong status: approved" in text_of(dpo.get(page))
    assert Request.objects.get().assignee is None
    dpo.client.cookies["language"] = "de"
    dpo.post(f"{page}/assign", page, account=str(dpo.account))
    assert "der Zustand lässt das nicht zu: genehmigt" in text_of(dpo.get(page))


def test_sql_gives_a_request_to_nobody(dpo: Visitor, change: str) -> None:
    Request.objects.update(assignee=dpo.account)
    with pytest.raises(IntegrityFailure):
        dpo.get(page_of(change))


# --- what is said about it --------------------------------------------------------------------------------------------


def test_a_comment_stands_in_the_history_for_those_who_decide(dpo: Visitor, api: Api, ann: str, change: str) -> None:
    page = page_of(change)
    assert dpo.post(f"{page}/comment", page, comment="called <b>Ann</b>\nat noon").status_code == 303
    body = dpo.get(page).content
    assert b"called &lt;b&gt;Ann&lt;/b&gt;<br>at noon" in body
    assert "dora · internal" in text_of(dpo.get(page))
    support = make_account("sam", "support").sign_in()
    assert b"called" not in support.get(page).content, "who sees people masked sees no free words either"
    assert support.post(f"{page}/comment", page, comment="hm").status_code == 403
    person = api.as_person(ann)
    seen = [f"/v1/request/{change}", f"/v1/audit/list/{ann}?limit=100", "/v1/user/login/ann/report"]
    assert not any(b"called" in person.get(path).content for path in seen)


def test_a_comment_wants_words(dpo: Visitor, change: str) -> None:
    answer = dpo.post(f"{page_of(change)}/comment", page_of(change), comment="  ")
    assert answer.status_code == 422
    assert b'id="comment-comment-error"' in answer.content
    long = dpo.post(f"{page_of(change)}/comment", page_of(change), comment="x" * 4097)
    assert long.status_code == 422
    assert not Event.objects.filter(type=REQUEST_COMMENTED.number).exists()


def test_a_comment_is_gone_with_the_person(dpo: Visitor, api: Api, ann: str) -> None:
    rtoken = asked(api.as_person(ann), "DELETE", "/v1/user/login/ann")
    page = page_of(rtoken)
    dpo.post(f"{page}/comment", page, comment="called Ann")
    assert "called Ann" in text_of(dpo.get(page))
    dpo.post(f"{page}/approve", page, token=ann[:8])
    text = text_of(dpo.get(page))
    assert "called Ann" not in text
    assert "approved" in text
    with told_by() as told:
        dpo.post(f"{page}/comment", page, comment="one more thing")
    assert [(event.code, event.outcome) for event in told] == []
    assert "the person was forgotten" in text_of(dpo.get(page))


def test_a_request_shows_who_did_what_about_the_clock(dpo: Visitor, change: str) -> None:
    otto, page = make_account("otto", "dpo").sign_in(), page_of(change)
    dpo.post(f"{page}/ask-identity", page, reason="an odd address")
    otto.post(f"{page}/verify-identity", page, reason="called the number that we know")
    otto.post(f"{page}/extend", page, reason="many requests")
    _, _, history = text_of(dpo.get(page)).partition("History")
    assert history.count("otto") == 2
    assert history.count("dora") == 1
    for words in ("an odd address", "called the number that we know", "many requests"):
        assert words in history
    assert b"called the number" not in bytes(Request.objects.get().reasons), "sealed"


def test_a_proof_wants_its_reason(dpo: Visitor, change: str) -> None:
    page = page_of(change)
    dpo.post(f"{page}/ask-identity", page, reason="odd")
    answer = dpo.post(f"{page}/verify-identity", page, reason="")
    assert answer.status_code == 422
    assert b'id="verify-identity-reason-error"' in answer.content
    assert Request.objects.get().verified is None


# --- what the person is told ------------------------------------------------------------------------------------------


def test_a_refusal_tells_what_the_law_wants(dpo: Visitor, api: Api, ann: str, change: str, settings: Any) -> None:
    settings.SUPERVISORY_AUTHORITY = "Data Protection Authority, 1 Example Street"
    page = page_of(change)
    assert NOTICE in text_of(dpo.get(page)), "before it is refused"
    dpo.post(f"{page}/refuse", page, reason="we don't know you")
    settings.SUPERVISORY_AUTHORITY = "another one"
    told = api.as_person(ann).get(f"/v1/request/{change}").json()
    assert told["reason"] == "we don't know you"
    assert NOTICE in told["notice"]
    assert told["notice"].endswith("Data Protection Authority, 1 Example Street"), "as it was told then"
    assert "Data Protection Authority, 1 Example Street" in text_of(dpo.get(page))


@pytest.mark.usefixtures("channels")
def test_the_person_reads_at_the_portal_what_can_be_done(dpo: Visitor, change: str, settings: Any) -> None:
    settings.SUPERVISORY_AUTHORITY = "Data Protection Authority, 1 Example Street"
    inside = come_in()
    dpo.post(f"{page_of(change)}/comment", page_of(change), comment="odd")
    dpo.post(f"{page_of(change)}/refuse", page_of(change), reason="we don't know you")
    text = text_of(inside.get(f"/my/requests/{change}"))
    for words in ("we don&#x27;t know you", NOTICE, "Data Protection Authority, 1 Example Street"):
        assert words in text
    assert text.count("supervisory authority") == 1
    assert "odd" not in text
    assert "made a note on a request of yours" in text_of(inside.get("/my/accesses"))


def test_the_notice_is_the_operators(dpo: Visitor, api: Api, change: str, settings: Any) -> None:
    settings.REFUSAL_NOTICE = "Write to our board."
    dpo.post(f"{page_of(change)}/refuse", page_of(change), reason="no")
    assert api.get(f"/v1/request/{change}").json()["notice"] == "Write to our board."


def test_who_takes_a_request_back_is_told_nothing(api: Api, ann: str, change: str) -> None:
    api.as_person(ann).delete(f"/v1/request/{change}")
    assert api.get(f"/v1/request/{change}").json()["notice"] == ""


def test_the_person_hears_of_it_by_mail(dpo: Visitor, change: str, settings: Any) -> None:
    page = page_of(change)
    settings.MAIL_LANGUAGE = "de"
    with mailing(settings) as taker:
        dpo.post(f"{page}/ask-identity", page, reason="an odd address")
        dpo.post(f"{page}/verify-identity", page, reason="a letter")
        dpo.post(f"{page}/extend", page, reason="many requests")
        dpo.post(f"{page}/refuse", page, reason="we don't know you")
        delivery.deliver_due()
    assert taker.recipients == [["ann@example.com"]] * 3, "of the proof, nobody has to hear"
    asked_for, longer, refused = (mail.get_content() for mail in taker.taken)
    assert "an odd address" in asked_for
    assert "many requests" in longer
    assert "we don't know you" in refused
    assert "Aufsichtsbehörde" in refused
    assert taker.taken[2]["Subject"] == "Ihr Antrag wurde abgelehnt"


@pytest.mark.parametrize("email", [None, "nowhere", "a@example.com, b@example.com"])
def test_whom_no_mail_reaches_reads_it_alone(dpo: Visitor, api: Api, settings: Any, email: str | None) -> None:
    settings.EMAIL_HOST, settings.EMAIL_FROM = "127.0.0.1", "dpo@example.com"
    token = api.create(login="bob", n=1, **({"email": email} if email else {}))
    rtoken = asked(api.as_person(token), "PUT", "/v1/user/login/bob", {"n": 2})
    dpo.post(f"{page_of(rtoken)}/refuse", page_of(rtoken), reason="no")
    assert waiting() == 0


def test_mail_can_be_left_to_others(dpo: Visitor, change: str, settings: Any) -> None:
    settings.EMAIL_HOST, settings.EMAIL_FROM, settings.REQUEST_MAIL = "127.0.0.1", "dpo@example.com", False
    dpo.post(f"{page_of(change)}/refuse", page_of(change), reason="no")
    assert waiting() == 0


def waiting() -> int:
    return Job.objects.filter(kind="mail").count()


# --- who may look -----------------------------------------------------------------------------------------------------


def test_an_auditor_reads_the_queue_and_sees_values_masked(dpo: Visitor, change: str) -> None:
    page = page_of(change)
    dpo.post(f"{page}/ask-identity", page, reason="Ann wrote from elsewhere")
    auditor = make_account("olga", "auditor").sign_in()
    assert "Change of the profile" in queue(auditor, "all")
    answer = auditor.get(page)
    assert answer.status_code == 200
    assert b"Ann wrote" not in answer.content
    assert b"<form" not in answer.content.partition(b"<main")[2].partition(b"</main>")[0], "read only"
    for step in ("approve", "refuse", "assign", "comment"):
        assert auditor.post(f"{page}/{step}", page, reason="no", comment="no", account="").status_code == 403


def test_an_auditors_access_token_sees_values_masked(api: Api, ann: str) -> None:
    rtoken = asked(api.as_person(ann), "PUT", "/v1/user/login/ann", {"name": {"first": "Anne"}})
    scope = scopes.make(allow=["auditor"])
    tokens.add_token(token="a" * 36, kind=TokenKind.ADMIN, scope=scope, label="auditor")
    auditor = Api("a" * 36)
    answer = auditor.get(f"/v1/request/{rtoken}")
    assert answer.status_code == 200
    assert b"Ann" not in answer.content
    assert api.get(f"/v1/request/{rtoken}").json()["change"] == {"name": {"first": "Anne"}}


def test_a_long_history_takes_few_queries(dpo: Visitor, change: str, django_assert_max_num_queries: Any) -> None:
    page = page_of(change)
    for number in range(30):
        dpo.post(f"{page}/comment", page, comment=f"thought {number}")
    with django_assert_max_num_queries(14):
        assert text_of(dpo.get(page)).count("thought") == 30
