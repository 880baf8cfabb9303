"""Signing in at an OpenID Connect provider: a real one, which also lies."""

from __future__ import annotations

import http.client
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import time_machine
from cryptography.hazmat.primitives.asymmetric import ec

from audit.models import Event
from databunker.accounts import events, oidc
from databunker.accounts.models import Account, WebSession
from tests.support.oidc import Provider

from .conftest import PASSWORD, Visitor, make_account, text_of


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    oidc.forget_cached()
    with Provider() as running:
        settings.CONSOLE_OIDC_ISSUER, settings.CONSOLE_OIDC_CLIENT_ID = running.issuer, "vault"
        settings.CONSOLE_OIDC_CLIENT_SECRET, settings.CONSOLE_OIDC_NAME = "s3cret", "Example Login"
        settings.OUTGOING_ALLOW_PRIVATE = ["127.0.0.0/8"]
        settings.PAGES_HTTPS = False
        settings.CSRF_COOKIE_NAME = "csrf"
        yield running
    oidc.forget_cached()


def at_provider(answer: Any) -> str:
    """Where the provider sends the browser back to: path and query."""
    assert answer.status_code == 302, answer.content
    parts = urlsplit(answer["Location"])
    connection = http.client.HTTPConnection("127.0.0.1", parts.port)
    connection.request("GET", f"{parts.path}?{parts.query}")
    back = urlsplit(connection.getresponse().headers["Location"])
    connection.close()
    assert back.path == "/console/oidc/callback"
    return f"{back.path}?{back.query}"


def through(visitor: Visitor, path: str = "/console/oidc/start") -> Any:
    return visitor.get(at_provider(visitor.get(path)))


@pytest.fixture
def ada(vault: None, provider: Provider) -> Visitor:
    """Linked with somebody at the provider, and not signed in."""
    ada = make_account("ada", "admin", factor=False)
    ada.post("/console/sign-in", name="ada", password=PASSWORD)
    account = Account.objects.get()
    from databunker.accounts import rows

    opened = rows.by_id(account.pk, tenant=1)
    rows.save(opened, identity=rows.identity_digest(provider.issuer, provider.subject, tenant=1))
    return Visitor(name="ada", account=account.pk)


def told(event: Any) -> int:
    return Event.objects.filter(type=event.number).count()


def test_whoever_is_linked_comes_in(ada: Visitor, settings: Any) -> None:
    settings.CONSOLE_OIDC_SECOND_FACTOR = True
    assert "Sign in with Example Login" in text_of(ada.get("/console/sign-in"))
    answer = ada.get("/console/oidc/start?next=/console/accounts")
    query = parse_qs(urlsplit(answer["Location"]).query)
    assert query["redirect_uri"] == ["http://localhost/console/oidc/callback"]
    answer = ada.get(at_provider(answer))
    assert (answer.status_code, answer["Location"]) == (303, "/console/accounts")
    assert ada.get("/console/accounts").status_code == 200


def test_the_own_second_factor_is_asked_for_unless_the_provider_does(vault: None, provider: Provider) -> None:
    bob = make_account("bob", "dpo")
    from databunker.accounts import rows

    rows.save(
        rows.by_id(bob.account, tenant=1), identity=rows.identity_digest(provider.issuer, provider.subject, tenant=1)
    )
    answer = through(bob)
    assert answer["Location"] == "/console/sign-in/code"
    assert bob.get("/console/")["Location"].startswith("/console/sign-in?")
    assert bob.post("/console/sign-in/code", code=bob.code())["Location"] == "/console/"


def test_an_account_is_linked_by_its_owner(vault: None, provider: Provider) -> None:
    bob = make_account("bob", "dpo").sign_in()
    assert through(bob, "/console/oidc/link")["Location"] == "/console/me"
    assert "linked" in text_of(bob.get("/console/me"))
    assert told(events.IDENTITY_LINKED) == 1
    eve = make_account("eve", "dpo").sign_in()
    answer = through(eve, "/console/oidc/link")
    assert answer.status_code == 409
    assert "another account signs in by this identity" in text_of(answer)


def test_a_link_is_made_for_the_account_that_has_begun_it(vault: None, provider: Provider) -> None:
    """Eve's answer of the provider, brought into Bob's browser, would let her sign in as him."""
    eve, bob = make_account("eve", "dpo").sign_in(), make_account("bob", "dpo").sign_in()
    for path in ("/console/oidc/link", "/console/oidc/start"):
        back = at_provider(eve.get(path))
        bob.client.cookies["oidc"] = eve.client.cookies["oidc"].value
        bob.get(back)
    assert told(events.IDENTITY_LINKED) == 0
    assert not Account.objects.exclude(identity=None).exists()


def test_a_link_is_made_only_by_whom_was_asked_lately_who_it_is(vault: None, provider: Provider, settings: Any) -> None:
    bob = make_account("bob", "dpo").sign_in()
    back = at_provider(bob.get("/console/oidc/link"))
    with time_machine.travel(time.time() + 60 * settings.CONSOLE_CONFIRM_MINUTES, tick=True):
        answer = bob.get(back)
    assert (answer.status_code, answer["Location"]) == (303, "/console/confirm?next=%2Fconsole%2Fme")
    assert told(events.IDENTITY_LINKED) == 0


