"""The first page: true numbers, each with the way to its list, for those who may see that, at a bounded price."""

from __future__ import annotations

import datetime as dt
import itertools
import re
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from databunker.access.actor import ActorKind
from databunker.access.models import TokenKind
from databunker.crypto.models import WrappedKey
from databunker.db.counting import Count, counts_of
from databunker.ids import unix_now
from databunker.notify.models import Job, JobState
from databunker.pages import charts
from databunker.watch.models import Incident, IncidentKind, Reading
from gdpr.models import Expiration, Request, TaskRun
from gdpr.queries import deadlines, overview
from tests.api.helpers import told_by
from tests.conftest import Api, new_token
from tests.support.requests import a_request, asked
from vault.models import Record

from .conftest import Visitor, make_account, text_of

DAY = 86_400
DASHBOARD = "/console/"


@pytest.fixture
def root(vault: None) -> Api:
    return Api(new_token(TokenKind.ROOT))


@pytest.fixture
def officer(vault: None) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def figures_of(answer: Any) -> dict[str, tuple[str, str]]:
    """By its label: each number and where it leads to."""
    found = re.findall(
        r'<a class="card figure[^"]*" href="([^"]*)"><span class="value">([^<]*)</span><span class="label">([^<]*)<',
        answer.content.decode(),
    )
    return {label: (value, link) for link, value, label in found}


def numbers_of(html: str) -> list[tuple[str, str]]:
    """What stands in cells of numbers, but for zeros of charts, and where each leads to (empty: nowhere)."""
    cells = re.findall(r'(?s)<td class="number"[^>]*>(.*?)</td>', html)
    found = [(re.sub(r"<[^>]+>", "", cell), *re.findall(r'href="([^"]*)"', cell), "")[:2] for cell in cells]
    return [(number, link.replace("&amp;", "&")) for number, link in found if link or number != "0"]


def test_open_requests_stand_by_their_deadline(root: Api, officer: Visitor) -> None:
    a_request(root, "late", made=60)
    a_request(root, "later still", made=90)
    a_request(root, "soon", made=27)
    a_request(root, "young", made=1)
    a_request(root, "extended", made=50, extended=unix_now() - 40 * DAY)
    a_request(root, "doubted", made=60, asked=unix_now() - 50 * DAY, state=2)
    figures = figures_of(officer.get(DASHBOARD))
    assert figures["overdue"][0] == "2"
    assert figures["due within 7 days"][0] == "1"
    assert figures["due later"][0] == "2"
    assert figures["wait for proof of identity"] == ("1", "/console/requests?status=awaiting-identity")
    for label in ("overdue", "due within 7 days", "due later", "wait for proof of identity"):
        number, link = figures[label]
        listed = officer.get(link).content.decode()
        assert listed.count('<tr>\n<th scope="row">') == int(number), label
    extended = officer.get("/console/requests?due=later").content.decode()
    assert '<option value="later" selected>' in extended
    assert officer.get("/console/requests?due=never&status=approved").status_code == 200


def test_requests_are_charted_by_week_and_kind_with_a_table_beside(root: Api, officer: Visitor) -> None:
    assert "Nobody has asked for anything in the last 12 weeks." in text_of(officer.get(DASHBOARD))
    a_request(root, "old", made=12 * 7 + 1)
    a_request(root, "closed", made=10, decided=unix_now() - 6 * DAY - 60, state=3)
    a_request(root, "closed too", made=30, decided=unix_now() - 10 * DAY, state=5)
    a_request(root, "young", made=0)
    answer = officer.get(DASHBOARD)
    html = answer.content.decode()
    assert 'aria-label="Requests a week"' in html
    monday = dt.datetime.now(tz=dt.UTC).date()
    monday -= dt.timedelta(days=monday.weekday())
    row = html[html.index(f'<th scope="row">{monday:%-d %b}</th>') :]
    assert len(numbers_of(row[: row.index("</tr>")])) == 1
    numbers = numbers_of(html[html.index("As a table") : html.index("</details>")])
    assert [number for number, _ in numbers] == ["1"] * 3
    for _, link in numbers:
        assert officer.get(link).content.decode().count('<tr>\n<th scope="row">') == 1
    assert (
        officer.get("/console/requests?status=all&week=nothing").content.decode().count('<tr>\n<th scope="row">') == 4
    )
    assert figures_of(answer)["median time to a decision, last 12 weeks"][0] == "12.0 days"


