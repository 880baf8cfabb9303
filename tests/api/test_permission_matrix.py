"""Who may do what: every route and method, called by every kind of caller."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.test import override_settings
from django.urls import get_resolver

from audit import sealing
from databunker.access import login_codes, tokens
from databunker.access.models import AccessToken, TokenKind
from databunker.api.docs import assets_version
from tests.api.helpers import assert_refused, contents, routes, subject_of, told_by
from tests.conftest import Api, make_vault, new_token
from tests.support.login import Solved, solved
from tests.support.trail import sealed
from vault import lookups

ROOT = "root"
ADMIN = "admin"
OWN = "the person's own"
OTHER = "another person's"
FORGOTTEN = "forgotten person's"
NOBODIES = ("none", "wrong", "malformed", "expired", "revoked", FORGOTTEN)
CALLERS = (ROOT, ADMIN, OWN, OTHER, *NOBODIES)

ADMINS = (ROOT, ADMIN)
ADMINS_AND_OWN = (ROOT, ADMIN, OWN)

EMAIL = "matrix@example.com"


class Row(NamedTuple):
    """One method of one route, whom it lets in, and the code of the event that tells of a refusal."""

    method: str
    path: str
    lets_in: tuple[str, ...]
    event: str | None
    body: Any = None
    accept: str = "*/*"

    @property
    def route(self) -> str:
        """The template of the route that the path leads to."""
        path = self.path.format(
            person="x",
            event="y",
            session="z",
            share="s",
            link="l",
            request="r",
            captcha=Solved("a", "b"),
            code="c",
            receipt="e",
        )
        return get_resolver().resolve(path).route


# `{person}` is the person's token, `{event}` one of the person's events, `{session}` one of the person's
# sessions, `{share}` one of the person's shared records, `{link}` that of the person's expiration,
# `{captcha}` a new captcha with its solution, `{code}` a login code just sent to the person, `{request}` one of the
# person's requests. What a person may not do alone is let in, too: it becomes a request.
MATRIX = [
    Row("POST", "/v1/user", ADMINS, "record.create", {"login": "newcomer"}),
    Row("POST", "/v1/user/", ADMINS, "record.create", {"login": "newcomer"}),
    Row("GET", "/v1/user/token/{person}", ADMINS_AND_OWN, "record.read"),
    Row("GET", f"/v1/user/email/{EMAIL}", ADMINS_AND_OWN, "record.read"),
    Row("PUT", "/v1/user/token/{person}", ADMINS_AND_OWN, "record.change", {"a": 1}),
    Row("PUT", f"/v1/user/email/{EMAIL}", ADMINS_AND_OWN, "record.change", {"a": 1}),
    Row("DELETE", "/v1/user/token/{person}", ADMINS_AND_OWN, "record.forget"),
    Row("DELETE", f"/v1/user/email/{EMAIL}", ADMINS_AND_OWN, "record.forget"),
    Row("GET", "/v1/user/token/{person}/report", ADMINS_AND_OWN, "report.read"),
    Row("POST", "/v1/users", (), "record.list"),
    Row("POST", "/v1/users/unlock", ADMINS, "unlock.grant"),
    Row("POST", "/v1/users/bulk", ADMINS, "record.load", {"records": [{"login": "newcomer"}]}),
    Row("GET", "/v1/userapps", ADMINS, "app.list_all"),
    Row("GET", "/v1/userapp/token/{person}", ADMINS_AND_OWN, "app.list"),
    Row("GET", f"/v1/userapp/email/{EMAIL}", ADMINS_AND_OWN, "app.list"),
    Row("GET", "/v1/userapp/token/{person}/shop", ADMINS_AND_OWN, "app.read"),
    Row("POST", "/v1/userapp/token/{person}/shop", ADMINS_AND_OWN, "app.store", {"a": 1}),
    Row("PUT", "/v1/userapp/token/{person}/shop", ADMINS_AND_OWN, "app.change", {"a": 1}),
    Row("DELETE", "/v1/userapp/token/{person}/shop", ADMINS_AND_OWN, "app.delete"),
    Row("GET", "/v1/session/{session}", ADMINS_AND_OWN, "session.read"),
    Row("POST", "/v1/session/{session}", ADMINS, "session.store", {"a": 1}),
    Row("DELETE", "/v1/session/{session}", ADMINS, "session.delete"),
    Row("GET", "/v1/sessions/token/{person}", ADMINS_AND_OWN, "session.list"),
    Row("GET", "/v1/sharedrecord/token/{person}", ADMINS_AND_OWN, "share.list"),
    Row("POST", "/v1/sharedrecord/token/{person}", ADMINS_AND_OWN, "share.create", {"fields": "email"}),
    Row("DELETE", "/v1/sharedrecord/{share}", ADMINS_AND_OWN, "share.revoke"),
    # Whoever knows the id of a shared record may read it.
    Row("GET", "/v1/get/{share}", CALLERS, None),
    Row("POST", "/v1/exp/start/token/{person}", ADMINS, "retention.start", {"expiration": "1d"}),
    Row("GET", "/v1/exp/status/token/{person}", ADMINS_AND_OWN, "retention.status"),
    Row("DELETE", "/v1/exp/cancel/token/{person}", ADMINS, "retention.cancel"),
    # Whoever has the link may follow it. A browser's GET only shows the page that asks.
    Row("GET", "/v1/exp/retain/{link}", CALLERS, None, accept="text/html"),
    Row("POST", "/v1/exp/retain/{link}", CALLERS, None),
    Row("GET", "/v1/exp/delete/{link}", CALLERS, None, accept="text/html"),
    Row("POST", "/v1/exp/delete/{link}", CALLERS, None),
    Row("GET", "/v1/rights/token/{person}", ADMINS_AND_OWN, "rights.read"),
    Row("POST", "/v1/restriction/token/{person}", ADMINS_AND_OWN, "restriction.set", {"ground": "accuracy"}),
    Row("DELETE", "/v1/restriction/token/{person}", ADMINS_AND_OWN, "restriction.lift"),
    Row("POST", "/v1/objection/token/{person}", ADMINS_AND_OWN, "objection.make"),
    Row("DELETE", "/v1/objection/token/{person}", ADMINS_AND_OWN, "objection.withdraw"),
    Row("GET", "/v1/erasure/token/{person}", ADMINS_AND_OWN, "erasure.preview"),
    Row("DELETE", "/v1/erasure/token/{person}", ADMINS_AND_OWN, "erasure.withdraw"),
    # Whoever knows the id of a receipt may read it: nothing of it is personal.
    Row("GET", "/v1/receipt/{receipt}", CALLERS, None),
    Row("GET", "/v1/requests", ADMINS, "request.list"),
    Row("GET", "/v1/requests/token/{person}", ADMINS_AND_OWN, "request.list"),
    Row("GET", f"/v1/requests/email/{EMAIL}", ADMINS_AND_OWN, "request.list"),
    Row("GET", "/v1/request/{request}", ADMINS_AND_OWN, "request.read"),
    Row("POST", "/v1/request/{request}", ADMINS, "request.approve"),
    Row("DELETE", "/v1/request/{request}", ADMINS_AND_OWN, "request.cancel"),
    Row("POST", "/v1/request/{request}/extend", ADMINS, "request.extend", {"reason": "many"}),
    Row("POST", "/v1/request/{request}/identity", ADMINS, "request.identity", {"proof": "ask", "reason": "odd"}),
    Row("GET", "/v1/lbasis", ADMINS, "lbasis.list"),
    Row("POST", "/v1/lbasis/news", ADMINS, "lbasis.change", {"shortdesc": "Letters"}),
    Row("DELETE", "/v1/lbasis/news", ADMINS, "lbasis.delete"),
    Row("POST", "/v1/agreement/news/token/{person}", ADMINS_AND_OWN, "agreement.accept", {"status": "yes"}),
    Row("POST", f"/v1/agreement/news/email/{EMAIL}", ADMINS_AND_OWN, "agreement.accept", {"status": "yes"}),
    Row("GET", "/v1/agreement/news/token/{person}", ADMINS_AND_OWN, "agreement.read"),
    Row("GET", "/v1/agreement/news/token/{person}/history", ADMINS_AND_OWN, "agreement.history"),
    # The basis has no `usercontrol`: the person asks, and an administrator decides.
    Row("DELETE", "/v1/agreement/news/token/{person}", ADMINS_AND_OWN, "agreement.withdraw"),
    Row("DELETE", "/v1/agreement/news", ADMINS, "agreement.revoke_all"),
    Row("GET", "/v1/agreements/token/{person}", ADMINS_AND_OWN, "agreement.list"),
    Row("GET", f"/v1/agreements/email/{EMAIL}", ADMINS_AND_OWN, "agreement.list"),
    Row("GET", "/v1/pactivity", ADMINS, "pactivity.list"),
    Row("POST", "/v1/pactivity/letters", ADMINS, "pactivity.change", {"title": "Letters"}),
    Row("DELETE", "/v1/pactivity/letters", ADMINS, "pactivity.delete"),
    Row("POST", "/v1/pactivity/letters/news", ADMINS, "pactivity.link"),
    Row("DELETE", "/v1/pactivity/letters/news", ADMINS, "pactivity.unlink"),
    # What everyone is asked: nothing personal.
    Row("GET", "/v1/sys/cookiesettings", CALLERS, None),
    Row("GET", "/v1/audit/list/{person}", ADMINS_AND_OWN, "audit.list"),
    Row("GET", "/v1/audit/admin", ADMINS, "audit.list_all"),
    Row("GET", "/v1/audit/get/{event}", ADMINS_AND_OWN, "audit.get"),
    Row("GET", "/v1/audit/head", ADMINS, "audit.head"),
    Row("GET", "/v1/audit/proof/{event}", ADMINS_AND_OWN, "audit.proof"),
    # A public key is for everyone.
    Row("GET", "/v1/audit/key", CALLERS, None),
    Row("GET", "/v1/status", CALLERS, None),
    Row("GET", "/v1/status/", CALLERS, None),
    Row("GET", "/status", CALLERS, None),
    Row("GET", "/status/", CALLERS, None),
    Row("GET", "/livez", CALLERS, None),
    Row("GET", "/readyz", CALLERS, None),
    # Whoever solves a captcha may have a code sent, whoever knows the code comes in.
    Row("GET", "/v1/captcha", CALLERS, None),
    Row("GET", "/v1/captcha/{captcha.code}", CALLERS, None),
    Row("GET", f"/v1/prelogin/email/{EMAIL}/{{captcha.code}}/{{captcha.answer}}", CALLERS, None),
    Row("POST", "/v1/prelogin", CALLERS, None, {"mode": "email", "identity": EMAIL}),
    Row("GET", f"/v1/login/email/{EMAIL}/{{code}}", CALLERS, None),
    Row("POST", "/v1/login", CALLERS, None, {"mode": "email", "identity": EMAIL, "code": "{code}"}),
    Row("GET", "/v1/openapi.json", CALLERS, None),
    Row("GET", "/docs", CALLERS, None),
    Row("GET", f"/docs/{assets_version()}/start.js", CALLERS, None),
    # No personal data, so no event; nobody's address is allowed in this matrix.
    Row("GET", "/v1/metrics", ADMINS, None),
    Row("GET", "/v1/sys/backup", ADMINS, "backup.create"),
    Row("GET", "/v1/sys/configuration", ADMINS, "configuration.read"),
    Row("GET", "/v1/sys/uiconfiguration", CALLERS, None),
]


class Scene(NamedTuple):
    """One person and every kind of caller."""

    person: str
    event: str
    session: str
    share: str
    link: str
    request: str
    receipt: str
    callers: dict[str, Api]

    def call(self, caller: str, row: Row) -> Any:
        path, body = self.asked(row)
        return self.callers[caller].call(row.method, path, body, HTTP_ACCEPT=row.accept)

    def asked(self, row: Row) -> tuple[str, Any]:
        """Path and body; codes and captchas are made anew."""
        if "{receipt" in row.path:
            sealing.seal_everything(tell=lambda _: None)
        code = _login_code(self.person) if "{code}" in f"{row.path}{row.body}" else ""
        path = row.path.format(
            person=self.person,
            event=self.event,
            session=self.session,
            share=self.share,
            link=self.link,
            request=self.request,
            receipt=self.receipt,
            captcha=solved(Api()) if "{captcha" in row.path else None,
            code=code,
        )
        body = {**row.body, "code": code} if isinstance(row.body, dict) and row.body.get("code") else row.body
        return path, body


def _login_code(person: str) -> str:
    """A code as it is stored when it is sent to the person."""
    identity = lookups.parse("email", EMAIL, tenant=1)
    assert isinstance(identity, lookups.ByIdentity)
    expires = int(time.time()) + 60
    login_codes.store_code("123456", tenant=1, identity=identity.plain, subject=subject_of(person), expires=expires)
    return "123456"


SETTINGS = {
    "METRICS_ALLOWED_ADDRESSES": [],
    "EMAIL_HOST": "127.0.0.1",
    "CAPTCHA_PROOF_BITS": 4,
    "RECEIPTS_PER_ADDRESS": "1000/1h",
    "LOGIN_CODES_PER_PERSON": "1000/1h",
    "LOGIN_TRIES_PER_PERSON": "1000/1h",
}


@pytest.fixture(scope="module")
def shared_scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """Made once for the tests of a module, each of which is rolled back to it: it takes longer than most of them."""
    with django_db_blocker.unblock(), transaction.atomic():
        transaction.get_connection().atomic_blocks[-1]._from_testcase = True
        make_vault()
        with override_settings(**SETTINGS):
            made = make_scene(Api(new_token(TokenKind.ROOT)))
        yield made
        transaction.set_rollback(True)


@pytest.fixture
def scene(shared_scene: Scene, db: None, settings: Any) -> Scene:
    for name, value in SETTINGS.items():
        setattr(settings, name, value)
    return shared_scene._replace(callers=dict(shared_scene.callers))


def make_scene(api: Api) -> Scene:
    """With SETTINGS set."""
    person = api.create(email=EMAIL)
    other = api.create(email="other@example.com")
    gone = api.create(email="gone@example.com")
    revoked = new_token(TokenKind.ADMIN)
    callers = {
        ROOT: api,
        ADMIN: Api(new_token(TokenKind.ADMIN)),
        OWN: api.as_person(person),
        OTHER: api.as_person(other),
        FORGOTTEN: api.as_person(gone),
        "none": Api(),
        "wrong": Api("0e4b1b1c-51c0-4c53-92b5-2f1d8f0f7a11"),
        "malformed": Api("é" * 300 + "'; --"),
        "expired": Api(new_token(TokenKind.ADMIN, expires=int(time.time()) - 1)),
        "revoked": Api(revoked),
    }
    assert api.get("/v1/users/nobody").status_code == 404
    assert callers["revoked"].get(f"/v1/user/token/{person}").status_code == 200
    assert callers[FORGOTTEN].get(f"/v1/user/token/{gone}").status_code == 200
    assert tokens.revoke_token(AccessToken.objects.get(digest=tokens.token_digest(revoked)).pk, tenant=1)
    receipt = api.delete(f"/v1/user/token/{gone}").json()["receipt"]
    event = api.get(f"/v1/audit/list/{person}").json()["rows"][-1]["atoken"]
    sealed()
    session = "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"
    assert api.post(f"/v1/session/{session}", {"token": person}).status_code == 200
    assert api.post(f"/v1/userapp/token/{person}/shop", {"size": 1}).status_code == 200
    assert api.post("/v1/lbasis/news", {"shortdesc": "Letters"}).status_code == 200
    assert api.post("/v1/pactivity/letters", {"legalbasis": "news"}).status_code == 200
    assert api.post(f"/v1/agreement/news/token/{person}", {}).status_code == 200
    share = api.post(f"/v1/sharedrecord/token/{person}", {"fields": "email"}).json()["record"]
    link = api.post(f"/v1/exp/start/token/{person}").json()["exptoken"]
    request = callers[OWN].post(f"/v1/userapp/token/{person}/crm", {"size": 1}).json()["rtoken"]
    return Scene(person, event, session, share, link, request, receipt, callers)


def test_every_caller_kind_is_in_the_scene(scene: Scene) -> None:
    assert set(scene.callers) == set(CALLERS)


@pytest.mark.parametrize("row", MATRIX, ids=[f"{row.method} {row.path}" for row in MATRIX])
def test_only_those_who_may_get_in(scene: Scene, row: Row) -> None:
    before = contents()
    for caller in [name for name in CALLERS if name not in row.lets_in]:
        with told_by() as told:
            answer = scene.call(caller, row)
        assert_refused(answer, 403)
        assert contents() == before, f"{caller} was refused and changed something"
        if row.event is None:
            assert told == []
            continue
        assert [(event.code, event.outcome) for event in told] == [(row.event, "denied")], caller
        assert told[0].who == ("anyone" if caller in NOBODIES else _kind(caller)), caller
    for caller in row.lets_in:
        if row.method in ("GET", "PUT"):
            assert scene.call(caller, row).status_code == 200, caller


@pytest.mark.parametrize("caller", [ROOT, pytest.param(ADMIN, marks=pytest.mark.slow)])
@pytest.mark.parametrize("row", MATRIX, ids=[f"{row.method} {row.path}" for row in MATRIX])
def test_whoever_may_gets_in(scene: Scene, row: Row, caller: str) -> None:
    status = scene.call(caller, row).status_code
    assert status == (200 if caller in row.lets_in else 403)


def _kind(caller: str) -> str:
    return "person" if caller in (OWN, OTHER) else caller


def test_a_refusal_looks_the_same_whoever_is_asked_for(scene: Scene) -> None:
    """A person can't tell who else is in the vault, nor by which identity."""
    absent = "7b0ae7b8-0c0d-4fd1-a2f5-36d1f4a4c3d1"
    answers = {
        (answer.status_code, answer.content)
        for caller in (OTHER, *NOBODIES)
        for answer in [
            scene.callers[caller].get(path)
            for path in (
                f"/v1/user/token/{scene.person}",
                f"/v1/user/token/{absent}",
                f"/v1/user/email/{EMAIL}",
                "/v1/user/email/absent@example.com",
                f"/v1/audit/list/{scene.person}",
                f"/v1/audit/list/{absent}",
                f"/v1/audit/get/{scene.event}",
                f"/v1/audit/get/{absent}",
            )
        ]
    }
    assert len(answers) == 1


