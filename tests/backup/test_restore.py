"""A backup brings back every row, and a restore does all of it or nothing."""

from __future__ import annotations

import io
from typing import Any

import pytest
from django.db import connection

from audit import trail
from audit.models import Event
from databunker.access.actor import Actor, ActorKind, operator
from databunker.access.models import AccessToken, TokenKind
from databunker.backup import BackupError, create_backup, restore_backup, restoring, verify_backup
from databunker.backup.format import Header
from databunker.backup.tables import tables
from databunker.crypto.errors import MasterKeyError
from databunker.errors import AccessDenied
from tests.api.helpers import contents, told_by
from tests.conftest import Api, new_token
from tests.support.backups import emptied, everything, restored, taken
from tests.support.damage import flipped
from tests.support.search import Needles, leaks
from vault.models import Identity, Record

NOTHING: dict[str, list[Any]] = {table.name: [] for table in tables()}
OTHER_KEY = "94a1f0b7c3d2e5f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4"


def refusal(backup: bytes, **options: Any) -> str:
    """Why it is not restored; it must leave the database empty."""
    with pytest.raises((BackupError, MasterKeyError)) as refused:
        restored(backup, **options)
    assert everything() == NOTHING
    return refused.value.message


# --- back as it was --------------------------------------------------------------------------------------------------


def test_every_row_comes_back_and_the_vault_serves(full_api: Api) -> None:
    with told_by() as told:
        backup = taken()
    before = everything()
    assert {table for table, rows in before.items() if not rows} <= {
        "audit_pruning", "audit_sealer", "gdpr_import_progress", "notify_job",
    }  # fmt: skip
    emptied()
    assert everything() == NOTHING

    result = restored(backup)
    events = before.pop("audit_event")
    after = everything()
    assert after.pop("audit_event")[: len(events)] == events
    assert after == before
    assert result.rows == {table: len(rows) for table, rows in {**before, "audit_event": events}.items()}
    assert result.checked[:4] == (13, Identity.objects.count(), len(events), 0)

    assert full_api.get("/v1/user/login/login-of-0005").json()["data"]["city"] == "city of 0005"
    assert full_api.get("/v1/user/login/login-of-0004").status_code == 404, "the forgotten stay forgotten"
    assert full_api.create(login="after")
    assert [(event.code, event.who) for event in told] == [("backup.create", "operator")]


def test_a_backup_and_a_restore_leave_events_in_the_trail_that_they_bring_back(full_api: Api) -> None:
    backup = taken()
    emptied()
    restored(backup)
    codes = [row["title"] for row in full_api.get("/v1/audit/admin?limit=4").json()["rows"]]
    waived = "declared that no erasure journal is to be replayed"
    assert codes[1:] == [waived, "restored a backup", "took a backup"]


def test_numbers_of_rows_that_are_gone_are_not_given_again(full_api: Api) -> None:
    """Events name an access token by its number."""
    new_token(TokenKind.ADMIN)
    gone = AccessToken.objects.order_by("-id").values_list("pk", flat=True)[0]
    AccessToken.objects.filter(pk=gone).delete()
    backup = taken()
    emptied()
    restored(backup)
    new_token(TokenKind.ADMIN)
    assert AccessToken.objects.order_by("-id")[0].pk > gone


@pytest.mark.slow
def test_a_backup_of_a_restored_vault_is_restored_alike(full_api: Api) -> None:
    for _ in range(2):
        backup = taken()
        emptied()
        restored(backup)
    assert full_api.get("/v1/user/login/login-of-0005").status_code == 200
    assert full_api.create(login="after")


@pytest.mark.slow
def test_a_step_at_a_time_is_told(full_api: Api) -> None:
    backup = taken()
    emptied()
    told: list[tuple[str, int, int | None]] = []
    restored(backup, size=len(backup), tell=lambda *step: told.append(step))
    steps = list(dict.fromkeys(step for step, _, _ in told))
    assert steps == [restoring.RESTORING, restoring.COMPARING, restoring.CHECKING]
    for step in steps:
        done = [(at, end) for name, at, end in told if name == step]
        assert done == sorted(done)
        assert all(at <= (end or 0) for at, end in done)
        assert done[-1][0] == done[-1][1] or step == restoring.RESTORING


