"""Forgetting is final: what was sealed under the destroyed record key is out of everybody's reach."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from django.apps import apps

from audit import trail
from audit.events import Outcome
from audit.models import Event
from audit.trail import EventRow
from databunker.access.models import AccessToken, TokenKind
from databunker.crypto import envelope, store
from databunker.crypto.envelope import Place
from databunker.crypto.errors import CryptoError
from databunker.crypto.keyring import Keyring, Purpose
from databunker.crypto.record_key import RecordKey
from gdpr import expirations, requests, rights
from gdpr.consents import words_place
from gdpr.models import AgreementEvent, ExercisedRight, Request
from tests.conftest import Api, new_token
from vault import records, references, sessions, shares, storage
from vault.app_records import data_place
from vault.identities import field_named, identity_digest
from vault.models import Identity, Record, RecordVersion

from .conftest import Person, cells, sealed_columns

People = tuple[Person, Person, Person]


class Sealed(NamedTuple):
    """A sealed value out of the copy, and where it belongs."""

    name: str
    value: bytes
    place: Place


def copy_of_everything() -> dict[str, list[dict[str, Any]]]:
    """Every table with all its columns."""
    return {
        model._meta.db_table: list(model._default_manager.values())
        for label in ("access", "audit", "crypto", "erasure", "gdpr", "notify", "vault")
        for model in apps.get_app_config(label).get_models()
    }


# Table, columns, and the place of each in a row: as the product's own modules put them.
_PLACES: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any], str], Place]]] = {
    **dict.fromkeys(
        ("vault_record", "vault_record_version"),
        (("profile",), lambda row, _: records.profile_place(row["tenant"], row["subject"], row["version"])),
    ),
    **dict.fromkeys(
        ("vault_app_record", "vault_app_version"),
        (("data",), lambda row, _: data_place(row["tenant"], row["subject"], row["app"], row["version"])),
    ),
    "vault_session": (
        ("sealed_id", "data"),
        lambda row, column: sessions.session_place(row["tenant"], row["digest"], _FIELDS[column], row["expires"]),
    ),
    "vault_shared_record": (
        ("sealed_id", "terms"),
        lambda row, column: shares._place(row["tenant"], row["digest"], _FIELDS[column], row["expires"]),
    ),
    "gdpr_expiration": (
        ("sealed_token",),
        lambda row, _: expirations._place(row["tenant"], row["digest"], row["status"], row["endtime"]),
    ),
    "gdpr_request": (
        ("sealed_id", "terms", "original", "change", "reasons"),
        lambda row, column: requests._place(Request(**row), _FIELDS.get(column, column.encode())),
    ),
    "gdpr_right": (("terms",), lambda row, _: rights._place(ExercisedRight(**row))),
    "gdpr_agreement_event": (("words",), lambda row, _: words_place(AgreementEvent(**row), row["subject"])),
    "audit_event": (("detail",), lambda row, _: trail.detail_place(row["id"], row["tenant"])),
}
_FIELDS = {"sealed_id": b"id", "data": b"data", "terms": b"terms"}


def sealed_in(copy: dict[str, list[dict[str, Any]]], person: Person) -> list[Sealed]:
    """All that the copy holds of the person under the record key."""
    return [
        Sealed(f"{table}.{column}", row[column], place(row, column))
        for table, (columns, place) in _PLACES.items()
        for row in copy[table]
        if row["subject"] == person.subject and row.get("outcome", Outcome.OK) == Outcome.OK
        for column in columns
        if row[column] is not None
    ]


def opens(sealed: Sealed, key: RecordKey | Keyring) -> bool:
    try:
        key.open(sealed.value, sealed.place)
    except CryptoError:
        return False
    return True


def opens_under(sealed: Sealed, secret: bytes) -> bool:
    """Whatever the envelope says that it was sealed under."""
    try:
        envelope.open_sealed(sealed.value, key=secret, place=sealed.place)
    except CryptoError:
        return False
    return True


def record_key(row: dict[str, Any], keyring: Keyring) -> RecordKey:
    return RecordKey.unwrap(
        row["wrapped_key"],
        keyring=keyring,
        tenant=row["tenant"],
        subject=row["subject"],
        generation=row["generation"],
    )


def row_of(copy: dict[str, list[dict[str, Any]]], person: Person) -> dict[str, Any]:
    (row,) = [row for row in copy["vault_record"] if row["subject"] == person.subject]
    return row


def forget(root: Api, person: Person) -> None:
    assert root.delete(f"/v1/user/token/{person.token}").status_code == 200


def test_a_full_copy_and_the_live_keys_open_nothing_without_the_record_key(people: People, root: Api) -> None:
    ann = people[0]
    new_token(TokenKind.PERSON, person=ann.token)
    root.get("/v1/user/login/ann")
    copy = copy_of_everything()
    sealed = sealed_in(copy, ann)
    keyring = store.current_keyring()
    old_row = row_of(copy, ann)
    old_key = record_key(old_row, keyring)
    assert {one.name for one in sealed} == {
        f"{model._meta.db_table}.{column}" for model, column in sealed_columns()
    } - {"crypto_key.wrapped", "vault_record.wrapped_key", "vault_record.sealed_token"}
    assert all(opens(one, old_key) for one in sealed), "with the wrapped key the copy opens: so it is what must go"

    forget(root, ann)

    del old_row["wrapped_key"]
    new_key = record_key(row_of(copy_of_everything(), ann), store.current_keyring())
    secrets = [new_key.secret, *(key.secret for key in keyring._by_id.values())]
    master = store.configured_master_key()
    assert master is not None
    for one in sealed:
        assert not opens(one, new_key), one.name
        assert not opens(one, keyring), one.name
        assert not any(opens_under(one, secret) for secret in [*secrets, master.secret]), one.name
    # Nor has a key that lives anything to do with the old one.
    assert old_key.secret not in secrets
    # What stays, for reference: the token.
    assert str(references.open_token(
        old_row["sealed_token"], tenant=ann.tenant, subject=ann.subject, keyring=keyring
    )) == ann.token  # fmt: skip


def test_no_table_keeps_the_old_key_or_anything_to_find_the_person_by(people: People, root: Api) -> None:
    ann = people[0]
    new_token(TokenKind.PERSON, person=ann.token)
    before = row_of(copy_of_everything(), ann)
    secret = record_key(before, store.current_keyring()).secret
    sealed_before = {cell.get() for cell in cells(subject=ann.subject) if cell.model is not Event}
    digests = {identity_digest(field_named(mode), value, tenant=1) for mode, value in (
        ("login", "ann"), ("email", "ann@example.com"),
    )}  # fmt: skip

    forget(root, ann)

    everything = [
        value
        for rows in copy_of_everything().values()
        for row in rows
        for value in row.values()
        if isinstance(value, bytes | memoryview)
    ]
    for value in map(bytes, everything):
        assert value not in sealed_before
        assert bytes(before["wrapped_key"]) not in value
        assert secret not in value
        assert not any(digest in value for digest in digests), "a digest of an identity lets one ask: was it you?"
    left = {cell.place for cell in cells(subject=ann.subject)}
    assert left == {
        "vault_record.sealed_token",
        "vault_record.wrapped_key",
        "vault_record.profile",
        "audit_event.detail",
    }
    record = Record.objects.get(subject=ann.subject)
    assert (record.generation, bytes(record.digests)) == (2, b"")
    assert not AccessToken.objects.filter(subject=ann.subject).exists()
    assert not Identity.objects.filter(subject=ann.subject).exists()
    assert not RecordVersion.objects.filter(subject=ann.subject).exists()


def test_what_lives_opens_only_what_was_kept(people: People, root: Api) -> None:
    """Every sealed value left in the database, under every key: nothing but the token and an empty profile."""
    ann = people[0]
    forget(root, ann)
    record = storage.by_subject(ann.tenant, ann.subject)
    assert record is not None
    assert record.profile() == {}
    opened = []
    for cell in cells(subject=ann.subject):
        if cell.place == "audit_event.detail":
            place = trail.detail_place(cell.pk, ann.tenant)
            opened += [
                key for key in (record.key, store.current_keyring()) if opens(Sealed("", cell.get(), place), key)
            ]
    assert opened == []


def test_the_trail_stays_whole_and_tells_nothing(people: People, root: Api) -> None:
    ann = people[0]
    root.get("/v1/user/email/ann@example.com")
    before = list(Event.objects.order_by("id").values())
    forget(root, ann)
    now = list(Event.objects.order_by("id").values())
    assert now[: len(before)] == before, "no event is changed or lost"
    key = store.current_keyring().newest(Purpose.AUDIT)
    for values in now:
        row = EventRow(**{name: values[name] for name in EventRow._fields})
        assert trail.event_mac(row, key.secret) == values["mac"]
    answer = root.get(f"/v1/audit/list/{ann.token}?limit=100")
    assert answer.json()["total"] >= len([row for row in before if row["subject"] == ann.subject])
    for word in (b"ann@example.com", b"secret", b"basket", b"partner of", b'"identity":"ann"'):
        assert word not in answer.content
    for event in answer.json()["rows"]:
        detail = root.get(f"/v1/audit/get/{event['atoken']}")
        assert detail.status_code == 200
        assert not {"before", "after"} & set(detail.json()["event"]) or event["title"] == "forgot the person"
        assert b"ann@example.com" not in detail.content
        assert b"secret" not in detail.content


def test_a_copy_that_is_put_back_without_its_key_opens_nothing(people: People, root: Api) -> None:
    """The rows from before, under the live key of the person: as an attacker or a bad restore might do it."""
    ann = people[0]
    old = Record.objects.values().get(subject=ann.subject)
    versions = list(RecordVersion.objects.filter(subject=ann.subject))
    forget(root, ann)
    RecordVersion.objects.bulk_create(versions)
    for generation in (1, 2):
        Record.objects.filter(subject=ann.subject).update(
            profile=old["profile"], version=old["version"], state=old["state"], generation=generation
        )
        answer = root.get(f"/v1/user/token/{ann.token}")
        assert (answer.status_code, answer.json()["message"]) == (500, "internal error")


def test_nobody_else_is_touched(people: People, root: Api) -> None:
    ann, bob, cat = people
    before = copy_of_everything()
    forget(root, ann)
    after = copy_of_everything()
    for person in (bob, cat):
        for table, rows in before.items():
            mine = [row for row in rows if row.get("subject") == person.subject]
            assert mine == [row for row in after[table] if row.get("subject") == person.subject]
        assert all(
            opens(one, record_key(row_of(after, person), store.current_keyring())) for one in sealed_in(after, person)
        )
    assert root.get("/v1/user/login/bob").json()["data"]["secret"] == "secret 2 of bob"


SCHEMA = {
    "type": "object",
    "properties": {"email": {"type": "string", "preserve": True}, "kept": {"type": "string", "preserve": True}},
}


def test_what_is_preserved_is_kept_under_a_new_key_and_nothing_else(
    people: People, root: Api, settings: Any, tmp_path: Path
) -> None:
    path = tmp_path / "schema.json"
    path.write_text(json.dumps(SCHEMA))
    settings.USER_SCHEMA_FILE = str(path)
    ann = people[0]
    root.put(f"/v1/user/token/{ann.token}", {"kept": "for the tax office"})
    copy = copy_of_everything()
    old_profile = next(one for one in sealed_in(copy, ann) if one.name == "vault_record.profile")
    forget(root, ann)
    kept = {"email": "ann@example.com", "kept": "for the tax office"}
    assert root.get("/v1/user/email/ann@example.com").json()["data"] == kept
    assert root.get("/v1/user/login/ann").status_code == 404
    (identity,) = Identity.objects.filter(subject=ann.subject)
    assert (identity.field, bytes(identity.digest)) == (
        "email",
        identity_digest(field_named("email"), "ann@example.com", tenant=1),
    )
    record = storage.by_subject(ann.tenant, ann.subject)
    assert record is not None
    assert not opens(old_profile, record.key)
    assert not opens_under(old_profile, record.key.secret)
