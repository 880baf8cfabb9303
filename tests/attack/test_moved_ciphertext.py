"""Whoever can write to the database can break a record, but not pass one value off as another."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.apps import apps
from django.db.models import Model
from django.http import HttpResponse

from audit.events import EventType
from audit.models import Event
from databunker.crypto import masterkey, store
from databunker.crypto.errors import MasterKeyError
from databunker.crypto.models import WrappedKey
from databunker.db.fields import SealedField
from gdpr.models import Agreement, AgreementEvent, ExercisedRight, Expiration, Request
from tests.conftest import Api
from tests.support.damage import flipped
from tests.support.vaults import PROJECT
from vault.events import APP_STORED
from vault.events import RECORD_CHANGED as CHANGED
from vault.models import AppRecord, AppVersion, Identity, Record, RecordVersion, Session, SharedRecord

from .conftest import OTHER_TENANT, TRIED_ELSEWHERE, Cell, Person, cells, sealed_columns

People = tuple[Person, Person, Person]
Read = Callable[[], HttpResponse]


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand refusals need not be written down."""
    caplog.set_level(logging.CRITICAL, logger="databunker.api")


def reader_of(cell: Cell, person: Person, root: Api) -> Read:
    """The call that must open this value."""
    if cell.place == "audit_event.detail":
        return lambda: root.get(f"/v1/audit/get/{cell.pk}")
    return {
        "vault_record.profile": lambda: root.get(f"/v1/user/token/{person.token}"),
        "vault_record.wrapped_key": lambda: root.get(f"/v1/user/token/{person.token}"),
        "vault_record.sealed_token": lambda: root.get(f"/v1/user/login/{person.name}"),
        "vault_record_version.profile": lambda: root.get(f"/v1/audit/get/{_change_after(cell, person)}"),
        "vault_app_record.data": lambda: root.get(f"/v1/userapp/token/{person.token}/shop"),
        "vault_app_version.data": lambda: root.get(f"/v1/audit/get/{event_of(person, APP_STORED)}"),
        "vault_session.sealed_id": lambda: root.get(f"/v1/session/{person.session}"),
        "vault_session.data": lambda: root.get(f"/v1/session/{person.session}"),
        "gdpr_agreement_event.words": lambda: root.get(f"/v1/agreement/news/token/{person.token}/history"),
        "vault_shared_record.sealed_id": lambda: root.get(f"/v1/sharedrecord/token/{person.token}"),
        **dict.fromkeys(
            (f"gdpr_request.{column}" for column in ("sealed_id", "terms", "original", "change", "reasons")),
            lambda: root.get(f"/v1/request/{person.request}"),
        ),
        "vault_shared_record.terms": lambda: Api().get(f"/v1/get/{person.share}"),
        "gdpr_right.terms": lambda: root.get(f"/v1/rights/token/{person.token}"),
        "gdpr_expiration.sealed_token": lambda: root.get(f"/v1/exp/status/token/{person.token}"),
    }[cell.place]


def event_of(person: Person, event_type: EventType) -> str:
    """The person's last event of this type."""
    return str(person.events().filter(type=event_type.number).values_list("id", flat=True).last())


def _change_after(cell: Cell, person: Person) -> str:
    """The event that replaced this version."""
    changes = person.events().filter(type=CHANGED.number)
    return str(changes[RecordVersion.objects.get(pk=cell.pk).version - 1].id)


def refused(answer: HttpResponse) -> bool:
    """With the one text that tells nothing."""
    return (answer.status_code, json.loads(answer.content)) == (500, {"status": "error", "message": "internal error"})


@contextmanager
def replaced(cell: Cell, value: bytes) -> Iterator[None]:
    original = cell.get()
    cell.set(value)
    try:
        yield
    finally:
        cell.set(original)


def test_every_sealed_column_has_a_value_and_a_reader_here(people: People, root: Api) -> None:
    ann = people[0]
    mine = cells(subject=ann.subject)
    assert {cell.place for cell in mine} | {"crypto_key.wrapped"} == {
        f"{model._meta.db_table}.{column}" for model, column in sealed_columns()
    }
    for cell in mine:
        assert reader_of(cell, ann, root)().status_code == 200, cell.place