def test_consents_are_counted_by_legal_basis(root: Api, officer: Visitor) -> None:
    assert "No consent is asked for." in text_of(officer.get(DASHBOARD))
    root.post("/v1/lbasis/news", {"basistype": "consent", "usercontrol": True})
    root.post("/v1/lbasis/contract", {"basistype": "contract"})
    for n in range(3):
        person = root.create(login=f"p{n}")
        root.post(f"/v1/agreement/news/token/{person}", {})
    root.delete(f"/v1/agreement/news/token/{person}")
    html = officer.get(DASHBOARD).content.decode()
    table = html[html.index('id="consents"') :]
    numbers = numbers_of(table[: table.index("</section>")])
    assert [number for number, _ in numbers] == ["2", "1"]
    assert "contract" not in table[: table.index("</section>")]
    assert [officer.get(link).status_code for _, link in numbers] == [200] * 2


def test_whose_time_is_over_soon_is_counted_and_listed(root: Api, officer: Visitor) -> None:
    for n, days in enumerate((5, 29, 31)):
        person = root.create(login=f"p{n}", email=f"p{n}@example.com")
        root.post(f"/v1/exp/start/token/{person}", {"expiration": f"{days}d"})
    figures = figures_of(officer.get(DASHBOARD))
    value, link = figures["people&#x27;s time is over in the next 30 days"]
    assert (value, link) == ("2", "/console/people/ending")
    with told_by() as told:
        answer = officer.get(link)
    page = text_of(answer)
    assert page.count("p***@e***.com") == 2
    assert "p0@example.com" not in page
    assert [event.who for event in told if event.code == "retention.list"] == ["account", "account"]


def test_the_list_of_ends_has_pages_and_an_empty_state(
    root: Api, officer: Visitor, django_assert_max_num_queries: Any
) -> None:
    assert "Nobody's time is over" in text_of(officer.get("/console/people/ending"))
    for n in range(52):
        root.post(f"/v1/exp/start/token/{root.create(login=f'p{n}')}", {"expiration": "5d"})
    with django_assert_max_num_queries(10):
        first = officer.get("/console/people/ending")
    assert first.content.decode().count("<tr>") == 51
    assert 'href="?page=2"' in first.content.decode()
    second = officer.get("/console/people/ending?page=2").content.decode()
    assert second.count("<tr>") == 3
    assert 'rel="next"' not in second


def test_reading_and_what_was_unusual_are_told(officer: Visitor) -> None:
    today = unix_now() // DAY * DAY
    assert "Nothing unusual in the last 30 days." in text_of(officer.get(DASHBOARD))
    for token in (7, 8):
        Reading.objects.create(
            tenant=1, actor_kind=ActorKind.ADMIN, token_id=token, seconds=DAY, start=today, people=20, sketch=b""
        )
    Reading.objects.create(
        tenant=1, actor_kind=ActorKind.ACCOUNT, token_id=1, seconds=DAY, start=today - 13 * DAY, people=3, sketch=b""
    )
    Incident.objects.create(
        tenant=1, kind=IncidentKind.DAY, actor_kind=ActorKind.ADMIN, token_id=7, start=today, last=unix_now(),
        people=900, usual=30,
    )  # fmt: skip
    html = officer.get(DASHBOARD).content.decode()
    chart = html[html.index("People read in a day") :]
    assert ", application: 40</title>" in chart
    assert ", account: 3</title>" in chart
    assert "unusually many people in a day" in html
    link = f"/console/incidents/{Incident.objects.get().pk}"
    assert f'href="{link}"' in html
    assert officer.get(link).status_code == 200


