"""All that is under an older data key comes under the newest one, and nothing else about it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from audit.models import Event
from databunker.access.actor import operator
from databunker.crypto import envelope, store
from databunker.crypto.holdings import rewrap_some
from databunker.crypto.keyring import Purpose
from databunker.db.fields import SealedField
from databunker.keys import holdings, key_status, rewrap_all, rewrapping, rotate_key
from databunker.keys.rewrapping import WAITING
from gdpr.models import AgreementEvent
from tests.api.helpers import told_by
from tests.conftest import Api
from tests.support.backups import everything as all_rows
from tests.support.damage import flipped
from vault.models import Record, Session

from .conftest import Everything, backdate, data_keys_in_use


def nobody(*_: Any) -> None:
    pass


def rotated(seconds_ago: int = 3600) -> int:
    key_id = rotate_key(operator()).id
    backdate(key_id, seconds_ago)
    return key_id


def test_everything_comes_under_the_newest_key(everything: Everything) -> None:
    newest = rotated()
    assert set().union(*data_keys_in_use().values()) == {1}
    before = all_rows()
    with told_by() as told:
        done = rewrap_all(operator(), tell=nobody)
    rows = sum(holding.rows().count() for holding in holdings.under(Purpose.DATA))
    assert (done.rows, done.damaged) == (rows, [])
    assert set(map(frozenset, data_keys_in_use().values())) == {frozenset({newest})}
    assert [(event.code, event.detail) for event in told] == [
        ("key.rewrap_start", {"key": newest}),
        ("key.rewrap", {"key": newest, "rows": rows, "damaged": 0}),
    ]
    everything.check()
    assert_only_wrappings_changed(before)


def assert_only_wrappings_changed(before: dict[str, list[tuple[Any, ...]]]) -> None:
    """But for the events that were written."""
    wrapped = {f"{one.model._meta.db_table}.{name}" for one in holdings.under(Purpose.DATA) for name in one.columns}
    wrapped |= {"vault_record.key_id", "notify_job.key_id"}
    after = all_rows()
    from django.apps import apps

    for model in apps.get_models(include_auto_created=True):
        table = model._meta.db_table
        columns = [column.column for column in model._meta.concrete_fields if column.column]
        kept = [at for at, name in enumerate(columns) if f"{table}.{name}" not in wrapped]
        if table != "audit_event":
            then, now = (
                sorted((tuple(row[at] for at in kept) for row in rows[table]), key=repr) for rows in (before, after)
            )
            assert now == then, table


def test_a_second_run_has_nothing_to_do(everything: Everything) -> None:
    rotated()
    assert rewrap_all(operator(), tell=nobody).rows > 0
    before = {table: rows for table, rows in all_rows().items() if table != "audit_event"}
    assert rewrap_all(operator(), tell=nobody).rows == 0
    assert {table: rows for table, rows in all_rows().items() if table != "audit_event"} == before


@pytest.mark.parametrize("batch", [1, 2, 3, 1000])
def test_batches_of_any_size(everything: Everything, batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rewrapping, "BATCH", batch)
    newest = rotated()
    told: dict[str, list[tuple[int, int]]] = {}
    rewrap_all(operator(), tell=lambda step, done, total: told.setdefault(step, []).append((done, total)))
    assert set(map(frozenset, data_keys_in_use().values())) == {frozenset({newest})}
    assert set(told) == {
        "record keys", "ids of sessions of nobody", "words of pending agreements", "states of imports",
        "messages of nobody", "accounts", "sessions of pages",
    }  # fmt: skip
    for steps in told.values():
        assert steps == sorted(steps)
        assert steps[-1][0] == steps[-1][1]


def test_what_was_rewrapped_in_part_is_finished(everything: Everything) -> None:
    """A run that was stopped after a batch; and a key that became the newest in between."""
    rotated()
    (records, *_) = holdings.under(Purpose.DATA)
    step = rewrap_some(records, after=None, limit=2)
    assert step is not None
    assert (step.done, step.damaged) == (2, [])
    newest = rotated()
    assert data_keys_in_use()["vault_record.wrapped_key"] == {1, 7}
    rewrap_all(operator(), tell=nobody)
    assert set(map(frozenset, data_keys_in_use().values())) == {frozenset({newest})}
    everything.check()


def test_a_record_whose_columns_are_under_two_keys(everything: Everything) -> None:
    row = Record.objects.order_by("id")[0]
    sealed = bytes(row.sealed_token)
    newest = rotated()
    rewrap_all(operator(), tell=nobody)
    Record.objects.filter(pk=row.pk).update(sealed_token=sealed)
    assert rewrap_all(operator(), tell=nobody).rows == 1
    assert data_keys_in_use()["vault_record.sealed_token"] == {newest}
    everything.check()


def test_sessions_and_messages_of_people_are_left_alone(everything: Everything) -> None:
    person = next(iter(everything.people))
    session = "3d2f9a54-6c1e-4b0f-9a77-5f3f0a1c2b4d"
    everything.api.post(f"/v1/session/{session}", {"login": person})
    everything.api.post(f"/v1/agreement/news/login/{person}", {})
    before = list(Session.objects.exclude(generation=0).values_list("data", flat=True))
    words = list(AgreementEvent.objects.exclude(subject=None).values_list("words", flat=True))
    rotated()
    rewrap_all(operator(), tell=nobody)
    assert list(Session.objects.exclude(generation=0).values_list("data", flat=True)) == before
    assert list(AgreementEvent.objects.exclude(subject=None).values_list("words", flat=True)) == words
    assert everything.api.get(f"/v1/session/{session}").status_code == 200


def test_events_are_left_alone(everything: Everything) -> None:
    before = list(Event.objects.order_by("id").values_list())
    rotated()
    rotate_key(operator(), purpose=Purpose.DETAIL)
    rewrap_all(operator(), tell=nobody)
    assert list(Event.objects.order_by("id").values_list())[: len(before)] == before


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a bit": flipped,
    "cut off": lambda sealed: sealed[:40],
    "of a key that is nowhere": lambda sealed: envelope.header_for(99) + sealed[5:],
    "of an unknown format": lambda sealed: b"\x02" + sealed[1:],
    "of a key of another purpose": lambda sealed: envelope.header_for(2) + sealed[5:],
}


@pytest.mark.parametrize("change", DAMAGE.values(), ids=DAMAGE)
def test_what_was_damaged_is_named_and_left_as_it_is(everything: Everything, change: Callable[[bytes], bytes]) -> None:
    row = Record.objects.order_by("id")[1]
    session = Session.objects.get()
    damaged = change(bytes(row.wrapped_key)), change(bytes(session.data))
    Record.objects.filter(pk=row.pk).update(wrapped_key=damaged[0])
    Session.objects.update(data=damaged[1])
    rotated()
    done = rewrap_all(operator(), tell=nobody)
    assert sorted(done.damaged) == sorted([f"vault_record {row.pk}", f"vault_session 1 {bytes(session.digest).hex()}"])
    after = Record.objects.get(pk=row.pk)
    assert (bytes(after.wrapped_key), bytes(Session.objects.get().data)) == damaged
    assert bytes(after.sealed_token) == bytes(row.sealed_token), "all of a row or nothing"
    assert key_status(operator()).outdated >= 2


def test_words_whose_agreement_is_gone_are_named(everything: Everything) -> None:
    from gdpr.models import Agreement

    Agreement.objects.all().delete()
    rotated()
    (named,) = rewrap_all(operator(), tell=nobody).damaged
    assert named.startswith("gdpr_agreement_event ")


def test_it_waits_until_every_process_uses_the_new_key(everything: Everything, settings: Any) -> None:
    """What another process seals under the old key meanwhile is not left behind."""
    settings.KEYRING_CACHE_SECONDS = 1
    before = store.current_keyring()
    newest = rotate_key(operator()).id
    told: list[str] = []

    def tell(step: str, _done: int, _total: int) -> None:
        if step == WAITING and step not in told:
            current = store._cached
            store._cached = (store.time.monotonic() + 60, before)
            everything.people["late"] = everything.api.create(login="late", secret="of late")
            store._cached = current
        told.append(step)

    rewrap_all(operator(), tell=tell)
    assert told[0] == WAITING
    assert set(map(frozenset, data_keys_in_use().values())) == {frozenset({newest})}
    everything.check()


def test_every_sealed_column_is_a_holding_or_is_sealed_by_people(everything: Everything) -> None:
    """Whoever adds one has to say which."""
    from django.apps import apps

    covered = {(one.model._meta.db_table, name) for one in holdings.HOLDINGS for name in one.columns}
    of_people = {
        ("crypto_key", "wrapped"),
        ("watch_canary", "sealed"),  # under the reference key, which is never replaced
        ("vault_record", "profile"),
        ("vault_record_version", "profile"),
        ("vault_app_record", "data"),
        ("vault_app_version", "data"),
        ("vault_shared_record", "sealed_id"),
        ("vault_shared_record", "terms"),
        ("gdpr_expiration", "sealed_token"),
        ("gdpr_right", "terms"),
        *(("gdpr_request", name) for name in ("sealed_id", "terms", "original", "change", "reasons")),
    }
    found = {
        (model._meta.db_table, column.name)
        for model in apps.get_models()
        for column in model._meta.fields
        if isinstance(column, SealedField)
    }
    assert found == covered | of_people
    assert not covered & of_people


def test_a_changed_record_keeps_the_wrapping_that_it_has_by_then(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read before it was re-wrapped, written afterwards: the old wrapping must not come back."""
    from vault import storage

    token = api.create(login="ann")
    newest = rotated()
    replace_profile = storage.replace_profile

    def in_between(*rows: Any) -> Any:
        rewrap_all(operator(), tell=nobody)
        return replace_profile(*rows)

    with monkeypatch.context() as patched:
        patched.setattr(storage, "replace_profile", in_between)
        assert api.put("/v1/user/login/ann", {"n": 1}).status_code == 200
    row = Record.objects.get()
    assert {envelope.key_id_of(bytes(row.wrapped_key)), envelope.key_id_of(bytes(row.sealed_token))} == {newest}
    assert row.key_id == newest
    assert api.get(f"/v1/user/token/{token}").json()["data"]["n"] == 1


def test_the_database_reads_the_key_of_an_envelope(everything: Everything) -> None:
    """On each kind of database alike."""
    for holding in holdings.HOLDINGS:
        from databunker.crypto.holdings import count_by_key

        for column, counts in count_by_key(holding).items():
            values = list(holding.rows().values_list(column, flat=True))
            expected: dict[int, int] = {}
            for value in values:
                key_id = envelope.key_id_of(bytes(value))
                expected[key_id] = expected.get(key_id, 0) + 1
            assert counts == expected, (connection.vendor, column)
