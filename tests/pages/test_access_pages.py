"""What is under "Access" at the console: who may come in by which token, and what is in force."""

from __future__ import annotations

import datetime as dt
import functools
import re
import uuid
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import Event
from databunker.access.actor import ActorKind, operator
from databunker.access.models import AccessToken, TokenKind
from databunker.crypto import store
from databunker.crypto.keyring import Purpose
from databunker.crypto.models import WrappedKey
from databunker.ids import unix_now
from databunker.keys import rewrap_all, rotate_key
from databunker.keys.events import KEY_RETIRED, KEY_ROTATED
from databunker.notify import outbox
from databunker.notify.delivery import deliver_due
from databunker.notify.models import Job, JobState
from databunker.settings.environment import SETTINGS
from databunker.watch.events import INCIDENT_ACKNOWLEDGED
from databunker.watch.models import Incident, IncidentKind
from gdpr import maintenance, task_runs
from gdpr.maintenance import Task
from gdpr.models import TaskRun
from tests.conftest import Api, new_token
from vault.events import NOTIFICATIONS_DROPPED, TOKEN_ISSUED, TOKEN_REVOKED

from .conftest import Visitor, make_account, text_of


@pytest.fixture
def dpo(api: Api) -> Visitor:
    return make_account("dora", "dpo").sign_in()


def made(visitor: Visitor, **fields: Any) -> tuple[int, str]:
    """The number and the text of a token that the form has made."""
    answer = visitor.post("/console/tokens/new", **{"label": "shop", "role": "writer", "days": "30", **fields})
    assert answer.status_code == 200, text_of(answer)
    (text,) = re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text_of(answer))
    assert "no-store" in answer["Cache-Control"]
    return int(AccessToken.objects.latest("pk").pk), text


def test_a_token_is_shown_once_and_may_what_its_role_may(admin: Visitor) -> None:
    number, token = made(admin, addresses="127.0.0.0/8\n")
    shop = Api(token)
    person = shop.create(login="ann")
    assert shop.get(f"/v1/user/token/{person}").status_code == 200
    assert shop.delete(f"/v1/user/token/{person}").status_code == 403
    for path in ("/console/tokens", f"/console/tokens/{number}"):
        page = admin.get(path)
        assert token not in page.content.decode()
        assert "writer" in text_of(page)
    assert "127.0.0.0/8" in text_of(admin.get(f"/console/tokens/{number}"))
    row = AccessToken.objects.get(pk=number)
    assert row.expires == row.created + 30 * 86_400
    assert Event.objects.filter(type=TOKEN_ISSUED.number, actor_token=admin.account).exists()


def test_a_revoked_token_is_refused_and_leaves_the_list_of_valid_ones(admin: Visitor) -> None:
    number, token = made(admin)
    assert admin.post(f"/console/tokens/{number}/revoke").status_code == 303
    assert Api(token).post("/v1/user", {"login": "ann"}).status_code == 403
    assert "shop" not in text_of(admin.get("/console/tokens"))
    assert "revoked" in text_of(admin.get("/console/tokens?show=all"))
    assert "Revoke the token" not in text_of(admin.get(f"/console/tokens/{number}"))
    assert admin.post(f"/console/tokens/{number}/revoke").status_code == 404
    assert Event.objects.filter(type=TOKEN_REVOKED.number, actor_token=admin.account).exists()


def test_last_used_is_what_the_trail_says_and_costs_a_call_nothing(admin: Visitor) -> None:
    number, token = made(admin)
    assert "Last used never" in text_of(admin.get(f"/console/tokens/{number}"))
    before = AccessToken.objects.filter(pk=number).values().get()
    Api(token).create(login="ann")
    assert "just now" in text_of(admin.get("/console/tokens"))
    assert AccessToken.objects.filter(pk=number).values().get() == before


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"label": ""}, "This field is required."),
        ({"role": "none"}, "Choose a role, or name single permissions."),
        ({"allow": "record.read\nrecord.eat"}, "“record.eat” can't be used here."),
        ({"routes": "GET /v1/nowhere"}, "“GET /v1/nowhere” can't be used here."),
        ({"fields_seen": "..", "role": "reader"}, "“..” can't be used here."),
        ({"addresses": "10.0.0.0/8\nhome"}, "“home” can't be used here."),
        ({"purposes": "Two words"}, "“Two words” can't be used here."),
        ({"limit": "often"}, "“often” can't be used here."),
        ({"masked": "on", "role": "writer"}, "This only goes with a role and permissions that read."),
        ({"days": "7"}, "Select a valid choice."),
    ],
)
def test_a_mistake_is_told_at_its_field_and_nothing_is_made(admin: Visitor, fields: dict[str, str], told: str) -> None:
    before = AccessToken.objects.count()
    answer = admin.post("/console/tokens/new", **{"label": "kept words", "role": "writer", "days": "30", **fields})
    assert answer.status_code == 422
    assert told in text_of(answer).replace("&#x27;", "'")
    assert AccessToken.objects.count() == before
    assert fields.get("label", "kept words") in answer.content.decode()


