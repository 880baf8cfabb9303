"""Somebody who can write to the database but has no key: nothing is gained by it."""

from __future__ import annotations

import time

import pytest
from django.test import Client

from audit.models import Event
from databunker.access import tokens
from databunker.access.models import AccessToken, TokenKind
from gdpr.models import ActivityBasis, LegalBasis, ProcessingActivity
from tests.conftest import Api, new_token
from vault.models import Identity, Session, SharedRecord

SESSION = "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"


@pytest.fixture
def ann(api: Api) -> str:
    return api.create(login="ann", email="ann@example.com", secret="only-anns")


def _row(caller: Api) -> AccessToken:
    return AccessToken.objects.get(digest=tokens.token_digest(caller.token or ""))


@pytest.mark.parametrize(
    "change",
    [
        {"kind": TokenKind.ROOT, "subject": None},
        {"kind": TokenKind.ADMIN, "subject": None},
        {"expires": None},
        {"tenant": 2},
    ],
)
def test_a_token_is_given_no_more_than_it_was_issued_for(api: Api, ann: str, change: dict[str, object]) -> None:
    ben = Api(new_token(TokenKind.PERSON, person=api.create(login="ben"), expires=int(time.time()) + 600))
    AccessToken.objects.filter(pk=_row(ben).pk).update(**change)
    assert ben.get(f"/v1/user/token/{ann}").status_code == 403
    assert ben.get("/v1/user/login/ben").status_code == 403, "a token whose row was changed is none"


def test_a_persons_token_is_not_turned_to_somebody_else(api: Api, ann: str) -> None:
    ben = api.as_person(api.create(login="ben"))
    AccessToken.objects.filter(pk=_row(ben).pk).update(subject=_row(api.as_person(ann)).subject)
    assert ben.get(f"/v1/user/token/{ann}").status_code == 403


def test_a_revoked_token_does_not_come_back(api: Api, ann: str) -> None:
    caller = Api(new_token(TokenKind.ADMIN))
    assert tokens.revoke_token(_row(caller).pk, tenant=1)
    AccessToken.objects.filter(pk=_row(caller).pk).update(revoked=None)
    assert caller.get(f"/v1/user/token/{ann}").status_code == 403


def test_an_identity_is_not_given_to_another_record(api: Api, ann: str) -> None:
    api.create(login="ben", email="ben@example.com")
    of_ann = Identity.objects.filter(field="login").first()
    assert of_ann is not None
    subject = Identity.objects.get(digest=of_ann.digest).subject
    Identity.objects.filter(field="email").update(subject=subject)
    for email in ("ann@example.com", "ben@example.com"):
        answer = api.get(f"/v1/user/email/{email}")
        assert answer.status_code in (200, 500)
        if answer.status_code == 200:
            assert answer.json()["data"]["email"] == email, "only whose it was is found by it"


def test_nothing_that_has_ended_is_given_more_time(api: Api, ann: str) -> None:
    api.post(f"/v1/session/{SESSION}", {"login": "ann", "expiration": "60s"})
    record = api.post("/v1/sharedrecord/login/ann", {"fields": "secret", "expiration": "60s"}).json()["record"]
    for model in (Session, SharedRecord):
        assert model.objects.update(expires=int(time.time()) + 10**6) == 1
    for path in (f"/v1/session/{SESSION}", f"/v1/get/{record}"):
        answer = api.get(path)
        assert answer.status_code == 500
        assert b"only-anns" not in answer.content


@pytest.mark.parametrize("change", [{"at": 1}, {"type": 103}, {"outcome": 2}, {"actor_token": 99}, {"mac": bytes(32)}])
def test_a_changed_event_is_not_shown_as_if_nothing_had_happened(api: Api, ann: str, change: dict[str, object]) -> None:
    api.get(f"/v1/user/token/{ann}")
    event = Event.objects.order_by("-id").first()
    assert event is not None
    assert api.get(f"/v1/audit/get/{event.id}").status_code == 200
    Event.objects.filter(pk=event.pk).update(**change)
    for path in (f"/v1/audit/get/{event.id}", f"/v1/audit/list/{ann}?limit=100"):
        assert api.get(path).status_code == 500


def test_an_event_is_not_given_to_another_person(api: Api, ann: str) -> None:
    ben = api.create(login="ben")
    api.get(f"/v1/user/token/{ann}")
    event = Event.objects.order_by("-id").first()
    assert event is not None
    of_ben = Event.objects.exclude(subject=event.subject).exclude(subject=None).first()
    assert of_ben is not None
    Event.objects.filter(pk=event.pk).update(subject=of_ben.subject)
    assert api.get(f"/v1/audit/list/{ben}?limit=100").status_code == 500


RUN = "https://stats.example.com/count.js"


@pytest.fixture
def counting(api: Api) -> None:
    for brief in ("count", "basket"):
        assert api.post(f"/v1/lbasis/{brief}", {"module": "cookie-popup"}).status_code == 200
    assert api.post("/v1/pactivity/counting", {"script": RUN, "legalbasis": "count"}).status_code == 200
    assert api.post("/v1/pactivity/selling", {"script": "go()"}).status_code == 200


def _run(api: Api) -> tuple[int, object]:
    """What sites are told to run."""
    answer = api.get("/v1/sys/cookiesettings")
    popup = Client(raise_request_exception=False, HTTP_HOST="localhost").get("/cookies.js")
    assert answer.status_code == popup.status_code
    return answer.status_code, answer.json().get("scripts")


def _link(activity: str, brief: str) -> dict[str, int]:
    return {
        "tenant": 1,
        "activity": ProcessingActivity.objects.get(activity=activity).id,
        "basis": LegalBasis.objects.get(brief=brief).id,
    }


def test_no_site_runs_what_nobody_has_said(api: Api, counting: None) -> None:
    assert _run(api) == (200, [{"script": RUN, "briefs": ["count"]}])
    ProcessingActivity.objects.filter(activity="counting").update(script="evil()")
    assert _run(api)[0] == 500
    assert api.post("/v1/pactivity/counting", {"title": "Counts"}).status_code == 500, "nor is it made good by a change"
    assert api.post("/v1/pactivity/counting/basket").status_code == 500
    assert api.post("/v1/pactivity/counting", {"script": RUN}).status_code == 200
    assert _run(api) == (200, [{"script": RUN, "briefs": ["count"]}])


def test_nor_the_script_of_another_activity(api: Api, counting: None) -> None:
    other = ProcessingActivity.objects.get(activity="selling")
    ProcessingActivity.objects.filter(activity="counting").update(script=other.script, mac=other.mac)
    assert _run(api)[0] == 500


def test_nor_on_a_legal_basis_that_nobody_has_linked(api: Api, counting: None) -> None:
    link = ActivityBasis.objects.get()
    ActivityBasis.objects.create(**_link("selling", "basket"), mac=link.mac)
    assert _run(api)[0] == 500
    assert api.post("/v1/pactivity/selling/basket").status_code == 200, "who may do so links it indeed"
    assert _run(api)[0] == 200
    ActivityBasis.objects.filter(pk=link.pk).update(basis=_link("counting", "basket")["basis"])
    assert _run(api)[0] == 500
    assert api.delete("/v1/pactivity/counting/basket").status_code == 200
    assert _run(api) == (200, [{"script": "go()", "briefs": ["basket"]}])