def test_what_is_tried_elsewhere_is(people: People) -> None:
    """Tables that have sealed columns and no row of Ann's: their tests move and change these values."""
    tables = {model._meta.db_table: model for model in apps.get_models()}
    for table, path in TRIED_ELSEWHERE.items():
        sealed = [column.name for column in tables[table]._meta.fields if isinstance(column, SealedField)]
        text = (PROJECT / path).read_text(encoding="utf-8")
        assert sealed
        assert all(column in text for column in sealed), path
        assert "IntegrityFailure" in text or "CryptoError" in text, path


@pytest.mark.slow
def test_no_value_opens_in_the_place_of_another(people: People, root: Api) -> None:
    """Into each of Ann's values every other one of hers, of Bob's, and of Cat's of another tenant is copied."""
    ann = people[0]
    everybodys = {cell: cell.get() for person in people for cell in cells(subject=person.subject)}
    opened = []
    for target in cells(subject=ann.subject):
        read = reader_of(target, ann, root)
        with replaced(target, b""):
            for source, value in everybodys.items():
                target.set(value)
                if source != target and not refused(read()):
                    opened.append((target.place, source.place))
    assert opened == []
    assert len(everybodys) > 40


def _refuses(target: Cell, value: bytes, read: Read) -> bool:
    with replaced(target, value):
        return refused(read())


def test_two_values_that_change_places_open_nowhere(people: People, root: Api) -> None:
    ann, bob, _ = people
    for mine, theirs in zip(cells(subject=ann.subject), cells(subject=bob.subject), strict=True):
        assert mine.place == theirs.place
        my_value, their_value = mine.get(), theirs.get()
        with replaced(mine, their_value), replaced(theirs, my_value):
            assert refused(reader_of(mine, ann, root)()), mine.place
            assert refused(reader_of(theirs, bob, root)()), theirs.place


PLACES = [f"{model._meta.db_table}.{column}" for model, column in sealed_columns() if model is not WrappedKey]


@pytest.mark.parametrize("place", PLACES)
def test_no_bit_can_be_changed(people: People, root: Api, place: str) -> None:
    """Every byte of the header and the nonce, and every seventh of the rest; cut off and made longer, too."""
    ann = people[0]
    unnoticed = []
    some = [cell for cell in cells(subject=ann.subject) if cell.place == place][:2]
    assert some
    for cell in some:
        read, value = reader_of(cell, ann, root), cell.get()
        changed = {f"byte {at}": flipped(value, at) for at in (*range(30), *range(30, len(value), 7), len(value) - 1)}
        changed |= {"cut off": value[:-1], "only a header": value[:29], "nothing": b"", "longer": value + b"\x00"}
        unnoticed += [what for what, other in changed.items() if not _refuses(cell, other, read)]
    assert unnoticed == []


# --- rows ------------------------------------------------------------------------------------------------------------


MOVES: dict[str, tuple[type[Model], Callable[[Person, Person, Api], HttpResponse]]] = {
    "a record, read by its token": (Record, lambda ann, bob, root: root.get(f"/v1/user/token/{ann.token}")),
    "a record, changed": (Record, lambda ann, bob, root: root.put(f"/v1/user/token/{ann.token}", {"a": 1})),
    "a record, forgotten": (Record, lambda ann, bob, root: root.delete(f"/v1/user/token/{ann.token}")),
    "a version": (RecordVersion, lambda ann, bob, root: root.get(f"/v1/audit/get/{event_of(ann, CHANGED)}")),
    "application data": (AppRecord, lambda ann, bob, root: root.get(f"/v1/userapp/token/{ann.token}/shop")),
    "application data, changed": (
        AppRecord, lambda ann, bob, root: root.put(f"/v1/userapp/token/{ann.token}/shop", {"a": 1})
    ),
    "a version of application data": (
        AppVersion, lambda ann, bob, root: root.get(f"/v1/audit/get/{event_of(ann, APP_STORED)}")
    ),
    "a session, listed": (Session, lambda ann, bob, root: root.get(f"/v1/sessions/token/{ann.token}")),
    "a session, read": (Session, lambda ann, bob, root: root.get(f"/v1/session/{bob.session}")),
    "a share, listed": (SharedRecord, lambda ann, bob, root: root.get(f"/v1/sharedrecord/token/{ann.token}")),
    "a share, read": (SharedRecord, lambda ann, bob, root: Api().get(f"/v1/get/{bob.share}")),
    "an objection": (ExercisedRight, lambda ann, bob, root: root.get(f"/v1/rights/token/{ann.token}")),
    "an expiration": (Expiration, lambda ann, bob, root: root.get(f"/v1/exp/status/token/{ann.token}")),
    "an expiration's link": (Expiration, lambda ann, bob, root: Api().post(f"/v1/exp/delete/{bob.link}")),
    "a request, listed": (Request, lambda ann, bob, root: root.get(f"/v1/requests/token/{ann.token}")),
    "a request, read": (Request, lambda ann, bob, root: root.get(f"/v1/request/{bob.request}")),
    "a request, approved": (Request, lambda ann, bob, root: root.post(f"/v1/request/{bob.request}")),
    "an agreement": (Agreement, lambda ann, bob, root: root.get(f"/v1/agreement/news/token/{ann.token}")),
    "an agreement's history": (
        AgreementEvent, lambda ann, bob, root: root.get(f"/v1/agreement/news/token/{ann.token}/history")
    ),
    "events": (Event, lambda ann, bob, root: root.get(f"/v1/audit/list/{ann.token}?limit=100")),
}  # fmt: skip