def test_single_permissions_do_without_a_role(admin: Visitor) -> None:
    number, token = made(admin, role="none", days="0", allow="record.create", limit="100/60s")
    shop = Api(token)
    person = shop.create(login="ann")
    assert shop.get(f"/v1/user/token/{person}").status_code == 403
    assert AccessToken.objects.get(pk=number).expires is None
    assert "100/60s" in text_of(admin.get(f"/console/tokens/{number}"))


def test_tokens_of_people_and_of_other_tenants_are_not_there(admin: Visitor, api: Api) -> None:
    new_token(TokenKind.PERSON, person=api.create(login="ann"))
    of_a_person = AccessToken.objects.latest("pk").pk
    assert admin.get(f"/console/tokens/{of_a_person}").status_code == 404
    other, _ = made(admin)
    AccessToken.objects.filter(pk=other).update(tenant=2)
    assert admin.get(f"/console/tokens/{other}").status_code == 404
    assert admin.post(f"/console/tokens/{other}/revoke").status_code == 404


def test_a_list_of_fifty_tokens_takes_few_queries(admin: Visitor) -> None:
    for _ in range(50):
        new_token(TokenKind.ADMIN)
    with CaptureQueriesContext(connection) as queries:
        page = admin.get("/console/tokens")
    assert page.content.decode().count("<tr>") == 51
    assert len(queries) <= 10, [query["sql"] for query in queries]


def test_settings_are_shown_and_secrets_are_not(dpo: Visitor, settings: Any) -> None:
    settings.NOTIFICATION_SECRET = "a secret of more than thirty-two characters"
    settings.NOTIFICATION_URL = "https://hooks.example.com/?key=hush"
    settings.UI_COMPANY_TITLE = "Example Shop"
    page = dpo.get("/console/settings").content.decode()
    assert all(setting.name in page for setting in SETTINGS)
    assert "Example Shop" in page
    secrets = [getattr(django_settings, setting.name) for setting in SETTINGS if setting.secret]
    assert [secret for secret in secrets if secret and secret in page] == []
    changed = text_of(dpo.get("/console/settings?show=changed"))
    assert "UI_COMPANY_TITLE" in changed
    assert "LOGIN_CODE_SECONDS" not in changed


def test_the_section_leads_each_role_to_a_page_that_it_may_see(admin: Visitor, dpo: Visitor) -> None:
    assert 'href="/console/tokens"' in admin.get("/console/").content.decode()
    page = dpo.get("/console/").content.decode()
    assert 'href="/console/settings"' in page
    assert 'href="/console/tokens"' not in page
    assert 'href="/console/settings"' not in make_account("sue", "support").sign_in().get("/console/").content.decode()


@pytest.fixture
def dead(admin: Visitor, settings: Any) -> list[str]:
    """The ids of two webhooks that nobody took."""
    settings.NOTIFICATION_URL, settings.NOTIFICATION_SECRET = "http://127.0.0.1:9/hooks", "x" * 40
    settings.NOTIFICATION_ATTEMPTS = 1
    for _ in range(2):
        outbox.webhook(1, {"action": "badlogin", "identity": "ann@example.com"})
    deliver_due()
    return [str(one) for one in Job.objects.filter(state=JobState.DEAD).values_list("id", flat=True)]


def test_dead_letters_are_shown_without_what_they_say(admin: Visitor, dead: list[str]) -> None:
    page = admin.get("/console/messages")
    assert all(one in page.content.decode() for one in dead)
    assert "webhook badlogin" in text_of(page)
    assert "AddressRefused" in text_of(page)
    assert "ann@example.com" not in page.content.decode()
    assert "/hooks" not in page.content.decode()
    assert dead[0] not in admin.get("/console/messages?show=waiting").content.decode()