def test_somebody_whom_no_account_is_linked_with_is_refused(ada: Visitor, provider: Provider) -> None:
    provider.subject = "somebody else"
    answer = through(ada)
    assert answer.status_code == 403
    assert "Not signed in" in text_of(answer)
    assert told(events.SIGN_IN_REFUSED) == 1
    assert "somebody else" not in answer.content.decode()


def lies(provider: Provider) -> dict[str, Any]:
    now = int(time.time())
    return {
        "another key": {"signs_with": ec.generate_private_key(ec.SECP256R1())},
        "an unknown key": {"header": {"kid": "two"}},
        "no signature": {"signs_with": None, "algorithm": "none"},
        "a signature by the client's secret": {"signs_with": "s3cret" * 8, "algorithm": "HS256"},
        "another issuer": {"claims": {"iss": "http://127.0.0.1:1"}},
        "another client": {"claims": {"aud": "shop"}},
        "several clients, and not said for which": {"claims": {"aud": ["vault", "shop"]}},
        "for another client": {"claims": {"aud": ["vault", "shop"], "azp": "shop"}},
        "too old": {"claims": {"exp": now - 60}},
        "from the future": {"claims": {"iat": now + 600}},
        "another browser's": {"claims": {"nonce": "x"}},
        "without a nonce": {"claims": {"nonce": None}},
        "without an end": {"claims": {"exp": None}},
        "nobody": {"claims": {"sub": ""}},
    }


@pytest.mark.parametrize("lie", list(lies(None)))
def test_an_id_token_that_proves_nothing_lets_nobody_in(ada: Visitor, provider: Provider, lie: str) -> None:
    for name, value in lies(provider)[lie].items():
        setattr(provider, name, value)
    answer = through(ada)
    assert answer.status_code == 403
    assert ada.get("/console/")["Location"].startswith("/console/sign-in?")


def test_an_answer_is_good_for_the_browser_that_asked_and_once(ada: Visitor, provider: Provider) -> None:
    back = at_provider(ada.get("/console/oidc/start"))
    assert Visitor().get(back).status_code == 403, "another browser"
    assert ada.get(back.replace("state=", "state=x")).status_code == 403
    back = at_provider(ada.get("/console/oidc/start"))
    assert ada.get(back).status_code == 303
    assert ada.get(back).status_code == 403, "the code is used, and the cookie gone"
    back = at_provider(ada.get("/console/oidc/start"))
    assert ada.get(back.replace(f"iss={'http'}", "iss=https")).status_code == 403, "the answer of another provider"
    back = at_provider(ada.get("/console/oidc/start"))
    with time_machine.travel(time.time() + 601):
        assert ada.get(back).status_code == 403, "too late"


def test_strangers_leave_nothing_in_the_database(ada: Visitor) -> None:
    before = WebSession.objects.count()
    ada.get("/console/oidc/start")
    assert WebSession.objects.count() == before


def test_confirming_there_needs_a_fresh_login_there(ada: Visitor, provider: Provider, settings: Any) -> None:
    settings.CONSOLE_OIDC_SECOND_FACTOR = True
    through(ada)
    with time_machine.travel(time.time() + 360, tick=True):
        assert ada.get("/console/accounts/new")["Location"].startswith("/console/confirm?")
        asked = ada.get("/console/oidc/confirm?next=/console/accounts/new")
        assert "prompt=login&max_age=0" in asked["Location"]
        provider.claims = {"auth_time": int(time.time()) - 3600}
        assert ada.get(at_provider(asked)).status_code == 403
        provider.claims = {}
        answer = through(ada, "/console/oidc/confirm?next=/console/accounts/new")
        assert answer["Location"] == "/console/accounts/new"
        assert ada.get("/console/accounts/new").status_code == 200
        provider.subject = "somebody else"
        assert through(ada, "/console/oidc/confirm").status_code == 403


def test_what_the_provider_says_of_itself_is_believed_for_its_own_hosts(
    ada: Visitor, provider: Provider, settings: Any
) -> None:
    for metadata in (
        {"token_endpoint": "http://evil.example/token"},
        {"jwks_uri": "file:///etc/passwd"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"issuer": "http://127.0.0.1:1"},
    ):
        oidc.forget_cached()
        provider.metadata = metadata
        answer = ada.get("/console/oidc/start")
        if answer.status_code == 302:
            ada.client.raise_request_exception = False
            answer = ada.get(at_provider(answer))
        ada.client.raise_request_exception = False
        assert answer.status_code == 503, metadata
    settings.PAGES_HTTPS = True
    oidc.forget_cached()
    provider.metadata = {}
    stranger = Visitor()
    stranger.client.raise_request_exception = False
    assert stranger.get("/console/oidc/start").status_code == 503, "without HTTPS"


def test_keys_are_kept_and_asked_for_anew_now_and_then(ada: Visitor, provider: Provider) -> None:
    for _ in range(3):
        through(ada)
    assert provider.asked.count("/jwks") == 1
    provider.header = {"kid": "unknown"}
    through(ada)
    assert provider.asked.count("/jwks") == 1, "not at every token that names another"