def test_people_and_those_forgotten_are_counted(root: Api, officer: Visitor) -> None:
    for n in range(3):
        person = root.create(login=f"p{n}")
    root.delete(f"/v1/user/token/{person}")
    figures = figures_of(officer.get(DASHBOARD))
    assert figures["people in the vault"][0] == "3"
    value, link = figures["forgotten in the last 30 days"]
    assert value == "1"
    assert person[:8] in text_of(officer.get(link.replace("&amp;", "&")))


def test_the_vaults_own_state_is_told(officer: Visitor) -> None:
    assert "Messages to send in order" in text_of(officer.get(DASHBOARD))
    job = Job(
        id="00000000-0000-7000-8000-000000000001", tenant=1, kind="webhook", topic="x", generation=0, key_id=1,
        payload=b"x", state=JobState.DEAD, next_attempt=unix_now(), created=unix_now(),
    )  # fmt: skip
    job.save(force_insert=True)
    assert "Messages to send some were given up" in text_of(officer.get(DASHBOARD))
    Job.objects.update(state=JobState.DUE, next_attempt=unix_now() - 3600)
    assert "Messages to send wait: does the scheduler run?" in text_of(officer.get(DASHBOARD))
    assert "Jobs none has run lately" in text_of(officer.get(DASHBOARD))
    now = unix_now()
    TaskRun.objects.create(name="people", started=now, ended=now, done=0, complete=True)
    assert "Jobs in order" in text_of(officer.get(DASHBOARD))
    TaskRun.objects.update(outcome="Tampered")
    assert "Jobs some fail" in text_of(officer.get(DASHBOARD))
    assert "Keys in order" in text_of(officer.get(DASHBOARD))
    WrappedKey.objects.update(created=unix_now() - 20 * 366 * DAY)
    assert "Keys older than they may be" in text_of(officer.get(DASHBOARD))


@pytest.mark.parametrize(
    ("role", "shown", "hidden"),
    [
        ("support", ["Requests a week", "time is over"], ["Consents", "Unusual access", "Messages to send"]),
        ("auditor", ["Requests a week", "Consents", "Unusual access", "Messages to send"], ["time is over"]),
    ],
)
def test_each_role_sees_the_numbers_of_what_it_may_see(
    root: Api, role: str, shown: list[str], hidden: list[str]
) -> None:
    page = text_of(make_account("sue", role).sign_in().get(DASHBOARD))
    assert [word for word in shown if word not in page] == []
    assert [word for word in hidden if word in page] == []


@pytest.mark.parametrize("role", ["admin", "dpo", "auditor", "support"])
def test_every_number_leads_to_a_list_that_its_reader_may_see(root: Api, role: str) -> None:
    person = root.create(login="ann")
    asked(root.as_person(person), "DELETE", f"/v1/user/token/{person}")
    root.post("/v1/lbasis/news", {"basistype": "consent", "usercontrol": True})
    root.post(f"/v1/agreement/news/token/{person}", {})
    root.post(f"/v1/exp/start/token/{person}", {"expiration": "5d"})
    unusual_reading()
    visitor = make_account("sue", role).sign_in()
    answer = visitor.get(DASHBOARD)
    assert '<div class="card figure' not in answer.content.decode()
    numbers = [*figures_of(answer).values(), *numbers_of(answer.content.decode())]
    assert len(numbers) > 4
    for number, link in numbers:
        assert link, number
        assert visitor.get(link.replace("&amp;", "&")).status_code == 200, link


def unusual_reading() -> None:
    """What an application has read today, and an incident of it."""
    today = unix_now() // DAY * DAY
    Reading.objects.create(
        tenant=1, actor_kind=ActorKind.ADMIN, token_id=7, seconds=DAY, start=today, people=20, sketch=b""
    )
    Incident.objects.create(
        tenant=1, kind=IncidentKind.DAY, actor_kind=ActorKind.ADMIN, token_id=7, start=today, last=unix_now(),
        people=900, usual=30,
    )  # fmt: skip


