"""People keep their tokens, their profiles to the last digit, and whatever they are found by."""

from __future__ import annotations

import base64
import uuid

import pytest
from django.core.management.base import CommandError

from databunker.access.models import DEFAULT_TENANT
from tests.support.damage import flipped
from tests.support.databases import KIND
from tests.support.peer import Peer
from vault import references, storage
from vault.models import Identity, Record, RecordState

from .conftest import Importer


def test_a_person_is_found_by_the_same_token_and_by_every_identity(importer: Importer) -> None:
    profile = {"login": "ann", "email": "Ann@Example.com", "phone": "+44 20 7946 0958", "custom": 12345, "age": 33}
    token = importer.peer.person(**profile)
    done = importer.run()
    assert done.counts("users") == {"read": 1, "stored": 1, "here": 0, "expired": 0, "refused": 0, "part": 0}
    assert done.report == []
    for mode, identity in (
        ("token", token), ("login", "ann"), ("email", "ann@example.com"), ("phone", "+442079460958"), ("custom", "12345"),
    ):  # fmt: skip
        assert importer.profile(mode, identity) == {"token": token, **profile}, mode


@pytest.mark.parametrize(
    "profile",
    [
        {"login": "łukasz", "name": "Ærøskøbing 東京 🦆", "nested": {"a": [1, {"b": None}]}, "quote": '"\\\u2028'},
        {"login": "n", "big": 9007199254740993, "price": 0.1, "zero": 0, "no": False, "nothing": None, "text": ""},
        {"login": "long", "text": "x" * 20_000},
    ],
)
def test_profiles_come_over_exactly(importer: Importer, profile: dict[str, object]) -> None:
    token = importer.peer.person(**profile)
    importer.run()
    assert importer.profile("token", token) == {"token": token, **profile}


def test_applications_go_on_changing_and_forgetting_people(importer: Importer) -> None:
    token = importer.peer.person(login="ann", email="ann@example.com")
    importer.run()
    assert importer.api.put(f"/v1/user/token/{token}", {"email": "new@example.com"}).status_code == 200
    assert importer.profile("email", "new@example.com") == {"token": token, "login": "ann", "email": "new@example.com"}
    assert importer.profile("email", "ann@example.com") is None
    assert importer.api.delete("/v1/user/login/ann").status_code == 200
    assert importer.profile("token", token) == {"token": token}


def test_the_trail_shows_the_import_with_the_profile(importer: Importer) -> None:
    token = importer.peer.person(login="ann")
    importer.run()
    (event,) = importer.api.get(f"/v1/audit/list/{token}").json()["rows"][1:]
    assert event["title"] == "imported the record from Databunker"
    detail = importer.api.get(f"/v1/audit/get/{event['atoken']}").json()["event"]
    assert detail["after"] == {"login": "ann"}


def test_who_was_forgotten_stays_forgotten_and_keeps_the_token(importer: Importer) -> None:
    token = importer.peer.forgotten()
    done = importer.run()
    assert done.counts("users")["stored"] == 1
    assert importer.profile("token", token) == {"token": token}
    assert Record.objects.get().state == RecordState.FORGOTTEN
    assert importer.api.put(f"/v1/user/token/{token}", {"login": "x"}).status_code == 404


def test_of_two_with_one_identity_both_come_and_it_is_told(importer: Importer) -> None:
    """Databunker looks first and writes then: of many at once several get the same login."""
    tokens = sorted(importer.peer.person(login="ann", email=f"ann{n}@example.com") for n in range(3))
    done = importer.run()
    assert done.counts("users") == {"read": 3, "stored": 3, "here": 0, "expired": 0, "refused": 0, "part": 2}
    for token in tokens:
        assert importer.profile("token", token) is not None
    assert {importer.profile("email", f"ann{n}@example.com")["token"] for n in range(3)} == set(tokens)  # type: ignore[index]
    holder = importer.profile("login", "ann")
    assert holder is not None
    told = {line["reference"]["token"]: line for line in done.report}
    assert set(told) == set(tokens) - {holder["token"]}
    assert all(line["taken"] and line["reason"].startswith("duplicate index: login") for line in told.values())


@pytest.mark.parametrize("batch", [1, 100])
def test_identities_of_earlier_batches_and_of_the_vault_are_taken_too(importer: Importer, batch: int) -> None:
    mine = importer.api.create(login="ann")
    for _ in range(2):
        importer.peer.person(login="ann", custom=uuid.uuid4().hex)
    done = importer.run(batch=batch)
    assert [line["taken"] for line in done.report] == [True, True]
    assert importer.profile("login", "ann") == {"token": mine, "login": "ann"}


def test_whoever_can_not_be_found_by_anything_comes_all_the_same(importer: Importer) -> None:
    token = importer.peer.person(phone="none of yours", name="Ann")
    nobody = importer.peer.person(name="Bob")
    done = importer.run()
    assert importer.profile("token", token) == {"token": token, "phone": "none of yours", "name": "Ann"}
    assert importer.profile("token", nobody) == {"token": nobody, "name": "Bob"}
    (line,) = done.report
    assert line["reason"] == "phone is nothing that people can be found by, and has no index"
    assert "none of yours" not in str(done.report) + done.out