def test_a_dead_letter_is_tried_again(admin: Visitor, dead: list[str]) -> None:
    assert admin.post("/console/messages/retry", id=dead[0]).status_code == 303
    assert dict(Job.objects.values_list("id", "state")) == {
        uuid.UUID(dead[0]): JobState.DUE,
        uuid.UUID(dead[1]): JobState.DEAD,
    }
    assert "badlogin" in text_of(admin.get("/console/messages?show=waiting"))
    assert admin.post("/console/messages/retry", all="on").status_code == 303
    assert not Job.objects.filter(state=JobState.DEAD).exists()


def test_dead_letters_are_dropped_after_a_page_that_says_how_many(admin: Visitor, dead: list[str]) -> None:
    assert "1 dead letter is deleted" in text_of(admin.get(f"/console/messages/drop?id={dead[0]}"))
    assert "2 dead letters are deleted" in text_of(admin.get("/console/messages/drop?all=on"))
    assert Job.objects.count() == 2
    assert admin.post("/console/messages/drop", id=dead[0]).status_code == 303
    assert [str(one) for one in Job.objects.values_list("id", flat=True)] == [dead[1]]
    assert admin.post("/console/messages/drop", id=dead[0]).status_code == 404
    assert admin.post("/console/messages/drop").status_code == 400
    assert Event.objects.filter(type=NOTIFICATIONS_DROPPED.number, actor_token=admin.account).exists()


def test_what_waits_is_never_dropped(admin: Visitor, dead: list[str]) -> None:
    Job.objects.filter(pk=dead[0]).update(state=JobState.DUE)
    admin.post("/console/messages/drop", all="on")
    assert [str(one) for one in Job.objects.values_list("id", flat=True)] == [dead[0]]


def test_keys_are_listed_with_what_is_due_and_nothing_secret(admin: Visitor, settings: Any) -> None:
    page = admin.get("/console/keys")
    for key in store.current_keyring():
        assert key.secret.hex() not in page.content.decode()
    assert "Older than KEY_LIFETIME" not in text_of(page)
    assert "keys split" in text_of(page)
    settings.KEY_LIFETIME = "1d"
    WrappedKey.objects.update(created=unix_now() - 3 * 86_400)
    text = text_of(admin.get("/console/keys"))
    assert re.search(r"Older than KEY_LIFETIME \(1d\): (Data, Details|Details, Data)\.", text)
    assert text.count("in use, too old") == 2
    assert "3 days ago" in text


def test_a_new_key_is_made_and_what_is_under_the_old_one_is_told(admin: Visitor, api: Api) -> None:
    api.create(login="ann")
    before = store.current_keyring().newest(Purpose.DATA).id
    assert "Older keys go on to open" in text_of(admin.get("/console/keys/rotate"))
    assert admin.post("/console/keys/rotate", purpose="data").status_code == 303
    newest = store.current_keyring().newest(Purpose.DATA).id
    assert newest > before
    text = text_of(admin.get("/console/keys"))
    assert f"Key {newest} is made" in text
    assert "keys rewrap" in text
    assert Event.objects.filter(type=KEY_ROTATED.number, actor_token=admin.account).exists()


def test_an_old_key_is_destroyed_once_nothing_is_under_it(admin: Visitor, api: Api) -> None:
    api.create(login="ann")
    old = store.current_keyring().newest(Purpose.DATA).id
    path = f"/console/keys/{old}/retire"
    assert admin.get(path).status_code == 404, "it is the newest"
    newest = rotate_key(operator()).id
    assert path in admin.get("/console/keys").content.decode()
    assert f"Key {old} (Data) is destroyed" in text_of(admin.get(path))
    for fields, told in (({}, "required"), ({"sure": "on"}, "try again in")):
        answer = admin.post(path, **fields)
        assert answer.status_code == 422
        assert told in text_of(answer)
    WrappedKey.objects.update(created=unix_now() - 86_400)
    assert "is in use for" in text_of(admin.post(path, sure="on"))
    rewrap_all(operator(), tell=lambda *_: None)
    assert admin.post(path, sure="on")["Location"] == "/console/keys"
    page = admin.get("/console/keys")
    assert f"Key {old} is destroyed." in text_of(page)
    assert path not in page.content.decode()
    assert [key.id for key in store.reload_keyring() if key.purpose is Purpose.DATA] == [newest]
    assert Event.objects.filter(type=KEY_RETIRED.number, actor_token=admin.account).count() == 1
    assert admin.post(path, sure="on").status_code == 404