# --- no route without a row ------------------------------------------------------------------------------------------


def test_every_method_of_every_route_has_a_row() -> None:
    exist = {(route, method) for route, view in routes() for method in view.methods()}
    assert exist == {(row.route, row.method) for row in MATRIX}


def test_every_refusable_method_names_the_event_of_its_refusal() -> None:
    for route, view in routes():
        for method in view.methods():
            named = view.rules[method].event.code if method in view.rules else None
            assert {named} == {row.event for row in MATRIX if (row.route, row.method) == (route, method)}


# --- ways of sending a token -----------------------------------------------------------------------------------------


def test_a_token_is_taken_as_bearer_credentials(scene: Scene) -> None:
    token = scene.callers[ADMIN].token
    path = f"/v1/user/token/{scene.person}"
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert Api().get(path, HTTP_AUTHORIZATION=f"{scheme} {token}").status_code == 200
    for header in (f"Basic {token}", f"{token}", f"Token {token}", "Bearer", "Bearer ", f"Bearer x{token}"):
        assert_refused(Api().get(path, HTTP_AUTHORIZATION=header), 403)


def test_a_token_may_be_written_in_capitals_and_with_space_around(scene: Scene) -> None:
    token = scene.callers[ADMIN].token or ""
    for spelling in (token.upper(), f" {token} "):
        assert Api(spelling).get(f"/v1/user/token/{scene.person}").status_code == 200


