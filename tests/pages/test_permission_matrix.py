"""Who gets which page: every page x every kind of caller, in one table. What is not in it fails the suite."""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from django.urls import URLPattern, URLResolver, get_resolver, resolve

from audit.models import Event
from audit.sealing import seal_everything
from databunker.access.actor import operator
from databunker.access.models import AccessToken, TokenKind
from databunker.accounts.models import Account, WebSession
from databunker.crypto import store
from databunker.crypto.keyring import Purpose
from databunker.keys import rotate_key
from databunker.pages.views import Page
from databunker.watch.models import Incident, IncidentKind
from gdpr.models import LegalBasis, ProcessingActivity
from tests.conftest import Api, new_token
from tests.support.requests import asked

from .browser import visits
from .conftest import Visitor, make_account

ROLES = ("admin", "dpo", "auditor", "support")
EVERYBODY = {*ROLES, "root"}
WITH_ACCOUNT = set(ROLES)
# What others get: the door of the console or of the portal, or a page that is not there for them.
SIGN_IN, PORTAL, MISSING = "/console/sign-in", "/", 404


class Row(NamedTuple):
    """`allowed` get 200 for GET and are let through for POST; a stranger gets `stranger`: a place to go, or a code."""

    route: str
    method: str
    allowed: set[str]
    stranger: str | int = SIGN_IN