def test_keys_that_stay_for_ever_can_not_be_destroyed(admin: Visitor) -> None:
    for purpose in (Purpose.AUDIT, Purpose.SIGNING):
        rotate_key(operator(), purpose=purpose)
    before = {key.id for key in store.current_keyring()}
    WrappedKey.objects.update(created=unix_now() - 86_400)
    for key in [*before, 999]:
        assert admin.post(f"/console/keys/{key}/retire", sure="on").status_code == 404
    assert {key.id for key in store.reload_keyring()} == before


def test_keys_that_are_not_rotated_can_not_be_named(admin: Visitor) -> None:
    before = len(store.current_keyring())
    for purpose in ("index", "reference", "recovery", "", "x"):
        assert admin.post("/console/keys/rotate", purpose=purpose).status_code == 422
    assert len(store.reload_keyring()) == before


@pytest.mark.parametrize("path", ["tokens/new", "keys/rotate", "messages/drop"])
def test_what_is_dangerous_asks_again_who_it_is(admin: Visitor, settings: Any, path: str) -> None:
    settings.CONSOLE_CONFIRM_MINUTES = 0
    for answer in (admin.get(f"/console/{path}"), admin.post(f"/console/{path}", purpose="data", all="on")):
        assert answer.status_code == 303
        assert answer["Location"].startswith("/console/confirm")


def line_of(page: Any, name: str) -> str:
    """What the row of a table says whose first cell begins so."""
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", page.content.decode())
    (found,) = [row for row in rows if re.search(rf"<th[^>]*>{name}", row)]
    return " ".join(re.sub(r"<[^>]+>", " ", found).split())


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """No run was noted before."""
    monkeypatch.setattr(task_runs, "_written", {})
    monkeypatch.setattr(task_runs, "_unwritten", {})


@pytest.mark.usefixtures("forgetful")
def test_jobs_say_what_ran_and_when_it_runs_again(dpo: Visitor, time_machine: Any, settings: Any) -> None:
    assert "Nothing has run yet" in text_of(dpo.get("/console/jobs"))
    assert "has not run yet" in line_of(dpo.get("/console/jobs"), "people")
    settings.MAINTENANCE_SECONDS = 100
    maintenance.run(maintenance.tasks(), seconds=60)
    page = dpo.get("/console/jobs")
    assert "Nothing has run" not in text_of(page)
    assert "done just now 0" in line_of(page, "people")
    assert "at once" in line_of(page, "canaries")
    ended = TaskRun.objects.get(pk="people").ended
    assert f"{dt.datetime.fromtimestamp(ended + 100, tz=dt.UTC):%H:%M}" in line_of(page, "people")
    TaskRun.objects.update(ended=unix_now() - 4000)
    page = dpo.get("/console/jobs")
    assert "Nothing has run since 1 hour ago" in text_of(page)
    assert "late" in line_of(page, "people")
    dpo.client.cookies["language"] = "de"
    page = dpo.get("/console/jobs")
    german = text_of(page)
    assert "Einwilligungen von Personen, die nie gekommen sind" in german
    assert "Postausgang: E-Mail" in german
    assert b'lang="en">people' not in page.content


@pytest.mark.usefixtures("forgetful")
def test_a_failure_is_noted_at_once_and_remembered_when_it_is_over(vault: None, dpo: Visitor) -> None:
    def fail(now: int, limit: int) -> int:
        raise RuntimeError("with ann@example.com")

    run = functools.partial(maintenance.run, seconds=1)
    run([Task("people", lambda *_: 0)])
    run([Task("people", fail)])
    line = line_of(dpo.get("/console/jobs"), "people")
    assert "failed RuntimeError" in line
    assert "ann@" not in dpo.get("/console/jobs").content.decode()
    run([Task("people", lambda *_: 0)])
    line = line_of(dpo.get("/console/jobs"), "people")
    assert "done" in line
    assert not line.endswith("none")