@pytest.mark.parametrize(("model", "read"), MOVES.values(), ids=MOVES)
def test_a_row_of_one_person_is_not_shown_as_that_of_another(
    people: People, root: Api, model: type[Model], read: Callable[[Person, Person, Api], HttpResponse]
) -> None:
    """Ann's rows of the table are put aside, and Bob's take their place."""
    ann, bob, _ = people
    rows = model._default_manager
    assert rows.filter(subject=ann.subject).update(subject=b"put aside 123456") > 0
    assert rows.filter(subject=bob.subject).update(subject=ann.subject) > 0
    assert refused(read(ann, bob, root))


NUMBERS: dict[str, tuple[type[Model], str, Callable[[Person, Api], HttpResponse]]] = {
    "the version of a record": (Record, "version", lambda ann, root: root.get(f"/v1/user/token/{ann.token}")),
    "the generation of its key": (Record, "generation", lambda ann, root: root.get(f"/v1/user/token/{ann.token}")),
    "the version of application data": (
        AppRecord, "version", lambda ann, root: root.get(f"/v1/userapp/token/{ann.token}/shop")
    ),
    "the end of a session": (Session, "expires", lambda ann, root: root.get(f"/v1/session/{ann.session}")),
    "the end of an expiration": (
        Expiration, "endtime", lambda ann, root: root.get(f"/v1/exp/status/token/{ann.token}")
    ),
    "the number of an agreement's last event": (
        Agreement, "number", lambda ann, root: root.get(f"/v1/agreement/news/token/{ann.token}")
    ),
    "the texts that were agreed to": (
        AgreementEvent, "text_version", lambda ann, root: root.get(f"/v1/agreement/news/token/{ann.token}/history")
    ),
    "when it was agreed": (
        AgreementEvent, "at", lambda ann, root: root.get(f"/v1/agreements/token/{ann.token}")
    ),
    "the begin of an objection": (ExercisedRight, "since", lambda ann, root: root.get(f"/v1/rights/token/{ann.token}")),
    "the end of a share": (SharedRecord, "expires", lambda ann, root: Api().get(f"/v1/get/{ann.share}")),
    "the begin of a request's clock": (Request, "created", lambda ann, root: root.get(f"/v1/request/{ann.request}")),
    "the extension of a request": (Request, "extended", lambda ann, root: root.get(f"/v1/request/{ann.request}")),
}  # fmt: skip


@pytest.mark.parametrize(("model", "column", "read"), NUMBERS.values(), ids=NUMBERS)
def test_a_number_that_was_changed_is_noticed(
    people: People, root: Api, model: type[Model], column: str, read: Callable[[Person, Api], HttpResponse]
) -> None:
    ann = people[0]
    rows = model._default_manager.filter(subject=ann.subject)
    before = rows.values_list(column, flat=True).get()
    for wrong in (before + 1, before - 1, before + 1_000_000):
        rows.update(**{column: wrong})
        assert refused(read(ann, root)), wrong
        rows.update(**{column: before})
        assert read(ann, root).status_code == 200


