"""`manage.py verify` reads the whole vault, and finds what is not as it must be."""

from __future__ import annotations

import io
import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection, transaction

from audit.models import Event
from tests.conftest import Api
from vault.events import RECORD_CHANGED, RECORD_CREATED, RECORD_FORGOTTEN
from vault.models import AppRecord, AppVersion, Identity, Record, RecordState, RecordVersion, Session


def verify() -> str:
    out = io.StringIO()
    call_command("verify", stdout=out, stderr=io.StringIO())
    return out.getvalue()


@pytest.fixture
def person(committed_api: Api) -> str:
    """Somebody of whom there is something in every table, beside people who were forgotten or never changed."""
    api = committed_api
    token = api.create(login="ann", email="ann@example.com", name="Ann Marker")
    for change in ({"city": "Łódź"}, {"email": "ann2@example.com"}, {"city": "Łódź"}):  # the last changes nothing
        assert api.put(f"/v1/user/token/{token}", change).status_code == 200
    for number in range(3):
        assert api.post(f"/v1/userapp/token/{token}/shop", {"n": number}).status_code == 200
    assert api.post(f"/v1/session/{uuid.uuid4()}", {"token": token}).status_code == 200
    assert api.post(f"/v1/session/{uuid.uuid4()}", {"nobody": "s"}).status_code == 200
    gone = api.create(login="bob")
    assert api.put(f"/v1/user/token/{gone}", {"a": 1}).status_code == 200
    assert api.delete(f"/v1/user/token/{gone}").status_code == 200
    api.create(login="carl")
    return token


def test_a_vault_is_found_whole(person: str) -> None:
    assert verify().startswith("Opened and proved in ")
    assert f"{Record.objects.count():,} records" in verify()


def test_a_vault_with_nobody_in_it_is_whole(committed_vault: None) -> None:
    assert "0 records, 0 identities" in verify()


def test_what_belongs_to_people_is_found_by_an_index(person: str) -> None:
    asked: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        asked.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        verify()
    by_person = [(sql, params) for sql, params in asked if re.search(r"subject\W+ IN ", sql)]
    tables = {table for sql, _ in by_person for table in re.findall(r"FROM \W(\w+)", sql)}
    assert tables >= {"audit_event", "vault_record_version", "vault_app_record", "vault_app_version", "vault_session"}
    for sql, params in by_person:
        with transaction.atomic():
            assert PLAN[connection.vendor].search(plan(sql, params)), sql


# A query that no index serves reads all of the table for some of its people.
PLAN = {
    "sqlite": re.compile(r"SEARCH \w+ USING (COVERING )?INDEX \w+ \(tenant=\? AND (subject|digest)=\?"),
    "postgresql": re.compile(r"Index Cond: \(+tenant = "),  # with so few rows it may leave the rest to a filter
    "mysql": re.compile(r"possible_keys: \w+"),
}


def plan(sql: str, params: Any) -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET LOCAL enable_seqscan = off")  # of a few rows an index saves nothing
            cursor.execute("SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {'QUERY PLAN' if connection.vendor == 'sqlite' else ''} {sql}", params)
        names = [column[0] for column in cursor.description]
        return "\n".join(
            f"{name}: {value}" for row in cursor.fetchall() for name, value in zip(names, row, strict=True) if value
        )


def ann() -> Record:
    return Record.objects.get(version=3, state=RecordState.ACTIVE)


def _event(number: int) -> None:
    event = Event.objects.filter(type=number, subject=bytes(ann().subject)).order_by("id").first()
    assert event is not None
    event.delete()


def _change_without_version() -> None:
    """As though a change had been half stored: its event is there, the record is as before."""
    version = RecordVersion.objects.get(version=2)
    Record.objects.filter(pk=ann().pk).update(version=2, profile=bytes(version.profile))
    version.delete()


DAMAGE: dict[str, tuple[Callable[[], object], str]] = {
    "a change without its event": (lambda: _event(RECORD_CHANGED.number), "no event tells of version 2"),
    "a creation without its event": (lambda: _event(RECORD_CREATED.number), "no event tells of version 1"),
    "an event without its change": (_change_without_version, "an event tells of version 3, which is not there"),
    "a forgetting without its event": (
        lambda: Event.objects.filter(type=RECORD_FORGOTTEN.number).delete(),
        "nothing tells that the person was forgotten",
    ),
    "an older profile that is gone": (
        lambda: RecordVersion.objects.filter(version=1, subject=ann().subject).delete(),
        "1 older versions of the profile are there, not 2",
    ),
    "an older profile under another number": (
        lambda: RecordVersion.objects.filter(version=1, subject=ann().subject).update(version=7),
        "version 7 does not open",
    ),
    "application data of another version": (
        lambda: AppRecord.objects.update(data=AppVersion.objects.get(version=1).data),
        "data of shop does not open",
    ),
    "older application data that is gone": (
        lambda: AppVersion.objects.filter(version=1).delete(),
        "older versions of the data of application shop are not all there",
    ),
    "a session that lives longer": (
        lambda: Session.objects.exclude(subject=None).update(expires=2**40),
        "session does not open",
    ),
    "a session of nobody that lives longer": (
        lambda: Session.objects.filter(subject=None).update(expires=2**40),
        "a session that is nobody's does not open",
    ),
    "an identity that is gone": (
        lambda: Identity.objects.filter(subject=ann().subject).delete(),
        "identity is missing",
    ),
    "an event that was changed": (lambda: Event.objects.update(at=1), " was changed"),
}


@pytest.mark.parametrize(("damage", "told"), DAMAGE.values(), ids=DAMAGE)
def test_damage_is_found_and_told_without_anything_personal(
    person: str, damage: Callable[[], object], told: str
) -> None:
    damage()
    with pytest.raises(CommandError, match=told) as found:
        verify()
    text = str(found.value)
    for personal in (person, "ann", "Marker", "Łódź"):
        assert personal not in text.replace("changed", "")


def test_events_deleted_in_time_are_not_missed(person: str, settings: object, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MAX_AUDIT_RETENTION = "6m"
    _event(RECORD_CREATED.number)
    verify()
    newest = Event.objects.filter(type=RECORD_CHANGED.number, subject=bytes(ann().subject)).order_by("id")[1]
    newest.delete()
    with pytest.raises(CommandError, match="no event tells of version 3"):
        verify()