def test_a_good_bearer_token_does_not_heal_a_bad_header(scene: Scene) -> None:
    bearer = f"Bearer {scene.callers[ROOT].token}"
    answer = scene.callers["wrong"].get(f"/v1/user/token/{scene.person}", HTTP_AUTHORIZATION=bearer)
    assert_refused(answer, 403, "Access denied")


# --- settings that open or close a door ------------------------------------------------------------------------------


@pytest.mark.parametrize("caller", CALLERS)
def test_anyone_may_create_where_the_setting_allows_it(scene: Scene, settings: Any, caller: str) -> None:
    settings.CREATE_USER_WITHOUT_ACCESS_TOKEN = True
    with told_by() as told:
        answer = scene.callers[caller].post("/v1/user", {"login": "newcomer"})
    if caller in ("none", *ADMINS):
        assert answer.status_code == 200
        assert [(event.code, event.outcome, event.who) for event in told] == [
            ("record.create", "ok", "anyone" if caller == "none" else caller)
        ]
    else:
        # A token that was sent must be good: a caller who thinks to be somebody never acts as nobody.
        assert_refused(answer, 403, "Access denied")


def test_creating_without_a_token_opens_nothing_else(scene: Scene, settings: Any) -> None:
    settings.CREATE_USER_WITHOUT_ACCESS_TOKEN = True
    for row in MATRIX:
        if "none" not in row.lets_in and row.path not in ("/v1/user", "/v1/user/"):
            assert_refused(scene.call("none", row), 403)


