"""How the tests through the door look behind it: at the tables, and at what the trail says."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import quote

import orjson
from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpResponse
from django.urls import URLPattern, URLResolver, get_resolver

from audit import trail
from audit.events import Outcome, by_number
from audit.models import Event
from databunker.access.actor import ActorKind
from databunker.access.models import DEFAULT_TENANT
from databunker.api.endpoint import Endpoint
from databunker.crypto import envelope, store
from databunker.db import statements
from tests.conftest import Api
from vault import references, storage

__all__ = [
    "ANN",
    "MARKER",
    "MODES",
    "Told",
    "assert_refused",
    "assert_silent",
    "contents",
    "found",
    "opened",
    "path",
    "routes",
    "subject_of",
    "told_by",
    "unreachable_database",
]

# Stands in everything that is sent where something is refused, and must stand in nothing that is answered.
MARKER = "Zx9marker"

# What would show that an answer was not written by us.
GIVEAWAYS = (
    MARKER,
    "Traceback",
    "Exception",
    "Error",
    "SELECT",
    "INSERT",
    "vault_",
    "audit_",
    ".py",
    "/usr",
    "django",
    "<html",
)

OURS = ("access", "crypto", "erasure", "gdpr", "notify", "vault")


def subject_of(token: str) -> bytes:
    """The reference under which the person's rows stand."""
    return references.subject_of(uuid.UUID(token), tenant=DEFAULT_TENANT)


def assert_silent(content: bytes) -> None:
    """Nothing of the input, nothing of the inside."""
    text = content.decode()
    assert [giveaway for giveaway in GIVEAWAYS if giveaway in text] == []


def contents() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but the trail's: what a refused call must leave as it was."""
    return {
        model._meta.db_table: sorted(model._default_manager.values_list(*_columns(model)), key=repr)
        for label in OURS
        for model in apps.get_app_config(label).get_models()
    }


def _columns(model: Any) -> list[str]:
    return [field.attname for field in model._meta.concrete_fields if field.concrete and field.column]


class Told(NamedTuple):
    """One event in words, its detail opened where a key is left."""

    code: str
    outcome: str
    who: str
    subject: bytes | None
    detail: dict[str, Any]
    request: uuid.UUID


@contextmanager
def told_by() -> Iterator[list[Told]]:
    """The events written inside the block, oldest first; the list is filled when it ends."""
    before = set(Event.objects.values_list("id", flat=True))
    told: list[Told] = []
    yield told
    told += [_told(event) for event in Event.objects.exclude(id__in=before).order_by("id")]


def _told(event: Event) -> Told:
    return Told(
        by_number(event.type).code,
        Outcome(event.outcome).name.lower(),
        ActorKind(event.actor_kind).label,
        event.subject,
        opened(event),
        event.request,
    )


def opened(event: Event) -> dict[str, Any]:
    """The sealed detail of an event; empty where there is none or its key was destroyed."""
    if event.detail is None:
        return {}
    place = trail.detail_place(event.id, event.tenant)
    if not trail.sealed_by_person(event.subject, event.outcome):
        return orjson.loads(store.current_keyring().open_detail(event.detail, place))
    record = storage.by_subject(event.tenant, event.subject)
    if record is None or envelope.key_id_of(event.detail) != record.row.generation:
        return {}
    return orjson.loads(record.key.open(event.detail, place))


def assert_refused(answer: HttpResponse, status: int, message: str | None = None) -> None:
    """An error in the one form that all have."""
    assert answer.status_code == status, answer.content
    body = answer.json()
    assert set(body) == {"status", "message"}
    assert body["status"] == "error"
    if message is not None:
        assert body["message"] == message


def routes(resolver: URLResolver | None = None, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Every route of the API, and of what else programs ask, with its endpoint. Pages are tried in tests/pages."""
    for pattern in (resolver or get_resolver()).url_patterns:
        route = prefix + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            endpoint = getattr(pattern.callback, "view_class", object)
            if issubclass(endpoint, Endpoint):
                yield route, endpoint
        else:
            yield from routes(pattern, route)


@contextmanager
def unreachable_database() -> Iterator[None]:
    """This thread's connection leads nowhere: to a closed port, or to a folder that isn't there."""
    usable = connections[DEFAULT_DB_ALIAS]
    nowhere = {"NAME": "/nonexistent/nowhere.sqlite3"} if usable.vendor == "sqlite" else {"PORT": "1"}
    broken = type(usable)({**usable.settings_dict, **nowhere}, DEFAULT_DB_ALIAS)
    connections[DEFAULT_DB_ALIAS] = statements._thread.connection = broken
    try:
        yield
    finally:
        connections[DEFAULT_DB_ALIAS] = statements._thread.connection = usable


# --- a person, and how to find one -------------------------------------------------------------------------------------


ANN = {
    "login": "ann",
    "email": "ann@example.com",
    "phone": "+447700900001",
    "custom": "customer-42",
    "name": {"first": "Ann", "last": "Example"},
}
MODES = ("login", "email", "phone", "custom")


def path(mode: str, identity: str) -> str:
    return f"/v1/user/{mode}/{quote(identity, safe='')}"


def found(api: Api, mode: str, identity: str) -> Any:
    """The token found by this identity, or None."""
    answer = api.get(path(mode, identity))
    if answer.status_code == 404:
        assert_refused(answer, 404, "record not found")
        return None
    assert answer.status_code == 200, answer.content
    return answer.json()["token"]