def test_an_older_profile_cannot_be_put_back_under_its_old_number(people: People, root: Api) -> None:
    """The archived version is a good ciphertext of the same person: only its place tells it from the current one."""
    ann = people[0]
    old = RecordVersion.objects.get(subject=ann.subject, version=1)
    Record.objects.filter(subject=ann.subject).update(profile=bytes(old.profile))
    assert refused(root.get(f"/v1/user/token/{ann.token}"))


# --- tenants ---------------------------------------------------------------------------------------------------------


def test_rows_moved_to_another_tenant_do_not_open_there(
    people: People, root: Api, other_tenant: Api, settings: Any
) -> None:
    settings.LIST_USERS = "legacy"
    ann, _, cat = people
    assert other_tenant.post("/v1/users").json()["total"] == 1
    for model in (
        Record,
        Identity,
        RecordVersion,
        AppRecord,
        AppVersion,
        Session,
        SharedRecord,
        ExercisedRight,
        Expiration,
        Agreement,
        AgreementEvent,
        Request,
        Event,
    ):
        assert model._default_manager.filter(subject=ann.subject).update(tenant=OTHER_TENANT) > 0
    # Found in a list, they do not open; by token or identity they are not found, as both are hashed for the tenant.
    assert refused(other_tenant.post("/v1/users"))
    assert refused(other_tenant.get("/v1/audit/admin?limit=1000"))
    for path in (f"token/{ann.token}", "login/ann", "email/ann@example.com"):
        assert other_tenant.get(f"/v1/user/{path}").status_code == 404
        assert root.get(f"/v1/user/{path}").status_code == 404
    for path in (
        f"session/{ann.session}",
        f"userapp/token/{ann.token}/shop",
        f"sharedrecord/token/{ann.token}",
        f"request/{ann.request}",
        f"agreements/token/{ann.token}",
    ):
        assert other_tenant.get(f"/v1/{path}").status_code == 404
    assert refused(Api().get(f"/v1/get/{ann.share}"))
    for verb in ("retain", "delete"):
        assert refused(Api().post(f"/v1/exp/{verb}/{ann.link}"))
    assert other_tenant.get(f"/v1/user/token/{cat.token}").status_code == 200


# --- keys ------------------------------------------------------------------------------------------------------------


def test_keys_of_the_keyring_cannot_change_places(people: People, root: Api) -> None:
    """A key for one purpose must not serve as a key for another."""
    first, second = cells(wrapped__isnull=False)[:2]
    assert first.place == "crypto_key.wrapped"
    mine, theirs = first.get(), second.get()
    for target, value in ((first, theirs), (second, mine)):
        with replaced(target, value):
            store.forget_cached()
            answer = root.get(f"/v1/user/token/{people[0].token}")
            assert (answer.status_code, answer.json()["message"]) == (503, "service unavailable")
    store.forget_cached()
    assert root.get(f"/v1/user/token/{people[0].token}").status_code == 200


@pytest.mark.parametrize("at", [0, 1, 4, 5, 28, 29, 44, 76])
def test_no_bit_of_the_keyring_can_be_changed(vault: None, at: int) -> None:
    master = store.configured_master_key()
    assert master is not None
    for cell in cells(wrapped__isnull=False):
        with replaced(cell, flipped(cell.get(), at)), pytest.raises(MasterKeyError):
            store.load_keyring(master)
    assert len(store.load_keyring(master)) == 6


def test_another_master_key_opens_nothing(people: People, root: Api, settings: Any) -> None:
    with pytest.raises(MasterKeyError):
        store.load_keyring(masterkey.generate())
    settings.DATABUNKER_MASTERKEY = masterkey.generate().secret.hex()
    store.forget_cached()
    for path in (f"/v1/user/token/{people[0].token}", "/v1/audit/admin", f"/v1/session/{people[0].session}"):
        answer = root.get(path)
        assert (answer.status_code, answer.json()["message"]) == (503, "service unavailable")


def test_a_keyring_with_another_purpose_is_refused(vault: None) -> None:
    WrappedKey.objects.filter(purpose="index").update(purpose="audit")
    master = store.configured_master_key()
    assert master is not None
    with pytest.raises(MasterKeyError):
        store.load_keyring(master)