@pytest.mark.parametrize(
    ("mode", "with_unlock", "may"),
    [
        ("off", False, False),
        ("off", True, False),
        ("unlock", False, False),
        ("unlock", True, True),
        ("legacy", False, True),
        ("legacy", True, True),
    ],
)
def test_listing_everyone_is_opened_by_list_users(
    scene: Scene, settings: Any, mode: str, with_unlock: bool, may: bool
) -> None:
    settings.LIST_USERS = mode
    for caller in ADMINS:
        unlock = scene.callers[caller].post("/v1/users/unlock").json()["unlockuuid"]
        body = {"unlockuuid": unlock} if with_unlock else None
        answer = scene.callers[caller].post("/v1/users", body)
        assert answer.status_code == (200 if may else 403)
        assert ("rows" in answer.json()) is may
    for caller in (OWN, OTHER, *NOBODIES):
        assert_refused(scene.callers[caller].post("/v1/users"), 403, "Access denied")


@pytest.mark.parametrize(
    ("allowed", "address", "may"),
    [
        (["127.0.0.1"], "127.0.0.1", True),
        (["127.0.0.1"], "10.0.0.1", False),
        ([], "127.0.0.1", False),
        (["10.0.0.1", "::1"], "::1", True),
        (["127.0.0.1"], "", False),
    ],
)
def test_metrics_are_open_to_allowed_addresses(
    scene: Scene, settings: Any, allowed: list[str], address: str, may: bool
) -> None:
    settings.METRICS_ALLOWED_ADDRESSES = allowed
    for caller in CALLERS:
        status = scene.callers[caller].get("/v1/metrics", REMOTE_ADDR=address).status_code
        assert status == (200 if may or caller in ADMINS else 403), caller


