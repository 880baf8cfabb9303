"""What there is of a person beside the profile, on pages of its own: masked, told of, and by few queries."""

from __future__ import annotations

import datetime as dt
import re
import uuid
from typing import Any

import pytest

from databunker.access.models import TokenKind
from gdpr.events import PERSON_REVEALED
from gdpr.models import ExercisedRight, Expiration
from tests.api.helpers import told_by
from tests.conftest import Api, new_token
from vault.events import RECORD_CREATED

from .conftest import Visitor, make_account, text_of

TABS = ["", "/data", "/agreements", "/requests", "/rights", "/trail"]


@pytest.fixture
def root(vault: None) -> Api:
    return Api(new_token(TokenKind.ROOT))


@pytest.fixture
def ann(root: Api) -> str:
    """Somebody with something of everything, and more than one of each."""
    token = root.create(login="ann", email="ann@example.com", name="Ann Example")
    for n in range(4):
        root.post(f"/v1/userapp/token/{token}/shop{n}", {"address": "1 Long Road", "orders": n})
        root.post(f"/v1/session/{uuid.uuid4()}", {"login": "ann", "browser": "Lynx", "n": n})
        root.post(f"/v1/lbasis/news{n}", {"basistype": "consent", "usercontrol": True})
        root.post(f"/v1/agreement/news{n}/token/{token}", {"agreementmethod": "web-form"})
        root.delete(f"/v1/agreement/news{n}/token/{token}")
    root.post("/v1/lbasis/profiling", {"basistype": "legitimate-interest"})
    root.post(f"/v1/sharedrecord/token/{token}", {"partner": "courier", "fields": "name"})
    root.as_person(token).delete(f"/v1/user/token/{token}")
    return token


@pytest.fixture
def officer(vault: None) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def test_the_fixture_has_something_for_each_page(officer: Visitor, ann: str) -> None:
    page = text_of(officer.get(f"/console/people/{ann}/data"))
    for word in ("shop0", "shop3", "browser: ***", "courier", "Where the person is signed in"):
        assert word in page
    assert "The person is signed in nowhere." not in page
    assert "Long Road" not in page
    assert "Lynx" not in page
    page = text_of(officer.get(f"/console/people/{ann}/agreements"))
    for word in ("news0", "news3", "not agreed, or withdrawn", "agreed", "web-form"):
        assert word in page
    assert "Forget me" in text_of(officer.get(f"/console/people/{ann}/requests"))


@pytest.mark.parametrize("tab", TABS)
def test_each_page_of_a_person_takes_few_queries(
    officer: Visitor, ann: str, tab: str, django_assert_max_num_queries: Any
) -> None:
    path = f"/console/people/{ann}{tab}"
    officer.get(path)
    with django_assert_max_num_queries(10):
        assert officer.get(path).status_code == 200


@pytest.mark.parametrize(
    ("tab", "code"),
    [
        ("", "person.look"),
        ("/data", "person.data"),
        ("/agreements", "agreement.list"),
        ("/requests", "request.list"),
        ("/rights", "person.look"),
        ("/trail", "audit.list"),
    ],
)
def test_each_look_leaves_an_event_with_the_account(officer: Visitor, ann: str, tab: str, code: str) -> None:
    with told_by() as told:
        officer.get(f"/console/people/{ann}{tab}")
    (event,) = [event for event in told if event.code == code]
    assert (event.who, event.outcome) == ("account", "ok")


def test_who_has_seen_what_is_told_newest_first(officer: Visitor, ann: str) -> None:
    for n in range(25):
        officer.post(f"/console/people/{ann}/reveal", purpose=f"call {n}", everything="1")
    page = text_of(officer.get(f"/console/people/{ann}/trail"))
    assert "The newest 20 events." in page
    assert "dora account" in page
    assert "call 24" in page
    assert "call 1 " not in page
    assert f"/console/audit?person={ann}" in officer.get(f"/console/people/{ann}/trail").content.decode()


def test_support_looks_further_back_over_all_that_was_done(officer: Visitor, ann: str) -> None:
    for n in range(25):
        officer.post(f"/console/people/{ann}/reveal", purpose=f"call {n}", everything="1")
    visitor, path, seen = make_account("sue", "support").sign_in(), f"/console/people/{ann}/trail", []
    further = [""]
    while further:
        html = visitor.get(path + further[0]).content.decode()
        seen += re.findall(r'href="/console/audit/([0-9a-f-]{36})"[^>]*>([^<]*)<', html)
        further = re.findall(r'rel="next" [^>]*href="(\?before=[^"]*)"', html)
    titles = [title for _, title in seen]
    assert titles.count(PERSON_REVEALED.title) == 25
    assert titles[-1] == RECORD_CREATED.title
    assert len(seen) == len(dict(seen))
    assert "The newest" not in html
    assert f'href="{path}">Newest</a>' in html
    assert visitor.get(f"{path}?before=nothing").status_code == 200


