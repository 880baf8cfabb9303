"""People with something sealed in every column that holds sealed values."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.apps import apps
from django.db import models

from audit.models import Event
from databunker import refusals
from databunker.access.actor import Actor, ActorKind
from databunker.access.models import DEFAULT_TENANT, TokenKind
from databunker.db.fields import SealedField
from gdpr import actions as workflows
from gdpr.actions import start_expiration
from tests.conftest import Api, new_token
from vault import actions, references

OTHER_TENANT = 2


@pytest.fixture(autouse=True)
def _full_bucket(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test may be refused as often as a new process may."""
    monkeypatch.setattr(refusals, "_buckets", {kind: refusals._Bucket() for kind in refusals._buckets})


@dataclass
class Person:
    """Somebody with a profile in three versions, application data in two, a session, a share, an expiration, an
    agreement, a request, an objection, and their events.
    """

    name: str
    tenant: int = DEFAULT_TENANT
    token: str = field(init=False)
    session: str = field(init=False)
    share: str = field(init=False)
    link: str = field(init=False)
    request: str = field(init=False)

    def __post_init__(self) -> None:
        actor, name = Actor(ActorKind.ADMIN, tenant=self.tenant, token_id=7), self.name
        profile = {"login": name, "email": f"{name}@example.com", "secret": f"secret of {name}"}
        self.token = str(actions.create_record(actor, profile=profile))
        who: dict[str, Any] = {"mode": "login", "identity": name}
        for number in (1, 2):
            actions.change_record(actor, **who, change={"secret": f"secret {number} of {name}"})
            actions.store_app_data(actor, **who, app="shop", data={"secret": f"basket {number} of {name}"})
        self.session = str(uuid.uuid4())
        actions.store_session(actor, session=self.session, data={"login": name, "secret": f"session of {name}"})
        workflows.save_legal_basis(actor, brief="news", wish={"shortdesc": "Letters"})
        workflows.accept_agreement(actor, brief="news", **who, wish={"referencecode": f"contract of {name}"})
        self.share = str(actions.create_share(actor, **who, wish={"partner": f"partner of {name}"}))
        self.link = str(start_expiration(actor, **who, wish={}))
        person = Actor(ActorKind.PERSON, tenant=self.tenant, token_id=8, subject=self.subject)
        asked = workflows.change_profile(person, **who, change={"secret": f"new secret of {name}"})
        self.request = str(asked.token)
        workflows.object_to_processing(person, **who, reason=f"objection of {name}")
        workflows.extend_request(actor, rtoken=self.request, reason=f"reason of {name}")

    @property
    def subject(self) -> bytes:
        return references.subject_of(uuid.UUID(self.token), tenant=self.tenant)

    def events(self) -> models.QuerySet[Event]:
        return Event.objects.filter(tenant=self.tenant, subject=self.subject).order_by("id")


@dataclass(frozen=True)
class Cell:
    """One sealed value: its row and column."""

    model: type[models.Model]
    pk: Any
    column: str

    @property
    def place(self) -> str:
        return f"{self.model._meta.db_table}.{self.column}"

    def _row(self) -> models.QuerySet[Any]:
        return self.model._default_manager.filter(pk=self.pk)

    def get(self) -> bytes:
        return bytes(self._row().values_list(self.column, flat=True).get())

    def set(self, value: bytes) -> None:
        assert self._row().update(**{self.column: value}) == 1


# What is in no row of a person's own, and the tests that move and change it all the same.
TRIED_ELSEWHERE = {
    "account": "tests/attack/test_sealed_accounts.py",
    "account_session": "tests/attack/test_sealed_accounts.py",
    "watch_canary": "tests/attack/test_sealed_accounts.py",
    "gdpr_import_progress": "tests/importing/test_resume.py",
    "notify_job": "tests/attack/test_sealed_jobs.py",
}


def sealed_columns() -> Iterator[tuple[type[models.Model], str]]:
    """Every column of the product that holds sealed values, but for those that are tried elsewhere."""
    for model in apps.get_models():
        if model._meta.db_table not in TRIED_ELSEWHERE:
            yield from ((model, column.name) for column in model._meta.fields if isinstance(column, SealedField))


def cells(**where: Any) -> list[Cell]:
    """Every sealed value in rows that have these values, in tables that have such columns."""
    found = []
    for model, column in sealed_columns():
        names = {name.partition("__")[0] for name in where}
        if names <= {known.name for known in model._meta.fields}:
            rows = model._default_manager.filter(**where).exclude(**{column: None}).order_by("pk")
            found += [Cell(model, pk, column) for pk in rows.values_list("pk", flat=True)]
    return found


@pytest.fixture
def people(vault: None) -> tuple[Person, Person, Person]:
    """Two people, and one of another tenant."""
    return Person("ann"), Person("bob"), Person("cat", tenant=OTHER_TENANT)


@pytest.fixture
def other_tenant(vault: None, monkeypatch: pytest.MonkeyPatch) -> Api:
    """The root caller of another tenant."""
    from databunker.access import tokens

    text = str(uuid.uuid4())
    tokens.add_token(token=text, kind=TokenKind.ROOT, tenant=OTHER_TENANT, label="test")
    return Api(text)


@pytest.fixture
def root(vault: None) -> Api:
    return Api(new_token(TokenKind.ROOT))