def test_a_client_can_not_forge_an_allowed_address(scene: Scene, settings: Any) -> None:
    settings.METRICS_ALLOWED_ADDRESSES = ["127.0.0.1"]
    forged = {"HTTP_X_FORWARDED_FOR": "127.0.0.1", "REMOTE_ADDR": "10.0.0.9"}
    assert_refused(Api().get("/v1/metrics", **forged), 403)
    settings.TRUSTED_PROXIES = 1
    # The proxy appends what it saw; what stands before that is the client's own.
    behind = {"HTTP_X_FORWARDED_FOR": "127.0.0.1, 10.0.0.9", "REMOTE_ADDR": "127.0.0.1"}
    assert_refused(Api().get("/v1/metrics", **behind), 403)
    assert Api().get("/v1/metrics", HTTP_X_FORWARDED_FOR="9.9.9.9, 127.0.0.1").status_code == 200


def _records() -> dict[str, Any]:
    """Everything but the requests."""
    return {table: rows for table, rows in contents().items() if table != "gdpr_request"}


@pytest.mark.parametrize("on", [False, True])
def test_people_change_their_record_at_once_only_by_setting(scene: Scene, settings: Any, on: bool) -> None:
    settings.SELFSERVICE_USER_RECORD_CHANGE = on
    for path in (f"/v1/user/token/{scene.person}", f"/v1/user/email/{EMAIL}"):
        before = _records()
        answer = scene.callers[OWN].put(path, {"note": "mine"} if not on else {"note": path})
        assert answer.status_code == 200
        assert ("rtoken" in answer.json()) is not on
        assert (_records() == before) is not on
        assert_refused(scene.callers[OTHER].put(path, {"note": "theirs"}), 403, "Access denied")
    assert scene.callers[OWN].delete(f"/v1/user/token/{scene.person}").json()["result"] == "request-created"