def test_support_sees_masked_parts_and_no_way_to_more(ann: str) -> None:
    visitor = make_account("sue", "support").sign_in()
    page = text_of(visitor.get(f"/console/people/{ann}/data"))
    assert "shop0" in page
    assert "courier" not in page
    assert "See it in clear" not in page
    assert "web-form" not in text_of(visitor.get(f"/console/people/{ann}/agreements"))
    assert visitor.post(f"/console/people/{ann}/data/reveal", app="shop0", purpose="why").status_code == 403
    assert "/console/audit?person=" not in visitor.get(f"/console/people/{ann}/trail").content.decode()


def test_application_data_is_revealed_for_a_purpose(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}/data/reveal"
    assert officer.post(path, app="shop1", purpose="").status_code == 422
    with told_by() as told:
        page = text_of(officer.post(path, app="shop1", purpose="a lost parcel"))
    assert page.count("1 Long Road") == 1
    (event,) = [event for event in told if event.code == "person.reveal_app"]
    assert event.detail == {"purpose": "a lost parcel", "app": "shop1"}
    assert officer.post(path, app="nothing", purpose="a lost parcel").status_code == 404


def test_an_objection_is_put_down_and_withdrawn(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}"
    assert '<option value="news0">' not in officer.get(f"{path}/rights").content.decode()
    assert officer.post(f"{path}/object", brief="profiling", reason="by letter").status_code == 303
    answer = officer.get(f"{path}/rights")
    (choices,) = re.findall(r'(?s)<select name="brief"[^>]*id="take-back-brief".*?</select>', answer.content.decode())
    assert re.findall(r'value="(\w*)"', choices) == ["profiling"]
    assert "by letter" in text_of(answer)
    again = officer.post(f"{path}/object", brief="profiling", reason="typed twice")
    assert again.status_code == 422
    assert "there is this objection already" in text_of(again)
    assert "typed twice" in again.content.decode()
    assert officer.post(f"{path}/object", brief="news0").status_code == 422
    assert officer.post(f"{path}/object/withdraw", brief="profiling").status_code == 303
    assert not ExercisedRight.objects.exists()


def test_an_end_is_set_and_cancelled_with_a_reason(officer: Visitor, ann: str) -> None:
    path = f"/console/people/{ann}"
    day = dt.datetime.now(tz=dt.UTC).date() + dt.timedelta(days=30)
    wrong = officer.post(f"{path}/expire", day=day.isoformat(), reason="")
    assert wrong.status_code == 422
    assert f'value="{day.isoformat()}"' in wrong.content.decode()
    for typed, told in [
        ("2020-01-01", "This day is over already."),
        ("2999-01-01", "Nobody is kept for so long"),
        ("soon", "Enter a valid date."),
    ]:
        assert told in text_of(officer.post(f"{path}/expire", day=typed, reason="contract ended"))
    assert not Expiration.objects.exists()
    with told_by() as told:
        assert officer.post(f"{path}/expire", day=day.isoformat(), reason="contract ended").status_code == 303
    (event,) = [event for event in told if event.code == "retention.start"]
    assert event.detail["message"] == "contract ended"
    end = dt.datetime.combine(day + dt.timedelta(days=1), dt.time(), tzinfo=dt.UTC)
    assert Expiration.objects.get().endtime == int(end.timestamp())
    assert "the person is forgotten then" in text_of(officer.get(path))
    assert officer.post(f"{path}/expire/cancel", reason=" ").status_code == 422
    with told_by() as told:
        assert officer.post(f"{path}/expire/cancel", reason="a new contract").status_code == 303
    (event,) = [event for event in told if event.code == "retention.cancel"]
    assert event.detail["message"] == "a new contract"
    assert not Expiration.objects.exists()


def test_pages_of_somebody_forgotten_show_what_is_left(officer: Visitor, ann: str) -> None:
    officer.post(f"/console/people/{ann}/erase", token=ann[:8])
    for tab in TABS:
        answer = officer.get(f"/console/people/{ann}{tab}")
        assert answer.status_code == 200, tab
        assert "Long Road" not in text_of(answer)
    assert "No application keeps anything about this person." in text_of(officer.get(f"/console/people/{ann}/data"))