@pytest.mark.parametrize(("mode", "role", "link"), [
    ("off", "admin", "/console/people"), ("unlock", "admin", "/console/people/all"), ("unlock", "dpo", "/console/people")
])  # fmt: skip
def test_people_in_the_vault_are_listed_where_that_is_allowed(
    root: Api, settings: Any, mode: str, role: str, link: str
) -> None:
    settings.LIST_USERS = mode
    visitor = make_account("sue", role).sign_in()
    assert figures_of(visitor.get(DASHBOARD))["people in the vault"] == ("0", link)
    assert visitor.get(link).status_code == 200


def test_the_day_of_an_end_leads_to_its_page_of_the_list(root: Api, officer: Visitor) -> None:
    for n in range(51):
        root.post(f"/v1/exp/start/token/{root.create(login=f'p{n}')}", {"expiration": "5d" if n else "9d"})
    links = [link for _, link in numbers_of(officer.get(DASHBOARD).content.decode())]
    assert list(dict.fromkeys(links)) == [f"/console/people/ending?page={page}" for page in (1, 2)]


def test_the_vaults_own_state_leads_to_its_pages(root: Api, admin: Visitor) -> None:
    html = admin.get(DASHBOARD).content.decode()
    facts = html[html.index('id="upkeep"') :]
    links = re.findall(r'<dt><a href="([^"]*)"', facts[: facts.index("</section>")])
    assert links == ["/console/audit", "/console/keys", "/console/jobs", "/console/messages"]
    assert [admin.get(link).status_code for link in links] == [200] * 4


def test_nobody_elses_vault_is_counted(root: Api, officer: Visitor) -> None:
    root.create(login="ann")
    for model in (Record, Expiration, Request):
        model.objects.update(tenant=2)
    assert figures_of(officer.get(DASHBOARD))["people in the vault"][0] == "0"


def test_counts_stop_at_their_bound(root: Api) -> None:
    for n in range(4):
        root.create(login=f"p{n}")
    everybody = Record.objects.filter(tenant=1).order_by("-id")
    found = counts_of({"all": everybody, "none": Record.objects.filter(tenant=2)}, most=4)
    assert found == {"all": Count(4), "none": Count(0)}
    assert counts_of({"all": everybody}, most=3) == {"all": Count(3, more=True)}
    assert counts_of({}, most=3) == {}


def test_a_number_says_that_there_are_more(root: Api, officer: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    for n in range(3):
        a_request(root, f"p{n}", made=60)
    monkeypatch.setattr(deadlines, "MOST_OPEN", 2)
    monkeypatch.setattr(overview, "MOST_PEOPLE", 2)
    answer = officer.get(DASHBOARD)
    assert figures_of(answer)["overdue"][0] == "2+"
    assert figures_of(answer)["people in the vault"][0] == "2+"


def test_the_price_does_not_grow_with_the_vault(root: Api, officer: Visitor) -> None:
    def price() -> int:
        with CaptureQueriesContext(connection) as context:
            assert officer.get(DASHBOARD).status_code == 200
        return len(context)

    officer.get(DASHBOARD)
    before = price()
    for n in range(10):
        a_request(root, f"p{n}", made=n)
        root.post(f"/v1/lbasis/news{n}", {"basistype": "consent"})
    # Counts of all legal bases are one statement, which an empty vault has no need of.
    assert price() <= before + 1 <= 17


@pytest.mark.parametrize("highest", [0, 1, 4, 5, 9, 10, 11, 13, 99, 100, 101, 4_321, 1_000_000])
def test_lines_of_a_chart_are_whole_numbers_and_reach_above_the_highest(highest: int) -> None:
    labels = [tick.label for tick in charts.bars("A chart", ["a"], [charts.Series("one", [highest])]).ticks]
    numbers = [int(label) for label in labels]
    assert numbers[0] == 0
    assert numbers[-1] >= highest
    assert len({later - sooner for sooner, later in itertools.pairwise(numbers)}) == 1
