"""Every table of the product can be backed up, whoever adds one."""

from __future__ import annotations

import orjson
import pytest
from django.apps import apps
from django.db import models

from databunker.backup.tables import Kind, Table, described, from_description, tables


def test_every_table_and_every_column_is_in_a_backup() -> None:
    found = {table.name: set(table.column_names) for table in tables()}
    for model in apps.get_models(include_auto_created=True):
        columns = {field.column for field in model._meta.fields if field.column}
        assert found[model._meta.db_table] == columns
    assert {"vault_record", "vault_identity", "audit_event", "crypto_key", "access_token"} <= set(found)


def test_tables_come_in_one_order() -> None:
    assert [table.name for table in tables()] == sorted(table.name for table in tables())


def test_only_what_the_database_numbers_has_a_counter() -> None:
    counters = {table.name: table.counter for table in tables()}
    assert (counters["vault_record"], counters["access_token"]) == ("id", "id")
    assert (counters["audit_event"], counters["crypto_key"], counters["vault_identity"]) == (None, None, None)


def test_a_description_is_read_as_it_was_written() -> None:
    written = orjson.loads(orjson.dumps(described(tables())))
    assert [from_description(table) for table in written] == [Table(name, columns) for name, columns, _ in tables()]


def test_a_column_of_an_unknown_type_fails_before_it_is_lost() -> None:
    from databunker.backup.tables import _kind

    field = models.FloatField()
    field.model, field.column = apps.get_model("vault", "Record"), "weight"
    with pytest.raises(TypeError, match=r"vault_record\.weight"):
        _kind(field)
    assert _kind(models.BigAutoField()) is Kind.INTEGER