@pytest.mark.parametrize("on", [False, True])
def test_people_are_forgotten_at_once_only_by_setting(scene: Scene, settings: Any, on: bool) -> None:
    settings.SELFSERVICE_FORGET_ME = on
    path = f"/v1/user/email/{EMAIL}"
    assert_refused(scene.callers[OTHER].delete(path), 403, "Access denied")
    assert scene.callers[OWN].put(path, {"a": 1}).json()["result"] == "request-created"
    assert scene.callers[OWN].delete(path).json()["result"] == ("done" if on else "request-created")
    assert scene.callers[OWN].get(f"/v1/user/token/{scene.person}").status_code == (403 if on else 200)


# --- time ------------------------------------------------------------------------------------------------------------


def test_a_token_expires_while_it_is_in_the_cache(api: Api, settings: Any, time_machine: Any) -> None:
    settings.AUTH_CACHE_SECONDS = 3600
    person = api.create(login="ann")
    time_machine.move_to(2_000_000_000, tick=False)
    caller = Api(new_token(TokenKind.ADMIN, expires=2_000_000_060))
    for now, status in ((2_000_000_000, 200), (2_000_000_059, 200), (2_000_000_060, 403), (2_000_000_061, 403)):
        time_machine.move_to(now, tick=False)
        assert caller.get(f"/v1/user/token/{person}").status_code == status