def damaged(peer: Peer, token: str, how: str) -> None:
    key, good = base64.b64encode(peer.keys[token]).decode(), peer.sealed_for(token, {"login": "x"})
    changed = base64.b64encode(flipped(base64.b64decode(good), 0)).decode()
    columns = {
        "another key": {"key": base64.b64encode(bytes(8)).decode()},
        "a long key": {"key": base64.b64encode(bytes(9)).decode()},
        "no base64 in the key": {"key": "%%%"},
        "no key": {"key": None},
        "no data": {"data": None},
        "empty data": {"data": ""},
        "no base64": {"data": "*" + good[1:]},
        "cut off": {"data": good[:40]},
        "cut off to nothing": {"data": good[:4]},
        "changed": {"data": changed},
        "no JSON": {"data": peer.sealed(peer.keys[token], b"{")},
        "no UTF-8": {"data": peer.sealed(peer.keys[token], b'{"a":"\xff"}')},
        "no object": {"data": peer.sealed(peer.keys[token], b"[1]")},
        "a key twice": {"data": peer.sealed(peer.keys[token], b'{"a":1,"a":2}')},
        "no token": {"token": "not-a-token"},
        "null token": {"token": None},
    }[how]
    assert key
    peer.update("users", token, **columns)


@pytest.mark.parametrize(
    "how",
    [
        "another key", "a long key", "no base64 in the key", "no key", "no data", "empty data", "no base64", "cut off",
        "cut off to nothing", "changed", "no JSON", "no UTF-8", "no object", "a key twice", "no token", "null token",
    ],
)  # fmt: skip
def test_a_damaged_row_is_told_and_stops_nobody_else(importer: Importer, how: str) -> None:
    bad, good = importer.peer.person(login="secret-login"), importer.peer.person(login="good")
    damaged(importer.peer, bad, how)
    done = importer.run()
    assert done.counts("users") == {"read": 2, "stored": 1, "here": 0, "expired": 0, "refused": 1, "part": 0}
    (line,) = done.report
    assert line["table"] == "users"
    assert not line["taken"]
    assert line["reason"]
    assert line["reference"] == ({} if "token" in how else {"token": bad})
    assert "secret-login" not in str(line) + done.out + done.err
    assert importer.profile("login", "good") == {"token": good, "login": "good"}


@pytest.mark.skipif(KIND != "sqlite", reason="there the column of tokens is unique")
def test_a_token_that_occurs_twice_is_told(importer: Importer) -> None:
    token = importer.peer.person(login="ann")
    importer.peer.person(login="bob", token=token)
    done = importer.run(batch=1)
    assert done.counts("users")["stored"] == 1
    assert done.reasons("users") == ["the token occurs twice: the first row was taken"]


def test_an_end_of_retention_is_told(importer: Importer) -> None:
    token = importer.peer.person(login="ann")
    importer.peer.update("users", token, expstatus="wait", endtime=2_000_000_000, exptoken=str(uuid.uuid4()))
    done = importer.run()
    assert done.counts("users")["part"] == 1
    assert "retention was not taken over" in done.reasons("users")[0]


def test_another_master_key_is_refused_at_once(importer: Importer) -> None:
    importer.peer.person(login="ann")
    with pytest.raises(CommandError, match="the master key is not that of this Databunker") as caught:
        importer.run(masterkey="ab" * 24)
    assert caught.value.returncode == 2
    assert not Record.objects.exists()
    assert not importer.report.exists()


def test_a_few_damaged_rows_are_no_wrong_master_key(importer: Importer) -> None:
    for n in range(10):
        damaged(importer.peer, importer.peer.person(login=f"n{n}"), "changed")
    importer.peer.person(login="good")
    assert importer.run().counts("users")["refused"] == 10


def test_a_key_is_also_tried_where_only_identities_are_encrypted(importer: Importer) -> None:
    importer.peer.event(who="ann@example.com", mode="email")
    with pytest.raises(CommandError, match="the master key is not that of this Databunker"):
        importer.run(masterkey="ab" * 24)
    importer.run()


def test_an_empty_databunker_is_imported(importer: Importer) -> None:
    done = importer.run()
    assert done.counts("users")["read"] == 0


def test_identities_prove_themselves_and_say_nothing(importer: Importer) -> None:
    token = importer.peer.person(login="ann", email="ann@example.com")
    importer.run()
    record = storage.by_subject(DEFAULT_TENANT, references.subject_of(uuid.UUID(token), tenant=DEFAULT_TENANT))
    assert record is not None
    assert record.row.digest_set == {bytes(row.digest) for row in Identity.objects.all()}
    assert str(record.token) == token


def test_a_sqlite_file_is_imported_into_any_vault(importer: Importer) -> None:
    from tests.support.databases import Database

    other = Peer(Database(f"sqlite:///{importer.folder / 'databunker.db'}"), kind="sqlite")
    token = other.person(login="ann", name="Łukasz")
    other.app_data(token, "shop", {"n": 1})
    done = importer.run(database_url=other.url, masterkey=other.key_text)
    assert done.counts("users")["stored"] == 1
    assert importer.profile("login", "ann") == {"token": token, "login": "ann", "name": "Łukasz"}
