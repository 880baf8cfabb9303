"""Visitors of the pages: a browser without scripts, with or without an account."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.conf import settings
from django.http import HttpResponse
from django.test import Client
from django.utils.http import urlencode
from django_otp.oath import hotp

from databunker.access.actor import operator
from databunker.access.models import TokenKind
from databunker.accounts import actions, rows
from databunker.accounts.models import Account
from databunker.ids import unix_now
from gdpr.models import LegalBasis, ProcessingActivity
from tests.conftest import FORM, Api, new_token

PASSWORD = "correct horse battery staple"
NEWS = {"brief": "news", "basistype": "consent", "module": "signup", "shortdesc": "Letters", "fulldesc": "Each month."}
LETTERS = {"activity": "letters", "title": "Monthly letters"}


@dataclass
class Visitor:
    """Looks at pages and sends their forms, with the token that each form carries."""

    client: Client = field(
        default_factory=lambda: Client(enforce_csrf_checks=True, HTTP_HOST="localhost", HTTP_ACCEPT="text/html")
    )
    name: str = ""
    account: int = 0
    secret: bytes = b""
    _step: int = 0

    def get(self, path: str, **meta: str) -> HttpResponse:
        return self.client.get(path, **meta)

    def post(self, path: str, _page: str | None = None, **fields: Any) -> HttpResponse:
        """As a browser does: load the page with the form (`_page`, or the same path), fill it in, send it."""
        if "csrf" not in " ".join(self.client.cookies):
            self.client.get(_page or "/console/sign-in")
        (name,) = [name for name in self.client.cookies if "csrf" in name]
        data = {"csrfmiddlewaretoken": self.client.cookies[name].value, **fields}
        origin = f"{'https' if settings.PAGES_HTTPS else 'http'}://localhost"
        return self.client.post(path, urlencode(data, doseq=True), content_type=FORM, HTTP_ORIGIN=origin)

    def code(self) -> str:
        """What the authenticator app shows now. Tests don't wait for the next one: the used one is forgotten."""
        Account.objects.filter(pk=self.account).update(totp_step=0)
        return f"{hotp(self.secret, unix_now() // 30):06}"

    def sign_in(self) -> Visitor:
        answer = self.post("/console/sign-in", name=self.name, password=PASSWORD)
        if self.secret:
            assert answer["Location"] == "/console/sign-in/code", answer
            answer = self.post("/console/sign-in/code", code=self.code())
        assert answer.status_code == 303, text_of(answer)
        return self


def text_of(answer: Any) -> str:
    """A page as its reader sees it."""
    body = re.sub(r"(?s)<(script|style|head).*?</\1>", " ", answer.content.decode())
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def make_account(name: str, role: str, *, factor: bool = True) -> Visitor:
    """Somebody with an account, who has not signed in."""
    made = actions.create_account(operator(), name=name, role=role, password=PASSWORD)
    visitor = Visitor(name=name, account=made.id)
    if factor:
        visitor.secret = name.encode().ljust(20, b"\1")
        account = rows.by_id(made.id, tenant=1)
        rows.save(account, private=rows.Private(name, "", account.private.password, totp=visitor.secret.hex()))
    return visitor


@pytest.fixture
def visitor(vault: None) -> Visitor:
    return Visitor()


@pytest.fixture
def channels(settings: Any) -> None:
    """Codes go out by mail, and the captcha's puzzle takes no time."""
    settings.EMAIL_HOST, settings.EMAIL_FROM, settings.CAPTCHA_PROOF_BITS = "127.0.0.1", "privacy@example.com", 4


@pytest.fixture
def admin(vault: None) -> Visitor:
    """An administrator who has signed in."""
    return make_account("ada", "admin").sign_in()


def row_of(visitor: Visitor) -> Account:
    return Account.objects.get(pk=visitor.account)


@pytest.fixture
def root(vault: None) -> Api:
    return Api(new_token(TokenKind.ROOT))


@pytest.fixture
def news(root: Api) -> int:
    """The number of a legal basis."""
    assert root.post("/v1/lbasis/news", {**NEWS, "usercontrol": True}).status_code == 200
    return LegalBasis.objects.get(brief="news").id


@pytest.fixture
def letters(root: Api) -> int:
    """The number of a processing activity."""
    assert root.post("/v1/pactivity/letters", LETTERS).status_code == 200
    return ProcessingActivity.objects.get(activity="letters").id


def cells_of(answer: Any) -> list[list[str]]:
    """The rows of the page's tables, as their reader sees them."""
    rows = re.findall(r"(?s)<tr>(.*?)</tr>", answer.content.decode())
    return [
        [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"(?s)<t[hd][^>]*>(.*?)</t[hd]>", row)]
        for row in rows
    ]
