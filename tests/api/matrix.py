"""Every route x every kind of caller, and a person with something of everything for them to ask for."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from django.urls import get_resolver

from audit import sealing
from databunker.access import login_codes, tokens
from databunker.access.models import AccessToken, TokenKind
from databunker.api.docs import assets_version
from tests.api.helpers import subject_of
from tests.conftest import Api, new_token
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


def set_up(settings: Any) -> None:
    for name, value in SETTINGS.items():
        setattr(settings, name, value)


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
