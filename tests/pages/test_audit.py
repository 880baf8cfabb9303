"""The trail at the console: who sees what of it, how it is searched, and what is shown of one event."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit import search as search_module
from audit.models import Event
from audit.sealing import seal_everything
from audit.search import Search, search
from databunker.access.actor import Actor, ActorKind
from databunker.access.models import AccessToken, TokenKind
from databunker.access.scopes import EVERYTHING
from gdpr.events import PERSON_REVEALED, PROCESSING_RESTRICTED
from gdpr.queries import reveal_person
from tests.conftest import Api, new_token
from tests.support.requests import PROFILE
from vault.events import RECORD_CHANGED, RECORD_CREATED, RECORD_READ

from .conftest import Visitor, make_account, text_of


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(**PROFILE)


@pytest.fixture
def dpo(api: Api) -> Visitor:
    return make_account("dora", "dpo").sign_in()


@pytest.fixture
def auditor(api: Api) -> Visitor:
    return make_account("otto", "auditor").sign_in()


def lines(visitor: Visitor, query: str) -> list[dict[str, Any]]:
    """What a search finds, newest first."""
    answer: Any = visitor.get(f"/console/audit.jsonl?{query}")
    assert answer.status_code == 200
    return [json.loads(line) for line in b"".join(answer.streaming_content).splitlines()]


def newest(event_type: Any) -> str:
    return str(Event.objects.filter(type=event_type.number).order_by("-id")[0].id)


def test_events_are_found_by_what_who_whom_how_and_when(dpo: Visitor, api: Api, ann: str) -> None:
    bob = api.create(login="bob", n=1)
    shop = Api(new_token(TokenKind.ADMIN))
    number = AccessToken.objects.latest("pk").pk
    shop.get(f"/v1/user/token/{ann}")
    shop.get("/v1/user/login/nobody")
    assert [row["person"] for row in lines(dpo, "action=record.create")] == [bob, ann]
    assert [row["action"] for row in lines(dpo, f"person={ann}")] == ["record.read", "record.create"]
    of_shop = lines(dpo, f"who=admin&number={number}")
    assert [(row["action"], row["status"]) for row in of_shop] == [("record.read", "not_found"), ("record.read", "ok")]
    assert [row["event"] for row in lines(dpo, "status=not_found")] == [of_shop[0]["event"]]
    assert [row["event"] for row in lines(dpo, f"action=record.read&status=ok&who=admin&person={ann}")] == [
        of_shop[1]["event"]
    ]
    assert lines(dpo, "until=2020-01-01") == lines(dpo, "since=2199-01-01") == []
    assert len(lines(dpo, "since=2020-01-01&until=2199-12-31&action=record.create")) == 2


def test_the_page_shows_whose_it_was_and_who_did_it(dpo: Visitor, api: Api, ann: str) -> None:
    text = text_of(dpo.get("/console/audit?action=record.create"))
    assert "created the record" in text
    assert f"{ann[:8]}…" in text
    assert "test root token" in text, "by the label of the token"
    assert "ann@example.com" not in text
    own = text_of(dpo.get("/console/audit?action=audit.search"))
    assert "dora account" in own, "the name of an account"
    assert "There is no such event." in text_of(dpo.get("/console/audit?until=2020-01-01"))


@pytest.mark.parametrize(
    ("language", "created", "who", "denied"),
    [
        ("de", "Den Datensatz angelegt", "Root-Token", "verweigert"),
        ("fr", "Création de l’enregistrement", "jeton root", "refusé"),
        ("es", "Creación del registro de datos", "token raíz", "denegado"),
    ],
)
def test_events_are_told_in_the_language_of_the_page(
    dpo: Visitor, api: Api, ann: str, language: str, created: str, who: str, denied: str
) -> None:
    api.as_person(ann).get("/v1/user/token/" + api.create(login="bob", n=1))
    dpo.client.cookies["language"] = language
    page = dpo.get("/console/audit")
    assert created.lower() in text_of(page).lower()
    assert b'<span lang="en"' not in page.content
    event = text_of(dpo.get(f"/console/audit/{newest(RECORD_CREATED)}"))
    assert created in event
    assert who in event
    refused = text_of(dpo.get(f"/console/audit/{newest(RECORD_READ)}"))
    assert denied in refused
    row = next(row for row in lines(dpo, f"person={ann}") if row["action"] == "record.create")
    assert row["title"] == "created the record", "a file is for programs, and has the words of the API"


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("person=no-token", "valid UUID"),
        ("number=7", "Say of which kind the number is."),
        ("since=31.12.2026", "valid date"),
        ("since=2026-02-02&until=2026-02-01", "This is before the beginning."),
        ("action=nothing.like.it", "valid choice"),
    ],
)
def test_what_can_not_be_looked_for_is_told_at_the_field(dpo: Visitor, ann: str, query: str, told: str) -> None:
    answer = dpo.get(f"/console/audit?{query}")
    assert answer.status_code == 422
    assert told in text_of(answer)
    assert dpo.get(f"/console/audit.csv?{query}").status_code == 400


def test_a_person_is_found_by_an_identity_that_stands_in_no_address(auditor: Visitor, ann: str) -> None:
    found = auditor.post("/console/audit/find", mode="email", identity="ANN@example.com")
    assert (found.status_code, found["Location"]) == (303, f"/console/audit?person={ann}")
    missing = auditor.post("/console/audit/find", mode="email", identity="eve@example.com")
    assert missing.status_code == 422
    assert "Nobody has this." in text_of(missing)
    assert b'value="eve@example.com"' in missing.content, "what was typed is kept"


def test_who_looks_at_the_trail_stands_in_it(auditor: Visitor, ann: str) -> None:
    auditor.get("/console/audit?status=ok")
    auditor.get(f"/console/audit/{newest(RECORD_CREATED)}")
    codes = [row["action"] for row in lines(auditor, "who=account")]
    assert codes[:3] == ["audit.export", "audit.get", "audit.search"]


def test_one_event_shows_what_it_changed_and_its_proof(dpo: Visitor, api: Api, ann: str) -> None:
    api.put("/v1/user/login/ann", {"n": 2, "extra": "<b>new</b>"})
    event = newest(RECORD_CHANGED)
    early = dpo.get(f"/console/audit/{event}")
    assert "It is not sealed yet" in text_of(early)
    assert b"<del>1</del>" in early.content
    assert b"<ins>&lt;b&gt;new&lt;/b&gt;</ins>" in early.content
    seal_everything(tell=lambda _: None)
    assert "The event stands in the signed tree" in text_of(dpo.get(f"/console/audit/{event}"))
    proof: Any = dpo.get(f"/console/audit/{event}/proof.json")
    assert proof["Content-Disposition"] == f'attachment; filename="proof-{event}.json"'
    assert proof.json()["event"]["id"] == event
    assert "sealed" in text_of(dpo.get("/console/audit"))


@pytest.mark.parametrize("role", ["auditor", "support"])
def test_who_may_not_read_people_sees_which_fields_changed_and_no_value(role: str, api: Api, ann: str) -> None:
    api.put("/v1/user/login/ann", {"email": "new@example.com", "n": 234567})
    answer = make_account("sam", role).sign_in().get(f"/console/audit/{newest(RECORD_CHANGED)}")
    assert b"email" in answer.content
    for value in (b"234567", b"new@example.com", b"ann@example.com"):
        assert value not in answer.content
    assert b"<ins>***</ins>" in answer.content


@pytest.mark.parametrize("role", ["auditor", "support"])
def test_who_sees_values_masked_reads_no_reason_and_no_purpose(role: str, dpo: Visitor, api: Api, ann: str) -> None:
    visitor, path = make_account("sam", role).sign_in(), f"/v1/restriction/token/{ann}"
    assert api.post(path, {"ground": "accuracy", "reason": "told of her illness"}).status_code == 200
    officer = Actor(ActorKind.ACCOUNT, token_id=dpo.account, scope=EVERYTHING)
    reveal_person(officer, token=ann, purpose="her illness")
    pages = [f"/console/people/{ann}", f"/console/people/{ann}/trail"]
    pages += [f"/console/audit/{newest(event)}" for event in (PROCESSING_RESTRICTED, PERSON_REVEALED)]
    for page in pages:
        answer = visitor.get(page)
        assert answer.status_code == 200, page
        assert b"illness" not in answer.content, page
    assert b"illness" in dpo.get(pages[-1]).content


def test_an_event_that_was_changed_by_sql_is_marked(dpo: Visitor, api: Api, ann: str) -> None:
    event = newest(RECORD_CREATED)
    Event.objects.filter(id=event).update(outcome=2)
    assert "changed in the database" in text_of(dpo.get("/console/audit?action=record.create"))
    assert [row["intact"] for row in lines(dpo, "action=record.create")] == [False]
    assert "says nothing that can be relied on" in text_of(dpo.get(f"/console/audit/{event}"))


def test_a_forgotten_persons_events_stay_and_say_no_more_who(dpo: Visitor, api: Api, ann: str) -> None:
    api.delete(f"/v1/user/token/{ann}")
    rows = lines(dpo, f"person={ann}")
    assert {"record.create", "record.forget"} <= {row["action"] for row in rows}
    assert "Ann" not in json.dumps(rows)
    answer = dpo.get(f"/console/audit/{newest(RECORD_CREATED)}")
    assert answer.status_code == 200
    assert b"ann" not in answer.content


def test_a_csv_file_has_no_formula_and_no_identity(dpo: Visitor, ann: str) -> None:
    answer: Any = dpo.get("/console/audit.csv?action=record.create")
    header, row = b"".join(answer.streaming_content).decode().strip().splitlines()
    assert header.lstrip("\ufeff").startswith("event,time,who,number,action")
    assert ann in row
    assert "ann@example.com" not in row


def test_pages_of_a_search_follow_each_other_without_gap(dpo: Visitor, api: Api) -> None:
    tokens = [api.create(login=f"p{number}") for number in range(7)]
    wanted = Search(type=RECORD_CREATED.number)
    found, before = [], None
    for _ in range(4):
        page = search(wanted, tenant=1, before=before, limit=2)
        found += page.events
        before = page.older
    assert before is None
    assert [event.id for event in found] == sorted((event.id for event in found), reverse=True)
    assert len(found) == len(tokens)


def test_a_look_ends_after_a_window_and_goes_on_from_there(
    dpo: Visitor, api: Api, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(12):
        api.get(f"/v1/user/token/{ann}")
    monkeypatch.setattr(search_module, "WINDOW", 5)
    wanted = Search(actor_kind=ActorKind.ROOT, actor_token=1 << 40, type=RECORD_CREATED.number)
    assert search(wanted, tenant=1, limit=50).older is None, "an index says that there is none at all"
    scanned = Search(actor_kind=ActorKind.ROOT, type=RECORD_CREATED.number, outcome=None, since=1)
    assert len(search(scanned, tenant=1, limit=50).events) == 1
    before, looks, found = None, 0, []
    slow = Search(actor_kind=ActorKind.ROOT, since=1)
    while True:
        page = search(slow, tenant=1, before=before, limit=3)
        found += [event.id for event in page.events]
        looks += 1
        before = page.older
        if before is None:
            break
    assert len(found) == len(set(found)) == Event.objects.filter(actor_kind=ActorKind.ROOT).count()
    assert looks > 3


def test_a_page_of_fifty_rows_takes_few_queries(dpo: Visitor, api: Api) -> None:
    for number in range(60):
        api.create(login=f"p{number}")
    seal_everything(tell=lambda _: None)
    with CaptureQueriesContext(connection) as queries:
        answer = dpo.get("/console/audit?since=2020-01-01")
    assert answer.content.count(b'<th scope="row">') == 50
    statements = [one["sql"] for one in queries if "SAVEPOINT" not in one["sql"]]
    assert len(statements) <= 10, "\n".join(statements)