def test_a_revocation_elsewhere_reaches_this_process_within_the_cache_time(
    api: Api, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.AUTH_CACHE_SECONDS = 5
    person = api.create(login="ann")
    caller = Api(new_token(TokenKind.ADMIN))
    assert caller.get(f"/v1/user/token/{person}").status_code == 200
    # As another process would: without this one's cache being told.
    digest = tokens.token_digest(caller.token or "")
    AccessToken.objects.filter(digest=digest).update(revoked=1)
    later = time.monotonic() + settings.AUTH_CACHE_SECONDS
    with monkeypatch.context() as patched:
        patched.setattr(time, "monotonic", lambda: later)
        assert_refused(caller.get(f"/v1/user/token/{person}"), 403, "Access denied")


def test_refusals_of_strangers_are_counted_when_they_come_too_fast(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither they nor people with their own token can fill the trail; applications are always told of."""
    from databunker import refusals

    monkeypatch.setattr(refusals, "_BURST", 0)
    monkeypatch.setattr(refusals, "_buckets", {kind: refusals._Bucket() for kind in refusals._buckets})
    person = api.create(login="ann")
    with told_by() as told:
        assert_refused(Api().get("/v1/user/login/ann"), 403, "Access denied")
        assert_refused(Api("wrong").get("/v1/user/login/ann"), 403, "Access denied")
        assert_refused(api.as_person(person).get("/v1/audit/admin"), 403, "Access denied")
    assert told == []
    text = Api().get("/v1/metrics").content.decode()
    counted = re.search(r"^databunker_refusals_unrecorded_total (\S+)$", text, re.MULTILINE)
    assert counted is not None
    assert float(counted[1]) >= 3
    with told_by() as told:
        assert api.post("/v1/users").status_code == 403
    assert [(event.code, event.outcome, event.subject) for event in told] == [("record.list", "denied", None)]


def test_a_refusal_tells_whom_it_concerned(scene: Scene) -> None:
    with told_by() as told:
        scene.callers[OTHER].get(f"/v1/user/token/{scene.person}")
        scene.callers[OTHER].get(f"/v1/user/email/{EMAIL}")
    assert [event.subject for event in told] == [subject_of(scene.person)] * 2
