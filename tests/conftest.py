"""A vault ready for use, and clients of every kind."""

from __future__ import annotations

import gc
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import orjson
import pytest
from django.db import connection
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test import client as client_module

from databunker.access import leases, tokens
from databunker.access.actor import Actor, ActorKind
from databunker.access.models import DEFAULT_TENANT, Tenant, TokenKind
from databunker.api.handler import Request, answered
from databunker.api.routing import Routes
from databunker.crypto import store
from tests.support.described import assert_described
from vault import references

# The test client makes its requests as the server does, and the API's endpoints are called as the server calls them.
client_module.WSGIRequest = Request


class ClientHandler(client_module.ClientHandler):
    def load_middleware(self, is_async: bool = False) -> None:
        """Only when a page is asked for: the API's calls don't go through it, and each has a client of its own."""
        self._middleware_chain = self._answer_first

    def _answer_first(self, request: Request) -> HttpResponseBase:
        super().load_middleware()
        return self._middleware_chain(request)

    def get_response(self, request: Request) -> HttpResponseBase:
        match = _routes().find(request.path_info)
        return super().get_response(request) if match is None else answered(request, match)


@cache
def _routes() -> Routes:
    return Routes()


client_module.ClientHandler = ClientHandler

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


_NO_DATABASE = ("tests/unit/", "tests/fuzz/", "tests/documents/")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What asks for no database, or says that none matters, is the same on each: it is tried on SQLite only."""
    if connection.vendor == "sqlite":
        return
    free = [item for item in items if _is_independent(item)]
    config.hook.pytest_deselected(items=free)
    kept = set(items) - set(free)
    items[:] = [item for item in items if item in kept]


def pytest_collection_finish() -> None:
    """All that is loaded stays. To look through it for garbage again and again is a seventh of the time of a test."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def _is_independent(item: pytest.Item) -> bool:
    if item.get_closest_marker("database_independent") is not None:
        return True
    return item.nodeid.startswith(_NO_DATABASE) and not _asks_for_database(item)


def _asks_for_database(item: pytest.Item) -> bool:
    fixtures = getattr(item, "fixturenames", ())
    return item.get_closest_marker("django_db") is not None or not {"db", "transactional_db"}.isdisjoint(fixtures)


@pytest.fixture(scope="session", autouse=True)
def _flushed_quickly() -> None:
    """To truncate many tables takes PostgreSQL a fifth of a second, however few rows a test has written."""
    if connection.vendor == "postgresql":
        connection.ops.sql_flush = _deletions


def _deletions(_style: object, tables: list[str], **_options: object) -> list[str]:
    """Statements that empty the tables, in one transaction, without a look at who refers to whom."""
    deletions = [f"DELETE FROM {connection.ops.quote_name(table)}" for table in tables]
    return ["; ".join(["SET LOCAL session_replication_role = replica", *deletions])]


@pytest.fixture(autouse=True)
def _fresh_caches() -> Iterator[None]:
    """Every test has a database of its own, and so keys of its own."""
    store._watches.clear()
    _forget()
    yield
    _forget()


def _forget() -> None:
    store.forget_cached()
    tokens.forget_cached()
    leases.forget_leases()


def make_vault() -> None:
    """What `manage.py init` does, without the migrations: keyring and tenant."""
    master = store.configured_master_key()
    assert master is not None
    store.create_keyring(master)
    Tenant.objects.get_or_create(id=DEFAULT_TENANT, defaults={"name": "default", "created": 0})


@pytest.fixture
def vault(db: None) -> None:
    """A vault; each test is rolled back."""
    make_vault()


@pytest.fixture
def committed_vault(transactional_db: None) -> None:
    """A vault whose transactions really commit, for tests with threads, processes or broken databases."""
    make_vault()


@pytest.fixture
def root_actor() -> Actor:
    return Actor(kind=ActorKind.ROOT, token_id=1)


def new_token(kind: TokenKind, *, expires: int | None = None, person: str | None = None) -> str:
    """A stored access token of this kind; `person` is the person's token."""
    text = str(uuid.uuid4())
    subject = references.subject_of(uuid.UUID(person), tenant=DEFAULT_TENANT) if person else None
    tokens.add_token(token=text, kind=kind, subject=subject, expires=expires, label="test")
    return text


@dataclass
class Api:
    """Speaks to the API as one caller. Bodies that are no str or bytes are sent as JSON."""

    token: str | None = None

    def call(self, method: str, path: str, body: Any = None, *, content_type: str = JSON, **meta: str) -> HttpResponse:
        data = body if isinstance(body, str | bytes) else b"" if body is None else orjson.dumps(body)
        headers = {"HTTP_X_BUNKER_TOKEN": self.token} if self.token is not None else {}
        client = Client(raise_request_exception=True)
        # As a WSGI server gives it: the query string apart, the path percent-decoded once.
        answer = client.generic(method, path, data, content_type=content_type, **headers, **meta)
        if answer.streaming:
            answer.streamed = answer.getvalue()  # to its end, as a client does
        assert_described(method, path, answer)
        return answer

    def get(self, path: str, **meta: str) -> HttpResponse:
        return self.call("GET", path, **meta)

    def post(self, path: str, body: Any = None, **options: str) -> HttpResponse:
        return self.call("POST", path, body, **options)

    def put(self, path: str, body: Any = None, **options: str) -> HttpResponse:
        return self.call("PUT", path, body, **options)

    def delete(self, path: str, body: Any = None, **options: str) -> HttpResponse:
        return self.call("DELETE", path, body, **options)

    def create(self, **profile: Any) -> str:
        """Store a person; the token."""
        answer = self.post("/v1/user", profile)
        assert answer.status_code == 200, answer.content
        token: str = answer.json()["token"]
        return token

    def as_person(self, token: str) -> Api:
        """The person with this token, calling with an access token of their own."""
        return Api(new_token(TokenKind.PERSON, person=token))


@pytest.fixture
def api(vault: None) -> Api:
    """The root caller."""
    return Api(new_token(TokenKind.ROOT))


@pytest.fixture
def committed_api(committed_vault: None) -> Api:
    """The root caller, on a vault whose transactions really commit."""
    return Api(new_token(TokenKind.ROOT))


@pytest.fixture
def stranger(vault: None) -> Api:
    """A caller without a token."""
    return Api()