def test_a_backup_proves_itself_without_a_database(full_api: Api) -> None:
    backup = taken()
    rows = {table: len(rows) for table, rows in everything().items()}
    connection.close()
    verified = verify_backup(io.BytesIO(backup))
    assert verified.rows == rows
    assert verified.header.product == "0.1.0"


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_nothing_is_in_clear_in_a_backup(full_api: Api) -> None:
    """Not even what is in clear in the database: names of fields and applications, labels of tokens, hashes."""
    backup = taken()
    values: list[str | bytes] = [str(full_api.token), "label of a token"]
    for number in range(12):
        values += [f"{word} of {number:04}" for word in ("city", "basket", "other", "agent", "partner", "Näme")]
        values += [f"login-of-{number:04}", f"person-{number:04}@example.com", f"+44770090{number:04}"]
    for rows in everything().values():
        values += [value for row in rows for value in row if isinstance(value, bytes) and 8 < len(value) <= 64]
    _, _, body = backup.partition(b"}]}]")
    assert leaks(Needles(values), backup) == []
    assert len(values) > 200
    for known in (b"vault_record", b"shop", b"email", b"default"):
        assert known not in body


@pytest.mark.slow
def test_two_backups_of_the_same_have_nothing_in_common(full_api: Api) -> None:
    first, second = taken(), taken()
    assert first[-2000:-1000] not in second
    pieces = {first[at : at + 16] for at in range(len(first) // 2, len(first) - 16)}
    assert not any(second[at : at + 16] in pieces for at in range(len(second) // 2, len(second) - 16))


# --- who may ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [ActorKind.ANYONE, ActorKind.PERSON])
def test_only_admins_take_backups(committed_api: Api, kind: ActorKind) -> None:
    with told_by() as told, pytest.raises(AccessDenied):
        create_backup(Actor(kind, subject=bytes(16)))
    assert told == []


def test_a_backup_needs_its_event(committed_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("no event can be written")

    monkeypatch.setattr(trail, "record", broken)
    with pytest.raises(RuntimeError):
        create_backup(operator())


def drop_identity() -> None:
    Identity.objects.all()[0].delete()


def swap(column: str) -> None:
    """One person's value in another's row."""
    first, second = Record.objects.order_by("id")[1:3]
    Record.objects.filter(pk=first.pk).update(**{column: getattr(second, column)})


# --- refused ---------------------------------------------------------------------------------------------------------


def test_a_database_that_somebody_uses_is_refused(full_api: Api) -> None:
    backup = taken()
    before = everything()
    with pytest.raises(BackupError, match="this database is not empty: access_login_code has rows"):
        restored(backup)
    assert everything() == before


@pytest.mark.parametrize("table", ["audit_event", "vault_identity"])
def test_one_row_anywhere_is_enough_to_refuse(full_api: Api, table: str) -> None:
    backup = taken()
    event = everything()["audit_event"][0]
    emptied()
    if table == "audit_event":
        names = [field.attname for field in Event._meta.concrete_fields]
        Event.objects.create(**dict(zip(names, event, strict=True)))
    else:
        Identity.objects.create(tenant=1, digest=bytes(16), slot=bytes(16), subject=bytes(16), field="x", tag=bytes(16))
    before = everything()
    with pytest.raises(BackupError, match=f"{table} has rows"):
        restored(backup)
    assert everything() == before


def test_another_master_key_is_refused(full_api: Api, settings: Any) -> None:
    backup = taken()
    emptied()
    settings.DATABUNKER_MASTERKEY = OTHER_KEY
    assert "made under another master key" in refusal(backup)
    settings.DATABUNKER_MASTERKEY = ""
    assert "no master key" in refusal(backup)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda header: header._replace(migrations=(*header.migrations, ("vault", "0009_x"))),
            "lacks the migration vault 0009_x",
        ),
        (lambda header: header._replace(migrations=header.migrations[1:]), "the backup lacks the migration"),
        (lambda header: header._replace(tables=header.tables[1:]), "other tables"),
        (
            lambda header: header._replace(
                tables=(header.tables[0]._replace(columns=header.tables[0].columns[1:]), *header.tables[1:])
            ),
            "other tables",
        ),
    ],
)
def test_other_tables_are_refused(full_api: Api, monkeypatch: pytest.MonkeyPatch, change: Any, message: str) -> None:
    """As a backup of another release says."""
    to_bytes = Header.to_bytes
    monkeypatch.setattr(Header, "to_bytes", lambda header: to_bytes(change(header)))
    backup = taken()
    emptied()
    assert message in refusal(backup)


def test_damage_that_was_backed_up_is_named_and_restored_on_demand_only(full_api: Api) -> None:
    record = Record.objects.get(pk=Record.objects.order_by("id")[1].pk)
    Record.objects.filter(pk=record.pk).update(profile=flipped(bytes(record.profile)))
    Identity.objects.filter(digest=Identity.objects.all()[0].digest).update(tag=bytes(16))
    event = Event.objects.order_by("id")[3]
    Event.objects.filter(pk=event.pk).update(at=event.at + 1)
    backup = taken()
    before = everything()
    emptied()
    message = refusal(backup)
    assert f"record {record.pk}: its profile does not open" in message
    assert f"event {event.pk} was changed" in message
    assert "an identity was changed" in message
    result = restored(backup, accept_damage=True)
    assert result.checked.damaged == 3
    after = everything()
    assert {table: after[table] for table in before if table != "audit_event"} == {
        table: before[table] for table in before if table != "audit_event"
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    ("hurt", "message"),
    [
        (drop_identity, "an identity is missing"),
        (
            lambda: Identity.objects.create(
                tenant=1, digest=b"d" * 16, slot=bytes(16), subject=b"s" * 16, field="x", tag=bytes(16)
            ),
            "1 identities belong to no record",
        ),
        (lambda: swap("sealed_token"), "its token does not open"),
        (lambda: swap("wrapped_key"), "its profile does not open"),
    ],
)
def test_each_kind_of_damage_is_found(full_api: Api, hurt: Any, message: str) -> None:
    hurt()
    backup = taken()
    emptied()
    assert message in refusal(backup)


def test_a_database_that_changes_values_is_noticed(full_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    backup = taken()
    emptied()
    insert = restoring.insert_many

    def careless(given: Any) -> None:
        if "vault_load_progress" in given.table:
            given = given._replace(rows=[(*row[:-1], row[-1] + 1) for row in given.rows])
        insert(given)

    monkeypatch.setattr(restoring, "insert_many", careless)
    assert "does not give back the rows of vault_load_progress" in refusal(backup)


def test_a_restore_that_breaks_off_leaves_nothing(full_api: Api) -> None:
    backup = taken()
    emptied()

    class Breaking(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > len(backup) // 2:
                raise OSError("the disk is gone")
            return super().read(size)

    with pytest.raises(OSError, match="the disk is gone"):
        restore_backup(operator(), Breaking(backup))
    assert everything() == NOTHING
    restored(backup)
    assert full_api.get("/v1/user/login/login-of-0005").status_code == 200


@pytest.mark.slow
def test_what_was_refused_changed_nothing_for_those_who_look(full_api: Api) -> None:
    """The keys of the backup are not kept by a process whose restore has failed."""
    backup = taken()
    emptied()
    refusal(backup[:-1])
    assert contents()["crypto_key"] == []
    assert full_api.get("/v1/user/login/login-of-0005").status_code == 503


def test_the_tree_of_the_trail_goes_on_after_a_restore(full_api: Api) -> None:
    """With the positions, heads and keys that it had."""
    from audit import proofs, verification
    from audit.models import Head, Leaf
    from audit.verification import Options
    from tests.support.trail import sealed

    tree, head = proofs.newest_checkpoint(1)
    places = list(Leaf.objects.order_by("position").values_list("position", "event"))
    keys = proofs.public_keys(tenant=1)
    backup = taken()
    emptied()
    restored(backup)
    assert proofs.newest_checkpoint(1) == (tree, head)
    assert list(Leaf.objects.order_by("position").values_list("position", "event")) == places
    assert proofs.public_keys(tenant=1) == keys
    assert sealed() > 0
    assert Head.objects.latest("size").size > head.size
    seen = {tree.origin: [verification.chunks.Seen(head.size, head.root)]}
    assert verification.verify(Options(seen=seen)).found.problems == []