@pytest.mark.usefixtures("forgetful")
def test_what_runs_each_second_is_written_once_a_minute(vault: None) -> None:
    steps = iter([2, 0, 3, 0, 0])
    task = Task("people", lambda *_: next(steps))
    maintenance.run([task], seconds=60)
    with CaptureQueriesContext(connection) as queries:
        maintenance.run([task], seconds=60)
    assert len(queries) == 0
    assert TaskRun.objects.get(pk="people").done == 2
    task_runs._written["people"] = (task_runs._written["people"][0] - 61, False)
    maintenance.run([task], seconds=60)
    assert TaskRun.objects.get(pk="people").done == 3, "what was done meanwhile counts"


@pytest.fixture
def incident(dpo: Visitor) -> Incident:
    new_token(TokenKind.ADMIN)
    token = AccessToken.objects.latest("pk")
    AccessToken.objects.filter(pk=token.pk).update(label="newsletter")
    return Incident.objects.create(
        tenant=1, kind=IncidentKind.DAY.value, actor_kind=2, token_id=token.pk, start=1_790_000_000, last=1_790_000_060,
        people=5432, usual=321,
    )  # fmt: skip


def test_an_incident_is_acknowledged_with_a_reason_and_leaves_the_open_ones(dpo: Visitor, incident: Incident) -> None:
    path = f"/console/incidents/{incident.pk}"
    text = text_of(dpo.get("/console/incidents"))
    assert "unusually many people in a day newsletter application" in text
    assert "5432 at most 321 expected" in text
    answer = dpo.post(path, reason="  ")
    assert answer.status_code == 422
    assert "This field is required." in text_of(answer)
    assert dpo.post(path, reason="The yearly letter.").status_code == 303
    assert "newsletter" not in text_of(dpo.get("/console/incidents"))
    assert "acknowledged dora" in text_of(dpo.get("/console/incidents?show=all"))
    assert "Acknowledge the incident" not in text_of(dpo.get(path))
    assert dpo.post(path, reason="Again.").status_code == 409
    event = Event.objects.get(type=INCIDENT_ACKNOWLEDGED.number)
    assert (event.actor_kind, event.actor_token) == (ActorKind.ACCOUNT, dpo.account)
    assert "The yearly letter." in text_of(dpo.get(f"/console/audit/{event.id}"))


def test_an_incident_that_goes_on_is_open_again(dpo: Visitor, incident: Incident) -> None:
    dpo.post(f"/console/incidents/{incident.pk}", reason="The yearly letter.")
    Incident.objects.update(last=unix_now() + 60)
    assert "newsletter" in text_of(dpo.get("/console/incidents"))
    assert dpo.post(f"/console/incidents/{incident.pk}", reason="It wasn't.").status_code == 303


def test_incidents_of_other_tenants_are_not_there(dpo: Visitor, incident: Incident) -> None:
    Incident.objects.update(tenant=2)
    path = f"/console/incidents/{incident.pk}"
    assert "newsletter" not in text_of(dpo.get("/console/incidents?show=all"))
    assert (dpo.get(path).status_code, dpo.post(path, reason="x").status_code) == (404, 404)


def test_auditors_see_incidents_and_acknowledge_none(api: Api, incident: Incident) -> None:
    auditor = make_account("otto", "auditor").sign_in()
    assert "Acknowledge the incident" not in text_of(auditor.get(f"/console/incidents/{incident.pk}"))
    assert auditor.post(f"/console/incidents/{incident.pk}", reason="x").status_code == 403
    assert auditor.post(f"/console/incidents/{incident.pk}").status_code == 403


@pytest.mark.parametrize("path", ["incidents?show=all", "messages", "keys", "jobs", "settings"])
def test_every_page_takes_few_queries(admin: Visitor, path: str) -> None:
    for number in range(50):
        Incident.objects.create(
            tenant=1, kind=1, actor_kind=2 if number % 2 else 5, token_id=number, start=number, last=number, people=9,
            usual=1,
        )  # fmt: skip
        outbox.webhook(1, {"action": "badlogin"})
    with CaptureQueriesContext(connection) as queries:
        assert admin.get(f"/console/{path}").status_code == 200
    assert len(queries) <= 10, [query["sql"] for query in queries]