TABLE = [
    Row("console/", "GET", EVERYBODY),
    Row("console/sign-in", "GET", set(), 200),
    Row("console/sign-in", "POST", set(), 422),
    Row("console/sign-in/code", "GET", set(), SIGN_IN),
    Row("console/sign-in/code", "POST", set(), SIGN_IN),
    Row("console/sign-in/root", "GET", set(), MISSING),
    Row("console/sign-in/root", "POST", set(), MISSING),
    Row("console/oidc/start", "GET", set(), MISSING),
    Row("console/oidc/link", "GET", set(), MISSING),
    Row("console/oidc/confirm", "GET", set(), MISSING),
    Row("console/oidc/callback", "GET", set(), MISSING),
    Row("console/sign-out", "POST", EVERYBODY),
    Row("console/signed-out", "GET", EVERYBODY, 200),
    Row("console/confirm", "GET", EVERYBODY),
    Row("console/confirm", "POST", EVERYBODY),
    Row("console/me", "GET", WITH_ACCOUNT),
    Row("console/me/password", "GET", WITH_ACCOUNT),
    Row("console/me/password", "POST", WITH_ACCOUNT),
    Row("console/me/second-factor", "GET", WITH_ACCOUNT),
    Row("console/me/second-factor", "POST", WITH_ACCOUNT),
    Row("console/me/recovery-codes", "GET", WITH_ACCOUNT),
    Row("console/me/recovery-codes", "POST", WITH_ACCOUNT),
    Row("console/me/sessions/<str:session>/end", "POST", WITH_ACCOUNT),
    Row("console/requests", "GET", EVERYBODY),
    Row("console/requests.csv", "GET", EVERYBODY),
    Row("console/requests/find", "POST", EVERYBODY),
    Row("console/requests/together", "GET", {"admin", "dpo", "root"}),
    Row("console/requests/together/<slug:kind>", "GET", {"admin", "dpo", "root"}),
    Row("console/requests/together/<slug:kind>", "POST", {"admin", "dpo", "root"}),
    Row("console/requests/<uuid:rtoken>", "GET", EVERYBODY),
    Row("console/requests/<uuid:rtoken>/assign", "POST", {"admin", "dpo", "root"}),
    Row("console/requests/<uuid:rtoken>/comment", "POST", {"admin", "dpo", "root"}),
    Row("console/requests/<uuid:rtoken>/evidence", "POST", {"admin", "dpo", "root"}),
    Row("console/requests/<uuid:rtoken>/<slug:step>", "POST", {"admin", "dpo", "root"}),
    Row("console/people", "GET", EVERYBODY),
    Row("console/people", "POST", EVERYBODY),
    # Where listing is on: see test_people_listing.py.
    Row("console/people/all", "GET", set()),
    Row("console/people/all/unlock", "POST", set()),
    Row("console/people/ending", "GET", {"admin", "dpo", "support", "root"}),
    Row("console/people/<uuid:person>", "GET", EVERYBODY),
    Row("console/people/<uuid:person>/report", "GET", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/report", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/reveal", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/data", "GET", {"admin", "dpo", "support", "root"}),
    Row("console/people/<uuid:person>/data/reveal", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/agreements", "GET", {"admin", "dpo", "support", "root"}),
    Row("console/people/<uuid:person>/requests", "GET", EVERYBODY),
    Row("console/people/<uuid:person>/trail", "GET", EVERYBODY),
    Row("console/people/<uuid:person>/rights", "GET", {"admin", "dpo", "support", "root"}),
    Row("console/people/<uuid:person>/object", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/object/withdraw", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/expire", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/expire/cancel", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/edit", "GET", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/edit", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/edit/preview", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/edit/save", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/restrict", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/lift", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/erase", "GET", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/erase", "POST", {"admin", "dpo", "root"}),
    Row("console/people/<uuid:person>/keep", "POST", {"admin", "dpo", "root"}),
    Row("console/audit", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/audit.csv", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/audit.jsonl", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/audit/find", "POST", {"admin", "dpo", "auditor", "root"}),
    Row("console/audit/<uuid:event>", "GET", EVERYBODY),
    Row("console/audit/<uuid:event>/proof.json", "GET", EVERYBODY),
    Row("console/bases", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/bases/new", "GET", {"admin", "dpo", "root"}),
    Row("console/bases/new", "POST", {"admin", "dpo", "root"}),
    Row("console/bases/<int:basis>", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/bases/<int:basis>/edit", "GET", {"admin", "dpo", "root"}),
    Row("console/bases/<int:basis>/edit", "POST", {"admin", "dpo", "root"}),
    Row("console/bases/<int:basis>/delete", "GET", {"admin", "dpo", "root"}),
    Row("console/bases/<int:basis>/delete", "POST", {"admin", "dpo", "root"}),
    Row("console/bases/<int:basis>/revoke", "GET", {"admin", "dpo", "root"}),
    Row("console/bases/<int:basis>/revoke", "POST", {"admin", "dpo", "root"}),
    Row("console/activities", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/activities.csv", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/activities.pdf", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/activities/new", "GET", {"admin", "dpo", "root"}),
    Row("console/activities/new", "POST", {"admin", "dpo", "root"}),
    Row("console/activities/<int:activity>", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/activities/<int:activity>/edit", "GET", {"admin", "dpo", "root"}),
    Row("console/activities/<int:activity>/edit", "POST", {"admin", "dpo", "root"}),
    Row("console/activities/<int:activity>/delete", "GET", {"admin", "dpo", "root"}),
    Row("console/activities/<int:activity>/delete", "POST", {"admin", "dpo", "root"}),
    Row("console/activities/<int:activity>/link", "POST", {"admin", "dpo", "root"}),
    Row("console/activities/<int:activity>/unlink", "POST", {"admin", "dpo", "root"}),
    Row("console/accounts", "GET", {"admin", "auditor", "root"}),
    Row("console/accounts/new", "GET", {"admin", "root"}),
    Row("console/accounts/new", "POST", {"admin", "root"}),
    Row("console/accounts/<int:account>", "GET", {"admin", "auditor", "root"}),
    Row("console/accounts/<int:account>/role", "POST", {"admin", "root"}),
    Row("console/accounts/<int:account>/disable", "POST", {"admin", "root"}),
    Row("console/accounts/<int:account>/enable", "POST", {"admin", "root"}),
    Row("console/accounts/<int:account>/password", "POST", {"admin", "root"}),
    Row("console/accounts/<int:account>/second-factor", "POST", {"admin", "root"}),
    Row("console/tokens", "GET", {"admin", "root"}),
    Row("console/tokens/new", "GET", {"admin", "root"}),
    Row("console/tokens/new", "POST", {"admin", "root"}),
    Row("console/tokens/<int:token>", "GET", {"admin", "root"}),
    Row("console/tokens/<int:token>/revoke", "POST", {"admin", "root"}),
    Row("console/keys", "GET", {"admin", "root"}),
    Row("console/keys/rotate", "GET", {"admin", "root"}),
    Row("console/keys/rotate", "POST", {"admin", "root"}),
    Row("console/keys/<int:key>/retire", "GET", {"admin", "root"}),
    Row("console/keys/<int:key>/retire", "POST", {"admin", "root"}),
    Row("console/messages", "GET", {"admin", "root"}),
    Row("console/messages/retry", "POST", {"admin", "root"}),
    Row("console/messages/drop", "GET", {"admin", "root"}),
    Row("console/messages/drop", "POST", {"admin", "root"}),
    Row("console/jobs", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/incidents", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/incidents/<int:incident>", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("console/incidents/<int:incident>", "POST", {"admin", "dpo", "root"}),
    Row("console/settings", "GET", {"admin", "dpo", "auditor", "root"}),
    Row("", "GET", EVERYBODY, 200),
    Row("", "POST", set(), 422),
    Row("code", "GET", set(), PORTAL),
    Row("code", "POST", set(), 422),
    Row("sign-out", "POST", set(), PORTAL),
    Row("receipt", "GET", EVERYBODY, 200),
    Row("receipt", "POST", EVERYBODY, 200),
    Row("cookies", "GET", EVERYBODY, 200),
    Row("cookies.js", "GET", EVERYBODY, 200),
    Row("my/data", "GET", set(), PORTAL),
    Row("my/data/edit", "GET", set(), PORTAL),
    Row("my/data/edit", "POST", set(), PORTAL),
    Row("my/data/apps/<str:app>/edit", "GET", set(), PORTAL),
    Row("my/data/apps/<str:app>/edit", "POST", set(), PORTAL),
    Row("my/consents", "GET", set(), PORTAL),
    Row("my/consents/<str:brief>", "GET", set(), PORTAL),
    Row("my/consents/<str:brief>/accept", "POST", set(), PORTAL),
    Row("my/consents/<str:brief>/withdraw", "POST", set(), PORTAL),
    Row("my/requests", "GET", set(), PORTAL),
    Row("my/requests/<uuid:rtoken>", "GET", set(), PORTAL),
    Row("my/requests/<uuid:rtoken>/cancel", "POST", set(), PORTAL),
    Row("my/report.<slug:form>", "GET", set(), PORTAL),
    Row("my/accesses", "GET", set(), PORTAL),
    Row("my/sign-ins", "GET", set(), PORTAL),
    Row("my/sign-ins/end", "POST", set(), PORTAL),
    Row("my/sessions/end", "POST", set(), PORTAL),
    Row("my/shares", "GET", set(), PORTAL),
    Row("my/shares/end", "POST", set(), PORTAL),
    Row("my/rights", "GET", set(), PORTAL),
    Row("my/rights/restrict", "POST", set(), PORTAL),
    Row("my/rights/lift", "POST", set(), PORTAL),
    Row("my/rights/object", "POST", set(), PORTAL),
    Row("my/rights/withdraw-objection", "POST", set(), PORTAL),
    Row("my/rights/withdraw-deletion", "POST", set(), PORTAL),
    Row("my/delete", "GET", set(), PORTAL),
    Row("my/delete", "POST", set(), PORTAL),
]
# The doors do the same for everybody, whoever has signed in elsewhere.
_DOORS = {"console/sign-in", "console/sign-in/code", "console/sign-in/root", "", "code", "sign-out"}


def pages(resolver: URLResolver | None = None, prefix: str = "") -> list[tuple[str, str]]:
    """Every method of every page that there is."""
    found = []
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            view: Any = getattr(pattern.callback, "view_class", object)
            if issubclass(view, Page):
                found += [(route, method.upper()) for method in ("get", "post") if hasattr(view, method)]
        else:
            found += pages(pattern, route)
    return found


def test_every_method_of_every_page_has_a_row() -> None:
    assert sorted((row.route, row.method) for row in TABLE) == sorted(pages())


def test_every_page_that_there_is_to_read_is_looked_at_in_a_browser() -> None:
    """A new one is named in browser/visits.py, where axe and the width of a phone try it."""
    there = {route for route, method in pages() if method == "GET"}
    assert there - {*visits.visited(), *visits.ELSEWHERE, *visits.FILES} == set()
    nobody = dict.fromkeys(("person", "request", "change", "event"), str(uuid.uuid4())) | {"incident": "1"}
    for route, addresses in visits.visited().items():
        assert resolve(addresses[0].format(**nobody).partition("?")[0]).route == route
    for file, test in visits.ELSEWHERE.values():
        assert f"def {test}(" in (Path(visits.__file__).parent / file).read_text()


def of_kind(kind: str, settings: Any) -> Visitor:
    if kind != "root":
        return make_account(f"the-{kind}", kind).sign_in()
    settings.CONSOLE_BREAK_GLASS = True
    visitor = Visitor()
    assert visitor.post("/console/sign-in/root", token=new_token(TokenKind.ROOT)).status_code == 303
    return visitor


def path_of(row: Row, visitor: Visitor, other: Visitor) -> str:
    own = WebSession.objects.filter(account=visitor.account or None).first()
    path = row.route.replace("<int:account>", str(other.account))
    if "<int:token>" in path:
        path = path.replace("<int:token>", str(token_of_an_application()))
    path = path.replace("<str:app>", "shop").replace("<str:brief>", "news").replace("<slug:form>", "json")
    if "<int:key>" in path:
        path = path.replace("<int:key>", str(old_key()))
    if "<int:basis>" in path or "<int:activity>" in path:
        basis, activity = registered()
        path = path.replace("<int:basis>", str(basis)).replace("<int:activity>", str(activity))
    if "<int:incident>" in path:
        path = path.replace("<int:incident>", str(incident_of_a_token()))
    if "<uuid:event>" in path:
        path = path.replace("<uuid:event>", sealed_event())
    if "<uuid:person>" in path:
        path = path.replace("<uuid:person>", Api(token=new_token(TokenKind.ROOT)).create(login=f"p{uuid.uuid4().hex}"))
    path = path.replace("<slug:kind>", "change-profile")
    if "<uuid:rtoken>" in path:
        path = path.replace("<uuid:rtoken>", request_of_somebody()).replace("<slug:step>", "extend")
    return "/" + path.replace("<str:session>", own.digest.hex() if own else "00")


def registered() -> tuple[int, int]:
    """The numbers of a legal basis and of a processing activity that rests on it."""
    root = Api(token=new_token(TokenKind.ROOT))
    root.post("/v1/lbasis/news", {"shortdesc": "Letters"})
    root.post("/v1/lbasis/offers", {"shortdesc": "Offers"})
    root.post("/v1/pactivity/letters", {"legalbasis": "news"})
    return LegalBasis.objects.get(brief="news").id, ProcessingActivity.objects.get(activity="letters").id


def request_of_somebody() -> str:
    """The token of a request that waits for a decision."""
    root = Api(token=new_token(TokenKind.ROOT))
    person = root.create(login=f"p{uuid.uuid4().hex}", n=1)
    return asked(root.as_person(person), "DELETE", f"/v1/user/token/{person}")


def token_of_an_application() -> int:
    """The number of an access token."""
    new_token(TokenKind.ADMIN)
    return int(AccessToken.objects.latest("pk").pk)


def old_key() -> int:
    """The number of a data key that has been replaced."""
    old = store.current_keyring().newest(Purpose.DATA).id
    rotate_key(operator())
    return old


def incident_of_a_token() -> int:
    """The number of an incident that nobody has acknowledged."""
    kind, start = IncidentKind.HOUR.value, Incident.objects.count() * 7200
    return int(
        Incident.objects.create(
            tenant=1, kind=kind, actor_kind=2, token_id=1, start=start, last=start + 60, people=90, usual=9
        ).pk
    )


def sealed_event() -> str:
    """The id of an event that can be proved."""
    seal_everything(tell=lambda _: None)
    return str(Event.objects.order_by("id").values_list("id", flat=True)[0])


def ask(visitor: Visitor, row: Row, path: str) -> Any:
    return visitor.get(path) if row.method == "GET" else visitor.post(path)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: f"{row.method} /{row.route}")
def test_strangers_get_no_further_than_the_door(visitor: Visitor, row: Row) -> None:
    other = make_account("bob", "support")
    answer = ask(visitor, row, path_of(row, visitor, other))
    if isinstance(row.stranger, int):
        assert answer.status_code == row.stranger
    else:
        assert answer.status_code in (302, 303)
        assert answer["Location"].partition("?")[0] == row.stranger


@pytest.mark.parametrize("kind", [*ROLES, "root"])
def test_each_role_gets_its_pages_and_no_other(vault: None, settings: Any, kind: str) -> None:
    other = make_account("bob", "support")
    visitor = of_kind(kind, settings)
    for row in TABLE:
        if row.route in _DOORS or row.route.startswith("my/"):
            continue
        if row.route == "console/sign-out" or "session" in row.route or visitor.get("/console/").status_code != 200:
            visitor = again(visitor, kind, settings)
        answer = ask(visitor, row, path_of(row, visitor, other))
        allowed = answer.status_code not in (403, 404)
        assert allowed is (kind in row.allowed or row.stranger == 200), (row, answer.status_code, answer.headers)


def again(visitor: Visitor, kind: str, settings: Any) -> Visitor:
    """The same one, with a session of its own for a page that ends it."""
    if kind == "root":
        return of_kind(kind, settings)
    Account.objects.filter(pk=visitor.account).update(totp_step=0)  # there are but three codes at a moment
    return Visitor(name=visitor.name, account=visitor.account, secret=visitor.secret).sign_in()


def test_an_account_of_another_tenant_is_not_found(admin: Visitor) -> None:
    from databunker.access.actor import Actor, ActorKind
    from databunker.accounts import actions

    foreign = actions.create_account(Actor(ActorKind.OPERATOR, tenant=2), name="eve", role="admin")
    assert admin.get(f"/console/accounts/{foreign.id}").status_code == 404
    assert admin.post(f"/console/accounts/{foreign.id}/disable").status_code == 404
